using Microsoft.ML.OnnxRuntime;
using Souk.Engines;
using Souk.Engines.Files;
using Souk.Engines.Onnx;
using Souk.Engines.Onnx.Batching;
using Souk.Engines.Onnx.Kv;
using Souk.Protocol;

namespace Souk.Bench.Engine;

/// <summary>Reads an answer back the way a prompt is read, many tokens in a pass, and picks each token anew.</summary>
internal sealed class Reader : IDisposable
{
    private const int Chunk = 64;
    private readonly Decoder decoder;
    private readonly Pass pass;
    private readonly RunOptions options = new();

    public Reader(string directory, int context)
    {
        var files = ModelDirectory.ReadAsync(directory, null, long.MaxValue, default).GetAwaiter().GetResult();
        using var settings = new SessionOptions { IntraOpNumThreads = 1 };
        var session = new InferenceSession(files.OnnxPath, settings);
        var shape = ModelShape.Read(session.InputMetadata, session.OutputMetadata, files.Tokens.Config);
        decoder = new Decoder(session, shape, context);
        pass = new Pass(decoder);
    }

    /// <summary>How many tokens of an answer another one would have been picked for.</summary>
    /// <param name="request">What the answer was made for.</param>
    /// <param name="prompt">Its prompt.</param>
    /// <param name="answer">Its tokens.</param>
    /// <param name="noise">Added to or taken from every logit at random, to see what such an error would do.</param>
    public Numerics.Pair Judge(EngineRequest request, int[] prompt, int[] answer, float noise = 0)
    {
        var sampler = new Sampler(request.Sampling, request.Key, decoder.Shape.Vocabulary);
        var bias = new Dictionary<int, double>(request.Chat.LogitBias);
        var random = new Random(answer.Length);
        float[][] read = Logits([.. prompt, .. answer], Chunk);
        int different = 0;
        for (int at = 0; at < answer.Length; at++)
        {
            float[] logits = read[prompt.Length - 1 + at];
            for (int i = 0; noise > 0 && i < logits.Length; i++)
            {
                logits[i] += random.Next(2) == 0 ? noise : -noise;
            }

            different += sampler.Next(logits, 0, at, null, bias) == answer[at] ? 0 : 1;
        }

        return new Numerics.Pair(answer.Length, different);
    }

    /// <summary>The greatest difference of a logit between reading ids one by one and many in a pass.</summary>
    public float Rounding(int[] ids) => Logits(ids, 1).Zip(Logits(ids, Chunk))
        .Max(pair => pair.First.Zip(pair.Second).Max(logit => Math.Abs(logit.First - logit.Second)));

    private float[][] Logits(int[] ids, int chunk)
    {
        List<float[]> all = [];
        var held = new KvBlock(decoder.Shape, 1, 0);
        while (held.Width < ids.Length)
        {
            int done = held.Width;
            int count = Math.Min(chunk, ids.Length - done);
            pass.Prepare(1, count, done + count);
            pass.Mask.Fill(1);
            for (int i = 0; i < count; i++)
            {
                pass.Ids[i] = ids[done + i];
                pass.Positions[i] = done + i;
            }

            var present = new KvBlock(decoder.Shape, 1, done + count);
            pass.Run(held, present, options);
            held.Dispose();
            held = present;
            for (int i = 0; i < count; i++)
            {
                all.Add(pass.Logits(0, i).ToArray());
            }
        }

        held.Dispose();
        return [.. all];
    }

    public void Dispose()
    {
        options.Dispose();
        pass.Dispose();
        decoder.Dispose();
    }
}
