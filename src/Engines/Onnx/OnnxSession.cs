using Microsoft.ML.OnnxRuntime;
using Souk.Protocol;

namespace Souk.Engines.Onnx;

/// <summary>Opens ONNX files alike for every engine.</summary>
internal static class OnnxSession
{
    /// <exception cref="EngineException">Ours, "model_unsupported": ONNX Runtime does not load the file.</exception>
    public static InferenceSession Open(string path, int threads, bool isSpinning)
    {
        using var settings = new SessionOptions
        {
            // Patterns are kept per input shape, and nearly every pass has a shape of its own.
            EnableMemoryPattern = false,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
        };
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", isSpinning ? "1" : "0");
        try
        {
            return new InferenceSession(path, settings);
        }
        catch (OnnxRuntimeException refused)
        {
            throw new EngineException(
                Fault.Ours, "model_unsupported", $"ONNX Runtime cannot load the model: {refused.Message}", refused);
        }
    }
}
