using Souk.Engines.Onnx;
using Souk.Engines.Onnx.Batching;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Onnx.Batching;

/// <summary>Which loop a request is given to.</summary>
public sealed class PlacementTests
{
    private static readonly Placement Four = new(gather: 4, longPrompt: 64);

    [Theory]
    [InlineData(new[] { 0, 0 }, 1, 0)]
    [InlineData(new[] { 3, 0 }, 1, 0)]
    [InlineData(new[] { 1, 2 }, 1, 1)]
    [InlineData(new[] { 4, 0 }, 1, 1)]
    [InlineData(new[] { 3, 0 }, 2, 1)]
    [InlineData(new[] { 4, 4 }, 1, 0)]
    [InlineData(new[] { 6, 5 }, 1, 1)]
    [InlineData(new[] { 0, 1 }, 8, 0)]
    [InlineData(new[] { 4, 1, 0 }, 1, 1)]
    public void Few_stay_together_and_more_are_spread(int[] rows, int choices, int expected)
    {
        var loads = rows.Select(count => new LoopLoad(count, IsReading: false)).ToArray();
        Assert.Equal(expected, Four.Choose(loads, choices, isLong: false));
    }

    [Fact]
    public void A_long_prompt_goes_where_least_is_held_up_and_others_keep_away_from_it()
    {
        Assert.True(Four.IsLong(64));
        Assert.False(Four.IsLong(63));
        Assert.Equal(1, Four.Choose([new(2, false), new(0, false)], 1, isLong: true));
        Assert.Equal(1, Four.Choose([new(1, true), new(3, false)], 1, isLong: true));
        Assert.Equal(1, Four.Choose([new(1, true), new(0, false)], 1, isLong: false));
        Assert.Equal(1, Four.Choose([new(1, true), new(4, false)], 1, isLong: false));
        Assert.Equal(0, Four.Choose([new(1, true), new(6, false)], 1, isLong: false));
    }

    [Theory]
    [InlineData(new[] { 10.0, 10.5, 11.5, 14, 27, 54 }, 8)]
    [InlineData(new[] { 10.0, 19, 37, 72 }, 1)]
    [InlineData(new[] { 10.0, 10.1, 10.2 }, 4)]
    [InlineData(new[] { 10.0, 15 }, 1)]
    [InlineData(new[] { 10.0 }, 1)]
    public void Rows_stay_together_while_a_pass_over_twice_as_many_takes_little_more(double[] times, int expected) =>
        Assert.Equal(expected, Gathering.Find(times));

    [Fact]
    public async Task Requests_fill_one_loop_before_the_next()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1, Loops = 2, Gathered = 3 }, default);
        List<IAsyncEnumerator<EngineEvent>> begun = [];
        List<(int, int)> loads = [];
        for (int i = 0; i < 6; i++)
        {
            begun.Add(engine.GenerateAsync(Ask.For("ab", maxTokens: 100), default).GetAsyncEnumerator());
            Assert.True(await begun[i].MoveNextAsync());
            loads.Add((engine.Loads[0].Rows, engine.Loads[1].Rows));
        }

        Assert.Equal([(1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3)], loads);
        await begun[1].DisposeAsync();
        Assert.Equal(2, engine.Loads[0].Rows);
        foreach (var request in begun)
        {
            await request.DisposeAsync();
        }

        Assert.All(engine.Loads, load => Assert.Equal(0, load.Rows));
    }

    [Fact]
    public async Task How_many_stay_together_is_measured_at_load()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1, Loops = 2, Concurrency = 8 }, default);
        Assert.True(engine.Gathered is 1 or 2 or 4 or 8, $"{engine.Gathered}");
    }
}
