using Microsoft.ML.OnnxRuntime;

namespace Souk.Engines.Onnx;

/// <summary>One session and the names of what goes in and comes out. Runs may overlap: ONNX Runtime's sessions are safe
/// for concurrent runs, and nothing here changes after construction.</summary>
internal sealed class Decoder : IDisposable
{
    private readonly InferenceSession session;
    private readonly string[] inputNames;
    private readonly string[] outputNames;

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
        inputNames = [.. names, .. shape.PastNames];
        outputNames = ["logits", .. shape.PresentNames];
    }

    public ModelShape Shape { get; }

    /// <summary>Greatest prompt + output of a sequence, in tokens.</summary>
    public int Context { get; }

    /// <summary>Index of the first key/value input.</summary>
    public int FirstPast { get; }

    public int InputCount => inputNames.Length;

    public int OutputCount => outputNames.Length;

    /// <summary>A forward pass into outputs that the caller has allocated.</summary>
    public void Run(RunOptions options, OrtValue[] inputs, OrtValue[] outputs) =>
        session.Run(options, inputNames, inputs, outputNames, outputs);

    public void Dispose() => session.Dispose();
}
