using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;
using Souk.Protocol;

namespace Souk.Engines.Tests.Onnx;

public sealed class OnnxConcurrencyTests
{
    /// <summary>Large enough that a prompt pass takes a while.</summary>
    private static readonly TinyShape Slow = new()
    {
        Layers = 4, Heads = 8, KvHeads = 8, HeadSize = 32, Hidden = 256, Inner = 1024, Context = 2048,
    };

    [Fact]
    public async Task Requests_at_the_same_time_give_what_each_gives_alone()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1, Concurrency = 4 }, default);
        List<int[]> alone = [];
        for (int i = 0; i < 6; i++)
        {
            alone.Add((await engine.AllAsync(Ask.For($"Question {i}", temperature: 1, seed: i))).Ids());
        }

        var together = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(i => engine.AllAsync(Ask.For($"Question {i}", temperature: 1, seed: i))));
        Assert.Equal(alone, together.Select(events => events.Ids()));
    }

    [Fact]
    public async Task A_consumer_that_stops_pulling_keeps_its_place_and_stops_its_own_answer_alone()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1, Concurrency = 2, Waiting = 0 }, default);
        var slow = Ask.For("Slowly", maxTokens: 200, temperature: 1);
        await using (var pulled = engine.GenerateAsync(slow, default).GetAsyncEnumerator())
        {
            Assert.True(await pulled.MoveNextAsync());
            Assert.IsType<PromptCounted>(pulled.Current);
            Assert.True(await pulled.MoveNextAsync());

            // Another answer runs to its end meanwhile.
            Assert.Equal(100, (await engine.AllAsync(Ask.For("Quickly", maxTokens: 100, temperature: 1))).Ids().Length);
            await using var second = engine.GenerateAsync(slow, default).GetAsyncEnumerator();
            Assert.True(await second.MoveNextAsync());
            Assert.Equal("engine_busy", (await engine.RefusedAsync(Ask.For("Next"))).Code);
        }

        Assert.NotEmpty((await engine.AllAsync(Ask.For("Next", maxTokens: 2))).Ids());
    }

    [Fact]
    public async Task An_answer_that_was_set_aside_goes_on_as_if_it_never_was()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1 }, default);
        var request = Ask.For("Slowly", maxTokens: 120, temperature: 1, seed: 4);
        int[] expected = (await engine.AllAsync(request)).Ids();
        List<EngineEvent> events = [];
        await foreach (var happened in engine.GenerateAsync(request, default))
        {
            events.Add(happened);
            if (events.Count % 30 == 0)
            {
                // Long enough for the engine to run into its bound, as others' answers show.
                await engine.AllAsync(Ask.For("Quickly", maxTokens: 60, temperature: 1));
            }
        }

        Assert.Equal(expected, events.Ids());
    }

    [Fact]
    public async Task A_client_that_leaves_stops_the_pass_under_way()
    {
        using var folder = ModelFolder.Create(new TinyLlama(Slow));
        var options = new OnnxEngineOptions
        {
            Directory = folder.Path, Threads = 1, Concurrency = 1, PrefillTokens = 2048,
        };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        using var leaving = new CancellationTokenSource();
        var request = Ask.For(new string('x', 1900));
        await using var pulled = engine.GenerateAsync(request, leaving.Token).GetAsyncEnumerator();
        Assert.True(await pulled.MoveNextAsync());
        var prefill = pulled.MoveNextAsync();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await prefill);

        // The place is free again at once, and the engine is unharmed.
        Assert.NotEmpty((await engine.AllAsync(Ask.For("Next", maxTokens: 2))).Ids());
    }

    [Fact]
    public async Task Disposing_the_engine_ends_its_requests_as_ours()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1 }, default);
        await using var pulled = engine.GenerateAsync(Ask.For("Long", maxTokens: 200, temperature: 1), default)
            .GetAsyncEnumerator();
        Assert.True(await pulled.MoveNextAsync());
        Assert.True(await pulled.MoveNextAsync());
        await engine.DisposeAsync();
        var stopped = await Assert.ThrowsAsync<EngineException>(async () => await pulled.MoveNextAsync());
        Assert.Equal((Fault.Ours, "engine_stopped"), (stopped.Fault, stopped.Code));
    }
}
