using Souk.Gateway.Tests.Keys;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Machine;

/// <summary>A machine's clock jumps by hours, one way or the other: nothing is lost, and once it is right again all
/// goes on.</summary>
public sealed class ClockJumpTests
{
    [Theory]
    [InlineData(6, false)]
    [InlineData(-6, false)]
    [InlineData(6, true)]
    [InlineData(-6, true)]
    public void A_jump_in_the_middle_of_an_answer_costs_nobody_anything(int hours, bool isGateway) =>
        MarketHarness.Run(async market =>
    {
        var clock = isGateway ? market.GatewayClock : market.ProviderClock;
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        market.Engine.Tokens = 200;
        var running = market.App.ChatAsync(body => body["stream"] = true);
        await market.UntilAsync(() => market.Engine.Generated > 40, "an answer is under way");
        clock.Ahead = TimeSpan.FromHours(hours);
        var answer = await running;
        market.Engine.Tokens = 12;
        var meanwhile = await market.App.ChatAsync();
        await market.WaitAsync(90);
        var later = await market.App.ChatAsync();

        // While the clocks disagree a request is served, or refused with an error that says that it cost nothing.
        foreach (var reply in (AppReply[])[meanwhile, later])
        {
            Assert.True(reply.Status is 200 or 503, $"{reply.Status} {reply.Text}");
        }

        clock.Ahead = TimeSpan.Zero;
        await market.WaitAsync(90);
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "all is explained");
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal(money.ProviderBase, money.CustomerBase);
        Assert.Equal((Amount.Zero, Amount.Zero), (money.CustomerLosses, money.Reserved));
        Assert.Equal(money.CustomerBase, money.Spent);
        Assert.False(answer.IsBroken);
        Assert.DoesNotContain(
            market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
    });

    [Theory]
    [InlineData(23)]
    [InlineData(-23)]
    public void A_budget_of_a_day_is_not_spent_twice_by_setting_the_clock(int hours) =>
        MarketHarness.Run(async market =>
    {
        var limits = new KeyLimits(BudgetPerDay: new Amount(150));
        var key = (await market.Gateway.CreateKeyAsync("daily", new(10_000), null, limits)).Value;
        var app = market.AppWith(key.Secret);
        Assert.Equal(200, (await app.ChatAsync()).Status);
        Assert.Equal(402, (await app.ChatAsync(body => body["max_tokens"] = 12)).Status);
        var spent = market.Gateway.Book.ApiKeys[key.Hash].Spent;

        market.Scheduler.JumpWallClock(TimeSpan.FromHours(hours));
        await market.WaitAsync(120);
        await app.ChatAsync(body => body["max_tokens"] = 12);
        market.Scheduler.JumpWallClock(TimeSpan.FromHours(-hours));
        await market.WaitAsync(120);
        await app.ChatAsync(body => body["max_tokens"] = 12);
        await app.ChatAsync(body => body["max_tokens"] = 12);

        // Two days were seen at most, so at most two days' budgets were spent.
        Assert.True(market.Gateway.Book.ApiKeys[key.Hash].Spent <= spent + spent);
    });

    [Theory]
    [InlineData(5)]
    [InlineData(-5)]
    public void A_reply_is_not_charged_again_when_the_clock_jumps(int hours) => MarketHarness.Run(async market =>
    {
        var first = await NamedAsync(market);
        market.GatewayClock.Ahead = TimeSpan.FromHours(hours);
        await market.WaitAsync(700);
        Assert.Equal(first.Text, (await NamedAsync(market)).Text);
        await market.CrashGatewayAsync();
        await market.StartGatewayAsync();
        Assert.Equal(first.Text, (await NamedAsync(market)).Text);
        market.GatewayClock.Ahead = TimeSpan.Zero;
        Assert.Equal(first.Text, (await NamedAsync(market)).Text);
        Assert.Equal(12, market.Engine.Generated);
    });

    [Theory]
    [InlineData(6)]
    [InlineData(-6)]
    public void A_withdrawal_is_claimed_in_time_whatever_the_providers_clock_says(int hours) =>
        MarketHarness.Run(async market =>
    {
        await market.App.ChatAsync();
        var channel = Assert.Single(market.Gateway.Book.Channels.Values, open => open.Base > Amount.Zero);
        market.ProviderClock.Ahead = TimeSpan.FromHours(hours);
        Assert.Equal(200, (await market.OwnerAsync("POST", $"channels/{channel.Id}/withdraw")).Status);
        await market.UntilAsync(
            () => market.Gateway.Book.Channels[channel.Id].State == CustomerChannelState.Closed, "it is withdrawn",
                3_000);

        Assert.Equal(channel.Base, (await market.ProviderBookAsync()).Channels[channel.Id].Claimed);
        Assert.Equal(Amount.Zero, (await market.ProviderBookAsync()).Losses);
    });

    private static Task<AppReply> NamedAsync(MarketHarness market)
    {
        var body = """{"model":"tiny","messages":[{"role":"user","content":"Hello there"}]}""";
        var request = Souk.Wire.WireRequest.Json(
            "POST", "/v1/chat/completions", System.Text.Encoding.UTF8.GetBytes(body));
        request.Headers["idempotency-key"] = "one";
        return market.App.SendAsync(request, default);
    }
}
