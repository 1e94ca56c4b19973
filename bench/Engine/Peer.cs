using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Souk.Bench.Engine.Exports;
using Souk.Engines.Onnx;
using Souk.Protocol;

namespace Souk.Bench.Engine;

/// <summary>The engine beside llama.cpp: the same weights, prompt, number of tokens and threads, in turn. llama.cpp
/// decodes as many sequences in one context as run at once, through npm's node-llama-cpp.</summary>
internal sealed class Peer : IDisposable
{
    private static readonly JsonSerializerOptions Names = new(JsonSerializerDefaults.Web);
    private readonly Process process;
    private readonly string file;

    private Peer(string script, string directory, int context, int threads)
    {
        file = Path.Combine(Path.GetTempPath(), $"souk-{Guid.NewGuid():N}.gguf");
        File.WriteAllBytes(file, LlamaFile.Write(directory));
        process = Process.Start(new ProcessStartInfo("node", [script, file, $"{context}", $"{threads}"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
    }

    public static async Task RunAsync(
        string directory, string script, int tokens, int rounds, int threads, int[] batches)
    {
        var options = new OnnxEngineOptions
        {
            Directory = directory, Threads = threads, Loops = 1, Concurrency = batches.Max(),
        };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        using var peer = new Peer(script, directory, engine.Model.Context, threads);
        await peer.LineAsync();
        await peer.CompareAsync(engine, directory, tokens);
        var greedy = SamplingParameters.Default with { Temperature = 0 };
        var chat = Speed.Chat("Tell me about the sea.");
        int[] prompt = engine.EncodePrompt(chat)!;
        Console.WriteLine($"{engine.Model.Name}: prompt {prompt.Length}, answers of {tokens} tokens, greedy, "
            + $"threads {threads}, median of {rounds} rounds, tokens per second");
        Console.WriteLine($"{"at once",8} {"engine",8} {"llama.cpp",10} {"ratio",6}   "
            + $"{"per CPU s",9} {"llama.cpp",10} {"ratio",6}");
        foreach (int batch in batches)
        {
            List<(Rate Mine, Rate Other)> rates = [];
            for (int round = 0; round <= rounds; round++)
            {
                var (mine, _) = await Speed.EngineAsync(engine, chat, greedy, tokens, batch);
                var other = await peer.AskAsync(prompt, tokens, batch);
                rates.Add((mine, other.Rate));
            }

            Row(batch, rates[1..]);
        }
    }

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
        File.Delete(file);
    }

    private static void Row(int batch, List<(Rate Mine, Rate Other)> rates)
    {
        double Of(Func<(Rate Mine, Rate Other), double> of) => Statistics.Median(rates.Select(of));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{batch,8} {Of(pair => pair.Mine.Wall),8:F0} {Of(pair => pair.Other.Wall),10:F0} "
            + $"{Of(pair => pair.Mine.Wall / pair.Other.Wall),6:F2}   "
            + $"{Of(pair => pair.Mine.Cpu),9:F0} {Of(pair => pair.Other.Cpu),10:F0} "
            + $"{Of(pair => pair.Mine.Cpu / pair.Other.Cpu),6:F2}"));
    }

    /// <summary>Whether both pick the same tokens: answers to the first questions, each up to its first
    /// difference.</summary>
    private async Task CompareAsync(OnnxEngine engine, string directory, int tokens)
    {
        var (compared, different) = (0, 0);
        foreach (var request in Numerics.Questions(directory).Take(16).Select(question => Numerics.Ask(question, 0)))
        {
            int[] mine = await Numerics.AnswerAsync(engine, request with { MaxTokens = tokens });
            var other = (await AskAsync(engine.EncodePrompt(request.Chat)!, tokens, 1)).Ids[0];
            int same = mine.AsSpan().CommonPrefixLength(other);
            compared += Math.Min(same + 1, tokens);
            different += same == tokens ? 0 : 1;
        }

        Console.WriteLine($"16 answers of {tokens} tokens: {different} of {compared} tokens differ");
    }

    private async Task<(Rate Rate, int[][] Ids)> AskAsync(int[] prompt, int tokens, int batch)
    {
        await process.StandardInput.WriteLineAsync(
            JsonSerializer.Serialize(new { prompt, tokens, batch, barred = Speed.EndToken }, Names));
        var reply = JsonSerializer.Deserialize<Reply>(await LineAsync(), Names)!;
        return (new Rate(reply.Counted / reply.Seconds, reply.Counted / reply.Cpu, 0), reply.Ids);
    }

    private async Task<string> LineAsync() => await process.StandardOutput.ReadLineAsync()
        ?? throw new InvalidOperationException("The peer ended.");

    private sealed record Reply(double Seconds, double Cpu, int Counted, int[][] Ids);
}
