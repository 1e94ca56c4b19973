using CsCheck;
using Souk.Market.Claims;

namespace Souk.Market.Tests.Claims;

public sealed class ClaimPlanTests
{
    private static readonly ClaimCosts Costs = new(Units(100), Units(10));

    private static readonly ClaimRules Rules = new();

    [Fact]
    public void Nothing_is_claimed_until_it_is_worth_well_more_than_the_gas()
    {
        // One channel: (100 + 10) x 20 = 2,200.
        Assert.Empty(ClaimPlan.Of([Of("a", 2_200)], Costs, Rules));
        Assert.Equal([Hash("a")], Assert.Single(ClaimPlan.Of([Of("a", 2_201)], Costs, Rules)).Channels);
    }

    [Fact]
    public void Many_small_channels_are_worth_a_claim_together()
    {
        // Five channels: (100 + 50) x 20 = 3,000.
        Assert.Empty(ClaimPlan.Of(Several(5, 600), Costs, Rules));
        Assert.Equal(5, Assert.Single(ClaimPlan.Of(Several(5, 601), Costs, Rules)).Channels.Length);
    }

    [Fact]
    public void A_channel_that_is_not_worth_its_own_row_does_not_ride_along()
    {
        var batch = Assert.Single(
            ClaimPlan.Of([Of("rich", 9_000), Of("poor", 200), Of("fair", 201)], Costs, Rules));
        Assert.Equal([Hash("rich"), Hash("fair")], batch.Channels);
        Assert.Equal((Units(9_201), ClaimReason.Value), (batch.Value, batch.Reason));
    }

    [Fact]
    public void A_withdrawal_is_answered_at_once_with_all_that_is_worth_claiming()
    {
        var batch = Assert.Single(ClaimPlan.Of([Of("leaving", 101), Of("other", 250)], Costs, Rules));
        Assert.Equal([Hash("leaving"), Hash("other")], batch.Channels);
        Assert.Equal(ClaimReason.Withdrawal, batch.Reason);
    }

    [Fact]
    public void A_withdrawal_that_would_cost_more_than_it_saves_is_let_go()
    {
        Assert.Empty(ClaimPlan.Of([Of("leaving", 110)], Costs, Rules));
        Assert.Single(ClaimPlan.Of([Of("leaving", 111)], Costs, Rules));
        Assert.Empty(ClaimPlan.Of([Of("leaving", 0)], new ClaimCosts(Units(0), Units(0)), Rules));
    }

    [Fact]
    public void What_has_waited_long_enough_is_claimed_for_twice_its_gas()
    {
        // (100 + 10) x 2 = 220.
        var waiting = Of("a", 221) with { AgeSeconds = 86_400 };
        Assert.Equal(ClaimReason.Age, Assert.Single(ClaimPlan.Of([waiting], Costs, Rules)).Reason);
        Assert.Empty(ClaimPlan.Of([waiting with { AgeSeconds = 86_399 }], Costs, Rules));
        Assert.Empty(ClaimPlan.Of([waiting with { Claimable = Units(220) }], Costs, Rules));
    }

    [Fact]
    public void A_nearly_spent_channel_is_claimed_for_twice_its_gas()
    {
        var spent = Of("a", 221) with { IsNearlySpent = true };
        Assert.Equal(ClaimReason.NearlySpent, Assert.Single(ClaimPlan.Of([spent], Costs, Rules)).Reason);
        Assert.Empty(ClaimPlan.Of([spent with { Claimable = Units(220) }], Costs, Rules));
        Assert.True(ClaimRules.IsNearlySpent(Units(90), Units(100)));
        Assert.False(ClaimRules.IsNearlySpent(Units(89), Units(100)));
        Assert.False(ClaimRules.IsNearlySpent(Units(0), Units(0)));
    }

    [Fact]
    public void While_gas_costs_tenfold_all_but_withdrawals_wait()
    {
        var dear = new ClaimCosts(Units(1_000), Units(100));
        Assert.Empty(ClaimPlan.Of([Of("a", 2_201)], dear, Rules));
        Assert.Single(ClaimPlan.Of([Of("leaving", 2_201)], dear, Rules));
    }

    [Fact]
    public void The_outlook_tells_what_the_next_claim_waits_for()
    {
        var outlook = ClaimPlan.Outlook(
            [Of("a", 300) with { AgeSeconds = 400 }, Of("b", 500), Of("dust", 20)], Costs, Rules);
        // Two channels: (100 + 20) x 20.
        Assert.Equal(new ClaimOutlook(Units(800), Units(2_400), 86_000), outlook);
        Assert.Equal(
            new ClaimOutlook(Units(0), Units(2_200), null), ClaimPlan.Outlook([Of("dust", 20)], Costs, Rules));
    }

    [Fact]
    public void Without_gas_everything_is_claimed() =>
        Assert.Equal(3, Assert.Single(ClaimPlan.Of(Several(3, 1), new ClaimCosts(Units(0), Units(0)), Rules))
            .Channels.Length);

    [Fact]
    public void A_transaction_carries_no_more_than_the_bound_and_the_most_valuable_first()
    {
        var channels = Enumerable.Range(1, 120).Select(i => Of($"{i}", 1_000UL * (ulong)i));
        var batches = ClaimPlan.Of(channels, Costs, Rules);
        Assert.Equal([50, 50, 20], batches.Select(batch => batch.Channels.Length));
        Assert.Equal(Hash("120"), batches[0].Channels[0]);
        Assert.Equal(Hash("1"), batches[2].Channels[^1]);
    }

    [Fact]
    public void No_plan_spends_more_on_gas_than_it_claims_or_claims_a_channel_twice()
    {
        var gen = Gen.Select(Gen.ULong[0, 5_000], Gen.Bool).Array[0, 130];
        var all = Gen.Select(gen, Gen.ULong[0, 2_000], Gen.ULong[0, 300], Gen.UInt[1, 30]);
        all.Sample((rows, fixedCost, rowCost, worth) =>
        {
            var channels = rows
                .Select((row, i) => new ClaimCandidate(Hash($"{i}"), Units(row.Item1), row.Item2))
                .ToDictionary(channel => channel.ChannelId);
            var plan = ClaimPlan.Of(channels.Values, new ClaimCosts(Units(fixedCost), Units(rowCost)),
                Rules with { Worth = worth });
            foreach (var (batch, _, told) in plan)
            {
                var value = batch.Aggregate(UInt128.Zero, (sum, id) => sum + channels[id].Claimable.Units);
                Assert.Equal(value, told.Units);
                var urgent = batch.Any(id => channels[id].IsWithdrawing);
                Assert.True(value > (fixedCost + (rowCost * (ulong)batch.Length)) * (urgent ? 1 : worth));
            }

            var claimed = plan.SelectMany(batch => batch.Channels).ToList();
            Assert.Equal(claimed.Count, claimed.Distinct().Count());
        }, iter: 500);
    }

    private static ClaimCandidate Of(string name, ulong claimable) =>
        new(Hash(name), Units(claimable), name == "leaving");

    private static IEnumerable<ClaimCandidate> Several(int count, ulong claimable) =>
        Enumerable.Range(0, count).Select(i => Of($"{i}", claimable));
}
