using Microsoft.ML.OnnxRuntime;

namespace Souk.Engines.Onnx;

/// <summary>One session and the names of what goes in and comes out. Runs may overlap: ONNX Runtime's sessions are safe
/// for concurrent runs, and nothing here changes after construction.</summary>
internal sealed class Decoder : IDisposable
{
    private readonly InferenceSession session;
    private readonly string[] inputNames;
    private readonly string[] outputNames;
    private readonly OrtValue? keepAll;

    public Decoder(InferenceSession session, ModelShape shape, int context)
    {
        this.session = session;
        Shape = shape;
        Context = context;
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
        InputCount = names.Count + shape.PastNames.Length;
        inputNames = [.. names, .. shape.PastNames];
        if (shape.KeepRank is { } rank)
        {
            inputNames = [.. inputNames, ModelShape.Keep];
            keepAll = OrtValue.CreateTensorValueFromMemory(new long[1], [.. Enumerable.Repeat(1L, rank)]);
        }

        outputNames = ["logits", .. shape.PresentNames];
    }

    public ModelShape Shape { get; }

    /// <summary>Greatest prompt + output of a sequence, in tokens.</summary>
    public int Context { get; }

    /// <summary>Index of the first key/value input.</summary>
    public int FirstPast { get; }

    /// <summary>Inputs that a pass gives; constant ones are added here.</summary>
    public int InputCount { get; }

    public int OutputCount => outputNames.Length;

    /// <summary>A forward pass into outputs that the caller has allocated.</summary>
    public void Run(RunOptions options, OrtValue[] inputs, OrtValue[] outputs) =>
        session.Run(options, inputNames, keepAll is null ? inputs : [.. inputs, keepAll], outputNames, outputs);

    public void Dispose()
    {
        keepAll?.Dispose();
        session.Dispose();
    }
}
