using Souk.Protocol;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Channels;

/// <summary>A node that lags tells of a change and then shows the channel as it was before.</summary>
public sealed class LaggingNodeTests
{
    [Fact]
    public void What_a_lagging_node_shows_is_read_again()
    {
        FaultyNode? node = null;
        var options = new MarketOptions
        {
            // News of a channel comes once here, so that nothing corrects a wrong reading afterwards.
            Confirmations = 1,
            WarmChannels = 1,
            GatewayChain = inner => node = new FaultyNode((SimulatedChain)inner, "gateway"),
        };
        MarketHarness.Run(options, async market =>
        {
            var id = Assert.Single(market.Gateway.Book.Channels.Keys);
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
            node!.Faults = new NodeFaults { Stale = 1 };
            Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
            await market.WaitAsync(1);

            node.Faults = new NodeFaults();
            await market.WaitAsync(10);

            Assert.NotEqual(Amount.Zero, market.Chain.Channel(id).Claimed);
            Assert.Equal(market.Chain.Channel(id).Claimed, market.Gateway.Book.Channels[id].Claimed);
        });
    }

    [Fact]
    public void What_a_node_of_another_branch_shows_is_read_again_within_minutes()
    {
        WatchedChain? node = null;
        var options = new MarketOptions
        {
            Confirmations = 1, WarmChannels = 1, GatewayChain = inner => node = new WatchedChain(inner),
        };
        MarketHarness.Run(options, async market =>
        {
            var id = Assert.Single(market.Gateway.Book.Channels.Keys);
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
            node!.Shows = state => state with { Claimed = Amount.Zero };
            Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
            await market.WaitAsync(10);
            node.Shows = null;
            Assert.Equal(Amount.Zero, market.Gateway.Book.Channels[id].Claimed);

            await market.WaitAsync(120);

            Assert.NotEqual(Amount.Zero, market.Chain.Channel(id).Claimed);
            Assert.Equal(market.Chain.Channel(id).Claimed, market.Gateway.Book.Channels[id].Claimed);
        });
    }
}
