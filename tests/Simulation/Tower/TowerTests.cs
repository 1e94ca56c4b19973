namespace Souk.Simulation.Tower;

public sealed class TowerTests
{
    [Fact]
    public void No_stale_close_costs_what_the_tower_held()
    {
        var fates = Enumerable.Range(1, 8).Select(seed => TowerWorld.Live(TowerScript.Of((ulong)seed))).ToList();

        Assert.All(fates, fate => Assert.True(
            fate.Violation is null, $"{fate.Story}\n{fate.Violation}\ntower-replay {fate.Seed}"));
        // What the worlds are there for did happen.
        Assert.True(fates.Sum(fate => fate.Closes) >= 7 * TowerScript.Channels);
        Assert.True(fates.Sum(fate => fate.Reorganisations) >= 16);
        Assert.True(fates.Sum(fate => fate.Crashes) >= 4);
    }

    [Fact]
    public void Every_script_keeps_its_node_down_for_half_of_the_window()
    {
        foreach (var script in Enumerable.Range(1, 200).Select(seed => TowerScript.Of((ulong)seed)))
        {
            Assert.Equal(script.WithdrawDelay / 2.0, script.Outages.Sum(one => one.Length.TotalSeconds), 3);
            Assert.True(script.Outages[^1].To <= script.CalmFrom + TimeSpan.FromSeconds(0.001));
            Assert.All(script.Outages.Zip(script.Outages.Skip(1)), pair =>
                Assert.True(pair.First.To <= pair.Second.From));
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_trace()
    {
        var fates = Enumerable.Range(0, 2).Select(_ => TowerWorld.Live(TowerScript.Of(7))).ToList();

        Assert.Equal(fates[0], fates[1]);
    }
}
