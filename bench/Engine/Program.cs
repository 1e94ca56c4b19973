using System.Diagnostics;
using Souk.Bench.Engine;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.OpenAi.Chat;
using Souk.Protocol;

int threads = int.Parse(args[1]);
int loops = int.Parse(args[2]);
int tokens = int.Parse(args[3]);
await using var engine = await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = args[0], Threads = threads, Loops = loops, Concurrency = 64 }, default);
using var bare = new BareLoop(args[0], threads, 1024);
foreach (int b in new[] { 1, 4, 16, 64 })
for (int r = 0; r < 3; r++)
{
    var chat = new ChatRequest { Model = "m", Messages = [ChatMessage.OfText("user", "Tell me about the sea.")], LogitBias = [new(1019, -100)] };
    int[] prompt = engine.EncodePrompt(chat)!;
    double bareRate = bare.TokensPerSecond(prompt, tokens, b);
    var (greedy, alloc) = await RateAsync(chat, b, 0);
    var (hot, _) = await RateAsync(chat, b, 0.8);
    Console.WriteLine($"threads {threads} loops {loops} batch {b}: bare {bareRate:F0} greedy {greedy:F0} {greedy/bareRate:F3} ({alloc:F0} B/token) sampled {hot:F0} {hot/bareRate:F3}");
}
async Task<(double, double)> RateAsync(ChatRequest chat, int batch, double temperature)
{
    var sampling = SamplingParameters.Default with { Temperature = temperature, TopP = temperature > 0 ? 0.95 : 1 };
    int total = 0; long first = long.MaxValue;
    long before = GC.GetTotalAllocatedBytes(true);
    await Task.WhenAll(Enumerable.Range(0, batch).Select(i => Task.Run(async () =>
    {
        var request = new EngineRequest(chat, default, SamplingKey.FromSeed(i), sampling, tokens, [], 1, $"p{Guid.NewGuid()}");
        await foreach (var happened in engine.GenerateAsync(request, default))
        {
            if (happened is TokenOut && Interlocked.Increment(ref total) == 1) first = Stopwatch.GetTimestamp();
        }
    })));
    return ((total - 1) / Stopwatch.GetElapsedTime(first).TotalSeconds, (GC.GetTotalAllocatedBytes(true) - before) / (double)total);
}
