using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;
using Souk.Protocol;

namespace Souk.Engines.Tests.Onnx.Batching;

/// <summary>Who runs, who waits and who is refused.</summary>
public sealed class AdmissionTests : IDisposable
{
    private readonly ModelFolder folder = ModelFolder.Create(new TinyLlama(new TinyShape()));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Keys_and_values_decide_who_runs()
    {
        // Two requests of 5 + 123 fit into 256, a third does not.
        await using var engine = await LoadAsync(new() { Directory = "", KvTokens = 256, Waiting = 1 });
        await using var first = await BegunAsync(engine, "a");
        await using var second = await BegunAsync(engine, "b");
        var third = engine.GenerateAsync(Counted(engine, "c", 123), default).GetAsyncEnumerator();
        var begins = third.MoveNextAsync().AsTask();
        Assert.Equal("engine_busy", (await engine.RefusedAsync(Request("d"))).Code);
        Assert.False(begins.IsCompleted);
        await first.DisposeAsync();
        Assert.True(await begins);
        await third.DisposeAsync();
    }

    [Fact]
    public async Task What_could_never_fit_is_refused_as_theirs()
    {
        await using var engine = await LoadAsync(new() { Directory = "", KvTokens = 256 });
        var refused = await engine.RefusedAsync(Ask.For("x", maxTokens: 200, choices: 2));
        Assert.Equal((Fault.Theirs, "feature_unsupported"), (refused.Fault, refused.Code));
        Assert.Equal(2, (await engine.AllAsync(Ask.For("x", maxTokens: 100, choices: 2))).OfType<Finished>().Count());
    }

    [Fact]
    public async Task A_payer_with_many_requests_does_not_keep_another_waiting()
    {
        await using var engine = await LoadAsync(new() { Directory = "", Concurrency = 1, Waiting = 8 });
        var running = await BegunAsync(engine, "many");
        string[] crowd = ["many", "many", "many", "many", "one"];
        var pulled = crowd.Select(payer => engine.GenerateAsync(Counted(engine, payer, 123), default)
            .GetAsyncEnumerator()).ToList();
        var begins = pulled.Select(events => events.MoveNextAsync().AsTask()).ToList();
        await running.DisposeAsync();

        // An answer that nobody pulls stops far from its end and keeps the only place, so one can begin at a time.
        int[] order = [4, 0, 1, 2, 3];
        for (int i = 0; i < order.Length; i++)
        {
            var first = await Task.WhenAny(order[i..].Select(at => begins[at]));
            Assert.Same(begins[order[i]], first);
            await pulled[order[i]].DisposeAsync();
        }
    }

    [Fact]
    public async Task A_full_line_makes_room_for_a_payer_that_has_less_of_it()
    {
        await using var engine = await LoadAsync(new() { Directory = "", Concurrency = 1, Waiting = 2 });
        var running = await BegunAsync(engine, "many");
        var older = engine.AllAsync(Counted(engine, "many"));
        var newer = engine.AllAsync(Counted(engine, "many"));
        var other = engine.AllAsync(Counted(engine, "one"));
        var displaced = await Assert.ThrowsAsync<EngineException>(() => newer);
        Assert.Equal((Fault.Ours, "engine_busy"), (displaced.Fault, displaced.Code));

        // Whoever has as much as anybody displaces nobody.
        Assert.Equal("engine_busy", (await engine.RefusedAsync(Ask.For("x", payer: "one"))).Code);
        await running.DisposeAsync();
        Assert.NotEmpty(await older);
        Assert.NotEmpty(await other);
    }

    [Fact]
    public async Task Who_leaves_the_line_is_forgotten()
    {
        await using var engine = await LoadAsync(new() { Directory = "", Concurrency = 1, Waiting = 1 });
        var running = await BegunAsync(engine, "a");
        using var leaving = new CancellationTokenSource();
        var waiting = engine.AllAsync(Counted(engine, "b"), leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        var next = engine.AllAsync(Ask.For("x", maxTokens: 2));
        await running.DisposeAsync();
        Assert.NotEmpty((await next).Ids());
    }

    [Fact]
    public async Task Disposal_ends_what_runs_and_what_waits()
    {
        var engine = await LoadAsync(new() { Directory = "", Concurrency = 3, Waiting = 20 });
        var all = Enumerable.Range(0, 12).Select(async i =>
        {
            try
            {
                await engine.AllAsync(Ask.For($"Long {i}", maxTokens: 240, temperature: 1, choices: 1 + (i % 3)));
                return "whole";
            }
            catch (EngineException failed)
            {
                return failed.Code;
            }
        }).ToList();
        await using (await BegunAsync(engine, "z"))
        {
            await engine.DisposeAsync();
        }

        Assert.All(await Task.WhenAll(all), end => Assert.True(end is "engine_stopped" or "whole", end));
        Assert.Equal("engine_stopped", (await engine.RefusedAsync(Request("late"))).Code);
    }

    private static EngineRequest Request(string payer, int maxTokens = 123) =>
        Ask.For("ab", maxTokens: maxTokens, temperature: 1, payer: payer);

    /// <summary>With its prompt encoded, so that it stands in line at once.</summary>
    private static EngineRequest Counted(OnnxEngine engine, string payer, int maxTokens = 2)
    {
        var request = Request(payer, maxTokens);
        return request with { PromptIds = engine.EncodePrompt(request.Chat) };
    }

    private async Task<OnnxEngine> LoadAsync(OnnxEngineOptions options) => await OnnxEngine.LoadAsync(
        options with { Directory = folder.Path, Threads = 1 }, default);

    /// <summary>A request that runs, and that nobody pulls any more.</summary>
    private static async Task<IAsyncEnumerator<EngineEvent>> BegunAsync(OnnxEngine engine, string payer)
    {
        var pulled = engine.GenerateAsync(Request(payer), default).GetAsyncEnumerator();
        Assert.True(await pulled.MoveNextAsync());
        return pulled;
    }
}
