using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Claims;

public sealed class SetAsideTests
{
    [Fact]
    public void One_bad_row_holds_nobody_back_and_is_tried_again_later()
    {
        WatchedChain? watched = null;
        var options = new MarketOptions
        {
            WarmChannels = 0, ProviderChain = chain => watched = new WatchedChain(chain),
        };
        MarketHarness.Run(options, async market =>
        {
            var buyer = new Buyer(market);
            List<BuyerChannel> channels = [];
            for (var i = 0; i < 5; i++)
            {
                channels.Add(await buyer.OpenAsync());
                await buyer.BuyAsync(channels[i]);
            }

            var bad = channels[2];
            watched!.Reverts = action =>
                action is Claim claim && claim.Rows.Any(row => row.Channel == bad.Config) ? "InvalidSignature" : null;
            var before = market.Chain.Transactions;

            var report = (await market.Provider.ClaimNowAsync(CancellationToken.None)).Value;

            // One transaction claims the four good ones, one pays out; nothing that reverts was sent.
            Assert.Equal(2, market.Chain.Transactions - before);
            Assert.Single(report.Claims);
            var aside = Assert.Single(report.SetAside);
            Assert.Equal(bad.Id, aside.ChannelId);
            Assert.Contains("InvalidSignature", aside.Reason, StringComparison.Ordinal);
            Assert.Equal(bad.Base, market.Provider.Status.Unclaimed);
            Assert.Equal(aside, Assert.Single(market.Provider.Status.Claiming.SetAside));

            watched.Reverts = null;
            Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
            Assert.Equal(bad.Base, market.Chain.Channel(bad.Id).Claimed);
            await market.WaitAsync(11);
            Assert.Empty(market.Provider.Status.Claiming.SetAside);
        });
    }

    [Fact]
    public void A_bad_row_is_not_tried_at_every_turn()
    {
        WatchedChain? watched = null;
        var options = new MarketOptions
        {
            WarmChannels = 0, GasMoneyPrice = Amount.Zero, ProviderChain = chain => watched = new WatchedChain(chain),
        };
        MarketHarness.Run(options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            watched!.Reverts = action => action is Claim ? "InvalidSignature" : null;
            await buyer.BuyAsync(channel);
            await market.WaitAsync(600);

            var tries = watched.Actions.Count(one => one.Action is Claim);
            Assert.InRange(tries, 3, 8);
            Assert.DoesNotContain(watched.Actions, one => one is { IsTry: false, Action: Claim });

            watched.Reverts = null;
            await market.WaitAsync(700);
            Assert.Equal(channel.Base, market.Chain.Channel(channel.Id).Claimed);
        });
    }
}
