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
    public Numerics.Pair Judge(EngineRequest request, int[] prompt, int[] answer)
    {
        int[] all = [.. prompt, .. answer];
        var sampler = new Sampler(request.Sampling, request.Key, decoder.Shape.Vocabulary);
        var bias = new Dictionary<int, double>(request.Chat.LogitBias);
        var held = new KvBlock(decoder.Shape, 1, 0);
        int different = 0;
        for (int done = 0; done < all.Length - 1; done = held.Width)
        {
            int count = Math.Min(Chunk, all.Length - 1 - done);
            pass.Prepare(1, count, done + count);
            pass.Mask.Fill(1);
            for (int i = 0; i < count; i++)
            {
                pass.Ids[i] = all[done + i];
                pass.Positions[i] = done + i;
            }

            var present = new KvBlock(decoder.Shape, 1, done + count);
            pass.Run(held, present, options);
            held.Dispose();
            held = present;
            for (int i = 0; i < count; i++)
            {
                int at = done + i + 1 - prompt.Length;
                if (at >= 0)
                {
                    different += sampler.Next(pass.Logits(0, i), 0, at, null, bias) == answer[at] ? 0 : 1;
                }
            }
        }

        held.Dispose();
        return new Numerics.Pair(answer.Length, different);
    }

    public void Dispose()
    {
        options.Dispose();
        pass.Dispose();
        decoder.Dispose();
    }
}
