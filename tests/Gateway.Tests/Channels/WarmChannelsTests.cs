using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Channels;

/// <summary>Channels that can pay are kept ready, whatever becomes of the chain and of its node.</summary>
public sealed class WarmChannelsTests
{
    [Fact]
    public void A_channel_whose_deposit_a_reorganisation_undid_is_not_warm_and_is_replaced() => MarketHarness.Run(
        new MarketOptions { WarmChannels = 1, MostChannels = 2 }, async market =>
        {
            var first = Assert.Single(market.Gateway.Book.Channels.Keys);
            market.Chain.Reorganise(1, new SeededRandomness(1), lost: 1);
            Assert.Equal(Amount.Zero, market.Chain.Channel(first).Balance);

            await market.UntilAsync(() => CanPay(market) == 1, "another channel is ready");

            await market.UntilAsync(
                () => market.Gateway.Book.Channels[first].State == CustomerChannelState.Closed,
                    "the empty one is over");
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        });

    [Fact]
    public void Openings_that_fail_at_once_count_as_one_failure()
    {
        const int warm = 6;
        WatchedChain? chain = null;
        var options = new MarketOptions
        {
            WarmChannels = warm, AwaitsChannels = false,
            GatewayChain = inner => chain = new WatchedChain(inner) { RefusesVaults = true },
        };
        MarketHarness.Run(options, async market =>
        {
            // One turn fails at once and one after two seconds; the next is four seconds later.
            await market.UntilAsync(() => market.Gateway.Offers > 0, "the offer is heard");
            await market.WaitAsync(3);
            Assert.Equal(0, CanPay(market));
            chain!.RefusesVaults = false;

            await market.UntilAsync(() => CanPay(market) == warm, "all are ready", 20);
        });
    }

    private static int CanPay(MarketHarness market) => market.Gateway.Book.Channels.Values.Count(
        channel => channel.State == CustomerChannelState.Idle && !channel.Free.IsZero);
}
