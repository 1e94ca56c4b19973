using Souk.Simulation.Campaign;

namespace Souk.Simulation.World;

public sealed class MarketLifeTests
{
    /// <summary>Seeds that once broke a rule, and a few that are only there to be many.</summary>
    public static TheoryData<ulong> Seeds =>
    [
        27, 123, 163, 177, 355, 365, 1467, 1877, 2169, 2665, 4097, 5092, 1_000_054,
        .. Enumerable.Range(1, 20).Select(seed => (ulong)seed),
    ];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_market_under_trouble_breaks_no_rule(ulong seed)
    {
        var fate = MarketLife.Live(Script.Of(seed, Omissions.None));

        Assert.True(fate.Violation is null, $"{fate.Story}\n{Replay.Command(seed, Omissions.None)}");
        Assert.True(fate.Events > 100);
    }

    [Fact]
    public void The_same_seed_gives_the_same_trace()
    {
        foreach (var seed in new ulong[] { 2, 27, 163 })
        {
            var fates = Enumerable.Range(0, 3).Select(_ => MarketLife.Live(Script.Of(seed, Omissions.None))).ToList();

            Assert.Single(fates.Select(fate => fate.Trace).Distinct());
            Assert.Single(fates.Select(fate => fate.Events).Distinct());
        }
    }

    [Fact]
    public void Most_markets_cross_a_whole_withdrawal()
    {
        var fates = Enumerable.Range(100, 20).Select(seed => MarketLife.Live(Script.Of((ulong)seed, Omissions.None)));

        Assert.True(fates.Count(fate => fate.Withdrew) >= 17);
    }

    [Fact]
    public void What_is_left_out_changes_nothing_else()
    {
        var whole = Script.Of(9, Omissions.None);
        var kind = whole.Rates.Min();

        var less = Script.Of(9, Omissions.None with { Kinds = new HashSet<FaultKind> { kind } });

        Assert.Equal(whole.Rates.Where(other => other != kind).Order(), less.Rates.Order());
        Assert.Equal(whole.Events.Where(one => one.Kind != kind), less.Events);
        Assert.Equal(whole.Acts.Select(act => act with { LeavesAfter = null }),
            less.Acts.Select(act => act with { LeavesAfter = null }));
        Assert.Equal(whole.Trouble, less.Trouble);
    }
}
