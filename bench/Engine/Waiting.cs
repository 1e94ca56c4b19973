using System.Diagnostics;
using System.Globalization;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Protocol;

namespace Souk.Bench.Engine;

/// <summary>What a request waits for its first token, alone and while long prompts are read, and what a request that
/// waits for a place holds in memory.</summary>
internal static class Waiting
{
    private const int Queued = 2000;

    public static async Task RunAsync(string directory, int rounds, int threads, int loops)
    {
        var options = new OnnxEngineOptions
        {
            Directory = directory, Threads = threads, Loops = loops, Waiting = Queued,
        };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        await FirstTokenAsync(engine, 3);
        var alone = await FirstTokenAsync(engine, rounds);

        // Long prompts one after the other, each of its own payer, so that none is reused.
        using var ending = new CancellationTokenSource();
        int read = 0;
        var reading = Task.Run(async () =>
        {
            int[] words = engine.EncodePrompt(Speed.Chat("Count on from 7."))!;
            while (!ending.IsCancellationRequested)
            {
                var places = Enumerable.Range(read, engine.Model.Context - 8);
                int[] prompt = [.. places.Select(at => words[at % words.Length])];
                await TakeAsync(engine, Ask($"reader {read++}", 1) with { PromptIds = prompt });
            }
        });
        var beside = await FirstTokenAsync(engine, rounds);
        await ending.CancelAsync();
        await reading;
        int length = engine.EncodePrompt(Speed.Chat("Tell me about the sea."))!.Length;
        Console.WriteLine($"first token of a prompt of {length}, "
            + $"{rounds} requests, {read} prompts of {engine.Model.Context - 8} read meanwhile, milliseconds");
        Row("alone", alone, alone);
        Row("while long prompts are read", beside, alone);
        await MemoryAsync(engine, options.Concurrency);
    }

    private static void Row(string name, List<Wait> times, List<Wait> alone)
    {
        Tell("clock", static wait => wait.Clock);
        Tell("processor", static wait => wait.Processor);

        void Tell(string kind, Func<Wait, double> of)
        {
            double Of(List<Wait> waits, double share) => Statistics.Share(waits.Select(of), share);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {name,-28} {kind,-10} median {Of(times, 0.5),7:F2} p99 {Of(times, 0.99),7:F2} "
                + $"ratio of medians {Of(times, 0.5) / Of(alone, 0.5):F2} of p99 "
                + $"{Of(times, 0.99) / Of(alone, 0.99):F2}"));
        }
    }

    private static async Task<List<Wait>> FirstTokenAsync(OnnxEngine engine, int rounds)
    {
        List<Wait> times = [];
        for (int round = 0; round < rounds; round++)
        {
            var request = Ask(Guid.NewGuid().ToString(), 1);
            var cpu = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            await foreach (var happened in engine.GenerateAsync(request, default))
            {
                if (happened is TokenOut)
                {
                    times.Add(new Wait(
                        Stopwatch.GetElapsedTime(start).TotalMilliseconds,
                        (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds));
                    break;
                }
            }
        }

        return times;
    }

    private static async Task MemoryAsync(OnnxEngine engine, int concurrency)
    {
        using var leaving = new CancellationTokenSource();
        var request = Ask("payer", 400) with { PromptIds = engine.EncodePrompt(Speed.Chat("Tell me about the sea.")) };
        var all = Enumerable.Range(0, concurrency).Select(_ => NeverPulled()).ToList();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        all.AddRange(Enumerable.Range(0, Queued).Select(_ => NeverPulled()));
        long after = GC.GetTotalMemory(forceFullCollection: true);
        Console.WriteLine($"a request that waits for a place: {(after - before) / Queued} bytes");
        await leaving.CancelAsync();
        foreach (var pulled in all)
        {
            await pulled.DisposeAsync();
        }

        IAsyncDisposable NeverPulled() => new Pulled(engine.GenerateAsync(request, leaving.Token));
    }

    private static async Task TakeAsync(OnnxEngine engine, EngineRequest request)
    {
        await foreach (var happened in engine.GenerateAsync(request, default))
        {
            if (happened is TokenOut)
            {
                return;
            }
        }
    }

    private static EngineRequest Ask(string payer, int tokens) => new(
        Speed.Chat("Tell me about the sea."), default, SamplingKey.FromSeed(1),
        SamplingParameters.Default with { Temperature = 0 }, tokens, [], 1, payer);

    /// <summary>Milliseconds of the clock, and of processor time that all of the process used meanwhile.</summary>
    private sealed record Wait(double Clock, double Processor);

    /// <summary>A request whose first event was asked for.</summary>
    private sealed class Pulled : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<EngineEvent> events;
        private readonly Task<bool> first;

        public Pulled(IAsyncEnumerable<EngineEvent> source)
        {
            events = source.GetAsyncEnumerator();
            first = events.MoveNextAsync().AsTask();
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                await first;
            }
            catch (OperationCanceledException)
            {
                // It was still waiting.
            }

            await events.DisposeAsync();
        }
    }
}
