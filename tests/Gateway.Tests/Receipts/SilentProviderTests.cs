using Souk.Gateway.Tests.Hostile;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Receipts;

/// <summary>A provider that is gone for good holds neither an app's budget nor the owner's money for ever.</summary>
public sealed class SilentProviderTests
{
    [Fact]
    public void Silence_frees_the_budget_after_ten_minutes_and_the_money_after_a_day() =>
        MarketHarness.Run(async market =>
        {
            var before = await MoneySeen.OfAsync(market);
            market.Engine.IsEndless = true;
            var reading = market.App.ChatAsync(body => body["stream"] = true);
            await market.WaitAsync(0.5);
            await market.CrashProviderAsync();
            Assert.NotNull((await reading).Chunks[^1]["error"]);

            await market.WaitAsync((9 * 60) + 50);
            Assert.True(market.Account.Reserved > Amount.Zero);
            await market.WaitAsync(20);
            Assert.Equal(Amount.Zero, market.Account.Reserved);
            var channel = Assert.Single(
                market.Gateway.Book.Channels.Values, open => open.State == CustomerChannelState.Busy);

            market.Scheduler.JumpWallClock(TimeSpan.FromHours(23.8));
            await market.WaitAsync(10);
            Assert.Equal(CustomerChannelState.Busy, market.Gateway.Book.Channels[channel.Id].State);
            market.Scheduler.JumpWallClock(TimeSpan.FromMinutes(3));
            await market.UntilAsync(
                () => market.Gateway.Book.Channels[channel.Id].State == CustomerChannelState.Frozen, "it is disputed");
            await market.ExpectDisputeAsync(before);
        });

    [Fact]
    public void A_provider_that_comes_back_within_a_day_is_paid_although_the_budget_was_freed() =>
        MarketHarness.Run(async market =>
        {
            market.Engine.IsEndless = true;
            var reading = market.App.ChatAsync(body => body["stream"] = true);
            await market.WaitAsync(0.5);
            await market.CrashProviderAsync();
            await reading;
            await market.WaitAsync(11 * 60);
            Assert.Equal(Amount.Zero, market.Account.Reserved);

            market.Engine.IsEndless = false;
            await market.StartProviderAsync();
            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");

            var money = await MoneySeen.OfAsync(market);
            Assert.True(money.CustomerBase > Amount.Zero);
            Assert.Equal((money.ProviderBase, Amount.Zero), (money.CustomerBase, money.Spent));
            Assert.DoesNotContain(
                market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
        });
}
