using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Channels;

/// <summary>What customers can make this provider spend on gas, and what that leaves for others.</summary>
public sealed class DepositRelayTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_deposit_that_burns_gas_is_refused_and_costs_nothing() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        market.Chain.DepositGas = 29_000_000;
        var before = market.Chain.Transactions;

        var refused = await buyer.AskAsync(buyer.NewChannel(), new(5_000));

        Assert.Equal("deposit_gas", refused.Refusal!.Code);
        await market.WaitAsync(5);
        Assert.Equal(before, market.Chain.Transactions);
        market.Chain.DepositGas = 400_000;
        Assert.True((await buyer.AskAsync(buyer.NewChannel(), new(5_000))).IsOk);
    });

    [Fact]
    public void Two_deposits_at_a_time_share_the_queue_sixteen_wait_and_the_rest_go_away() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            await market.WaitAsync(1);
            var before = market.Chain.Transactions;

            var asking = Enumerable.Range(0, 24).Select(_ => buyer.AskAsync(buyer.NewChannel(), new(1_000))).ToList();
            await market.WaitAsync(market.Chain.Network.BlockTime + 0.5);
            Assert.InRange(market.Chain.Transactions - before, 1, 2);
            var answers = await Task.WhenAll(asking);

            Assert.Equal(18, answers.Count(answer => answer.IsOk));
            Assert.Equal(6, answers.Count(answer => answer.Refusal?.Code == "busy"));
        });

    [Fact]
    public void One_peer_cannot_open_without_end_whatever_payers_it_names() =>
        MarketHarness.Run(Options, async market =>
    {
        var (flood, honest) = (new Buyer(market, "flood"), new Buyer(market, "honest"));
        List<string> codes = [];
        for (var i = 0; i < 241; i++)
        {
            var payer = Address.FromBytes(Sha.Hash(BitConverter.GetBytes(i)).ToString().Select(c => (byte)c).Take(20)
                .ToArray());
            var channel = flood.NewChannel(config => config with { Payer = payer });
            codes.Add((await flood.AskAsync(channel, new(5_000))).Refusal!.Code);
        }

        Assert.Equal(240, codes.Count(code => code == "deposit_reverted"));
        Assert.Equal("too_many_openings", codes[^1]);
        Assert.True((await honest.AskAsync(honest.NewChannel(), new(5_000))).IsOk);
    });

    [Fact]
    public void A_flood_of_names_locks_nobody_out() => MarketHarness.Run(Options, async market =>
    {
        var rate = new OpeningRate<int>(2, market.Time);
        Assert.True(rate.TryTake(-1));
        Assert.True(rate.TryTake(-1));
        Assert.False(rate.TryTake(-1));
        await market.WaitAsync(1);

        Assert.All(Enumerable.Range(0, 5_000), name => Assert.True(rate.TryTake(name)));

        Assert.True(rate.TryTake(4_999));
        Assert.False(rate.TryTake(4_999));
        await market.WaitAsync(3_600);
        Assert.True(rate.TryTake(4_999));
    });
}
