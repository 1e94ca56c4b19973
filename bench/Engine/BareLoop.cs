using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Souk.Bench.Engine;

/// <summary>The shortest greedy decoding loop over ONNX Runtime: no sampler, no text, no requests, and a batch of equal
/// sequences that nobody joins or leaves. The engine is measured against it.</summary>
internal sealed class BareLoop : IDisposable
{
    private readonly InferenceSession session;
    private readonly string[] inputs;
    private readonly string[] outputs;
    private readonly string[] pasts;
    private readonly int vocabulary;

    public BareLoop(string directory, int threads, int vocabulary)
    {
        this.vocabulary = vocabulary;
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            EnableMemoryPattern = false,
        };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        string file = Path.Combine(directory, "model.onnx");
        session = new InferenceSession(
            File.Exists(file) ? file : Path.Combine(directory, "onnx", "model.onnx"), options);
        pasts = [.. session.InputNames.Where(name => name.StartsWith("past_key_values.", StringComparison.Ordinal))];
        inputs = ["input_ids", "attention_mask", "position_ids", .. pasts];
        outputs =
        [
            "logits", .. pasts.Select(name => name.Replace("past_key_values", "present", StringComparison.Ordinal)),
        ];
    }

    /// <summary>Decodes greedily, the same prompt in every row, and times the tokens of all rows after the first
    /// <paramref name="untimed"/>, at least one: what a step costs grows with what was decoded before it.</summary>
    public Rate Measure(int[] prompt, int tokens, int batch, int untimed)
    {
        using var options = new RunOptions();
        var shape = session.InputMetadata[pasts[0]].Dimensions;
        OrtValue[] empty =
        [
            .. pasts.Select(_ => OrtValue.CreateAllocatedTensorValue(
                OrtAllocator.DefaultInstance, TensorElementType.Float, [batch, shape[1], 0, shape[3]])),
        ];
        long[] first = [.. Enumerable.Range(0, batch).SelectMany(_ => prompt).Select(id => (long)id)];
        var present = Run(options, first, batch, 0, empty);
        long[] next = new long[batch];
        Greatest(present[0], prompt.Length, next);
        Meter? meter = null;
        for (int i = 1; i < tokens; i++)
        {
            meter = i == untimed ? new Meter() : meter;
            var old = present;
            present = Run(options, next, batch, prompt.Length + i - 1, [.. old.Skip(1)]);
            old.Dispose();
            Greatest(present[0], 1, next);
        }

        var rate = meter!.Rate(batch * (tokens - untimed));
        present.Dispose();
        return rate;
    }

    public void Dispose() => session.Dispose();

    private IDisposableReadOnlyCollection<OrtValue> Run(
        RunOptions options, long[] ids, int batch, int held, OrtValue[] past)
    {
        int width = ids.Length / batch;
        long[] mask = new long[batch * (held + width)];
        Array.Fill(mask, 1);
        long[] positions = [.. Enumerable.Range(0, ids.Length).Select(at => (long)(held + (at % width)))];
        using var idValue = OrtValue.CreateTensorValueFromMemory(ids, [batch, width]);
        using var maskValue = OrtValue.CreateTensorValueFromMemory(mask, [batch, held + width]);
        using var positionValue = OrtValue.CreateTensorValueFromMemory(positions, [batch, width]);
        return session.Run(options, inputs, [idValue, maskValue, positionValue, .. past], outputs);
    }

    private void Greatest(OrtValue logits, int width, long[] next)
    {
        var all = logits.GetTensorDataAsSpan<float>();
        for (int row = 0; row < next.Length; row++)
        {
            var last = all.Slice((((row + 1) * width) - 1) * vocabulary, vocabulary);
            next[row] = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(last);
        }
    }
}
