using System.Diagnostics;
using System.Globalization;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Bench.Engine;

/// <summary>
/// Tokens per second of the engine beside a bare ONNX Runtime loop of the same batch, in turn, prompts left out: of the
/// wall clock and of processor time, which other work on the machine disturbs less.
/// </summary>
internal static class Speed
{
    /// <summary>What ends the demo model's answers.</summary>
    public const int EndToken = 1019;

    public static async Task RunAsync(string directory, int tokens, int rounds, int threads, int loops, int[] batches)
    {
        var options = new OnnxEngineOptions
        {
            Directory = directory, Threads = threads, Loops = loops, Concurrency = batches.Max(),
        };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        using var bare = new BareLoop(directory, threads, engine.Model.Vocabulary);
        var chat = Chat("Tell me about the sea.");
        int[] prompt = engine.EncodePrompt(chat)!;
        var greedy = SamplingParameters.Default with { Temperature = 0 };
        var sampled = SamplingParameters.Default with { Temperature = 0.8, TopP = 0.95 };
        Console.WriteLine($"{engine.Model.Name}: prompt {prompt.Length}, answers of {tokens} tokens, "
            + $"threads {threads}, loops {loops}, "
            + $"{engine.Gathered} together before they are spread, median of {rounds} rounds");
        Console.WriteLine(
            $"{"at once",8} {"",-22} {"tokens/s",9} {"ratio",6} {"per CPU s",10} {"ratio",6} {"B/token",8}");
        foreach (int batch in batches)
        {
            List<Rate> plain = [];
            List<Rate> cold = [];
            List<Rate> warm = [];
            for (int round = 0; round <= rounds; round++)
            {
                // The engine's requests do not begin at once, so the first is ahead when the last has its first token;
                // the bare loop is timed from there on as well, since longer sequences cost more.
                var (one, ahead) = await EngineAsync(engine, chat, greedy, tokens, batch);
                var two = bare.Measure(prompt, tokens, batch, ahead);
                var (three, _) = await EngineAsync(engine, chat, sampled, tokens, batch);
                if (round > 0)
                {
                    cold.Add(one);
                    plain.Add(two);
                    warm.Add(three);
                }
            }

            Row(batch, "bare loop, greedy", plain, plain);
            Row(batch, "engine, greedy", cold, plain);
            Row(batch, "engine, T 0.8, top-p", warm, plain);
        }
    }

    /// <summary>A question whose answer does not end by itself, so that all have one length.</summary>
    public static ChatRequest Chat(string question) => new()
    {
        Model = "m", Messages = [ChatMessage.OfText("user", question)], LogitBias = [new(EndToken, -100)],
    };

    private static void Row(int batch, string name, List<Rate> rates, List<Rate> bare) =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{batch,8} {name,-22} {Statistics.Median(rates.Select(rate => rate.Wall)),9:F0} "
            + $"{Statistics.Median(rates.Zip(bare, (one, other) => one.Wall / other.Wall)),6:F2} "
            + $"{Statistics.Median(rates.Select(rate => rate.Cpu)),10:F0} "
            + $"{Statistics.Median(rates.Zip(bare, (one, other) => one.Cpu / other.Cpu)),6:F2} "
            + $"{Statistics.Median(rates.Select(rate => rate.Bytes)),8:F0}"));

    /// <summary>From when all requests have a token until one has its last, so that all decode together; and how many
    /// tokens the first of them had at the beginning of that.</summary>
    public static async Task<(Rate Rate, int Ahead)> EngineAsync(
        OnnxEngine engine, ChatRequest chat, SamplingParameters sampling, int tokens, int batch)
    {
        var guard = new Lock();
        int begun = 0;
        int total = 0;
        int before = 0;
        int most = 0;
        int ahead = 0;
        Meter? meter = null;
        Rate? rate = null;
        var all = Enumerable.Range(0, batch).Select(seed => Task.Run(async () =>
        {
            var request = new EngineRequest(
                chat, default, SamplingKey.FromSeed(seed), sampling, tokens, [], 1, $"payer {seed}");
            int mine = 0;
            await foreach (var happened in engine.GenerateAsync(request, default))
            {
                lock (guard)
                {
                    total += happened is TokenOut ? 1 : 0;
                    mine += happened is TokenOut ? 1 : 0;
                    most = Math.Max(most, mine);
                    if (mine == 1 && happened is TokenOut && ++begun == batch)
                    {
                        (meter, before, ahead) = (new Meter(), total, most);
                    }

                    if (mine == tokens)
                    {
                        rate ??= meter?.Rate(total - before);
                    }
                }
            }
        }));
        await Task.WhenAll(all);
        return (rate ?? throw new InvalidOperationException("The answers were too short to ever run together."), ahead);
    }
}

/// <summary>Tokens per second of the clock and of processor time, and bytes allocated per token.</summary>
internal sealed record Rate(double Wall, double Cpu, double Bytes);

/// <summary>Measures from its construction on.</summary>
internal sealed class Meter
{
    private readonly long start = Stopwatch.GetTimestamp();
    private readonly TimeSpan cpu = Process.GetCurrentProcess().TotalProcessorTime;
    private readonly long bytes = GC.GetTotalAllocatedBytes();

    public Rate Rate(double tokens) => new(
        tokens / Stopwatch.GetElapsedTime(start).TotalSeconds,
        tokens / (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds,
        (GC.GetTotalAllocatedBytes() - bytes) / tokens);
}
