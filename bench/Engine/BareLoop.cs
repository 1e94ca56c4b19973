using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Souk.Bench.Engine;

/// <summary>The shortest greedy decoding loop over ONNX Runtime: no sampler, no text, no requests. The engine is
/// measured against it.</summary>
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

    /// <summary>Decodes greedily and times all tokens after the first.</summary>
    public double TokensPerSecond(int[] prompt, int tokens)
    {
        using var options = new RunOptions();
        var shape = session.InputMetadata[pasts[0]].Dimensions;
        OrtValue[] empty =
        [
            .. pasts.Select(_ => OrtValue.CreateAllocatedTensorValue(
                OrtAllocator.DefaultInstance, TensorElementType.Float, [1, shape[1], 0, shape[3]])),
        ];
        var present = Run(options, Array.ConvertAll(prompt, id => (long)id), 0, empty);
        long next = Greatest(present[0], prompt.Length);
        long start = Stopwatch.GetTimestamp();
        for (int i = 1; i < tokens; i++)
        {
            var old = present;
            present = Run(options, [next], prompt.Length + i - 1, [.. old.Skip(1)]);
            old.Dispose();
            next = Greatest(present[0], 1);
        }

        double rate = (tokens - 1) / Stopwatch.GetElapsedTime(start).TotalSeconds;
        present.Dispose();
        return rate;
    }

    public void Dispose() => session.Dispose();

    private IDisposableReadOnlyCollection<OrtValue> Run(RunOptions options, long[] ids, int held, OrtValue[] past)
    {
        long[] mask = new long[held + ids.Length];
        Array.Fill(mask, 1);
        long[] positions = [.. Enumerable.Range(held, ids.Length).Select(at => (long)at)];
        using var idValue = OrtValue.CreateTensorValueFromMemory(ids, [1, ids.Length]);
        using var maskValue = OrtValue.CreateTensorValueFromMemory(mask, [1, mask.Length]);
        using var positionValue = OrtValue.CreateTensorValueFromMemory(positions, [1, positions.Length]);
        return session.Run(options, inputs, [idValue, maskValue, positionValue, .. past], outputs);
    }

    private long Greatest(OrtValue logits, int rows)
    {
        var last = logits.GetTensorDataAsSpan<float>().Slice((rows - 1) * vocabulary, vocabulary);
        return System.Numerics.Tensors.TensorPrimitives.IndexOfMax(last);
    }
}
