using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Souk.Engines.Onnx;

/// <summary>One session and what every sequence on it shares. Runs may overlap: ONNX Runtime's sessions are safe for
/// concurrent runs, and nothing here changes after construction.</summary>
internal sealed class Decoder : IDisposable
{
    private readonly InferenceSession session;
    private readonly long[] ones;

    public Decoder(InferenceSession session, ModelShape shape, int context)
    {
        this.session = session;
        Shape = shape;
        ones = GC.AllocateUninitializedArray<long>(context, pinned: true);
        ones.AsSpan().Fill(1);
        List<string> names = ["input_ids"];
        if (shape.HasMask)
        {
            names.Add("attention_mask");
        }

        if (shape.HasPositions)
        {
            names.Add("position_ids");
        }

        FirstPast = names.Count;
        InputNames = [.. names, .. shape.PastNames];
        OutputNames = ["logits", .. shape.PresentNames];
    }

    public ModelShape Shape { get; }

    public string[] InputNames { get; }

    public string[] OutputNames { get; }

    /// <summary>Index of the first key/value input among <see cref="InputNames"/>.</summary>
    public int FirstPast { get; }

    /// <summary>An attention mask of ones, the same memory for everybody since it is only read.</summary>
    public OrtValue Mask(int length) =>
        OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, ones.AsMemory(0, length), [1, length]);

    /// <summary>Keys or values of no position at all, where every sequence starts.</summary>
    public OrtValue EmptyPast() =>
        OrtValue.CreateAllocatedTensorValue(
            OrtAllocator.DefaultInstance, Shape.KvType, [1, Shape.KvHeads, 0, Shape.HeadSize]);

    /// <summary>A forward pass. The outputs stay in ONNX Runtime's memory; the caller disposes them.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(RunOptions options, OrtValue[] inputs) =>
        session.Run(options, InputNames, inputs, OutputNames);

    /// <summary>Copies the logits of the last position, widened to float32.</summary>
    public void CopyLastLogits(OrtValue logits, Span<float> target)
    {
        var shape = logits.GetTensorTypeAndShape().Shape;
        if (shape.Length != 3 || shape[0] != 1 || shape[1] < 1 || shape[2] != target.Length)
        {
            throw new InvalidDataException($"The logits have the shape [{string.Join(", ", shape)}].");
        }

        int start = checked((int)((shape[1] - 1) * target.Length));
        if (Shape.LogitsType == TensorElementType.Float)
        {
            logits.GetTensorDataAsSpan<float>().Slice(start, target.Length).CopyTo(target);
            return;
        }

        var halves = logits.GetTensorDataAsSpan<Float16>().Slice(start, target.Length);
        var native = System.Runtime.InteropServices.MemoryMarshal.Cast<Float16, Half>(halves);
        System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(native, target);
    }

    public void Dispose() => session.Dispose();
}
