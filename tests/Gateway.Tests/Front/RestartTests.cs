using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Front;

/// <summary>A gateway that was killed takes up what it left.</summary>
public sealed class RestartTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_gateway_killed_in_a_stream_books_the_receipt_after_its_restart(int surviving) => MarketHarness.Run(
        new MarketOptions { Seed = (ulong)surviving + 40 }, async market =>
        {
            market.Engine.Tokens = 200;
            var reading = market.App.ChatAsync(body => body["stream"] = true);
            await market.UntilAsync(() => market.Engine.Generated > 30, "the answer streams");
            await market.CrashGatewayAsync(surviving);
            Assert.True((await reading).IsBroken);

            await market.WaitAsync(20);
            await market.StartGatewayAsync();
            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");

            var money = await MoneySeen.OfAsync(market);
            Assert.True(money.Spent > Amount.Zero);
            Assert.Equal(Amount.Zero, money.Reserved);
            Assert.Equal(money.ProviderBase, money.CustomerBase);
            Assert.Equal(money.Spent, money.CustomerBase);
            market.Engine.Tokens = 12;
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
            Assert.DoesNotContain(
                market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
        });

    [Fact]
    public void A_gateway_killed_while_it_opens_channels_loses_none_of_their_money() => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
        {
            await market.UntilAsync(() => market.Gateway.Book.Draws.Count == 2, "draws are signed");
            await market.WaitAsync(0.1);
            await market.CrashGatewayAsync();
            await market.WaitAsync(10);
            Assert.Equal(
                market.Options.VaultFunds - (market.Options.ChannelDeposit + market.Options.ChannelDeposit),
                market.Chain.BalanceOf(market.Vault));

            await market.StartGatewayAsync();
            await market.UntilAsync(() => market.Gateway.IdleChannels == 2, "the channels are taken up");
            await market.WaitAsync(30);

            Assert.Equal(2, market.Gateway.Book.Channels.Count);
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        });

    [Fact]
    public void Both_sides_killed_again_and_again_agree_in_the_end() => MarketHarness.Run(
        new MarketOptions { Seed = 77, Interleaves = true }, async market =>
        {
            var randomness = market.Scheduler.Randomness.Fork("killer");
            market.Engine.Tokens = 120;
            for (var round = 0; round < 6; round++)
            {
                var asking = Task.WhenAll(
                    market.App.ChatAsync(body => body["stream"] = true), market.App.ChatAsync());
                await market.WaitAsync(0.3 + (randomness.NextDouble() * 2));
                if (randomness.Happens(0.5))
                {
                    await market.CrashProviderAsync(randomness.NextBelow(3));
                    await market.StartProviderAsync();
                }
                else
                {
                    await market.CrashGatewayAsync(randomness.NextBelow(3));
                    await market.StartGatewayAsync();
                }

                await asking;
                await market.WaitAsync(15);
            }

            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "every receipt is here");
            var money = await MoneySeen.OfAsync(market);
            Assert.Equal(Amount.Zero, money.Reserved);
            Assert.Equal(money.ProviderBase, money.CustomerBase);
            Assert.True(money.Spent <= money.CustomerBase);
            Assert.Equal(Amount.Zero, money.CustomerLosses);
        });
}
