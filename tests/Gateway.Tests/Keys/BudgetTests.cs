using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Keys;

/// <summary>Budgets in total and per UTC day. A usual answer costs 100: 28 for its prompt and 6 for each of 12
/// tokens.</summary>
public sealed class BudgetTests
{
    private static readonly MarketOptions LateInTheDay = new() { StartsAfter = new TimeSpan(23, 59, 0) };

    [Fact]
    public void A_days_budget_is_spent_once_a_day() => MarketHarness.Run(LateInTheDay, async market =>
    {
        var (key, app) = await market.KeyAsync(new KeyLimits(BudgetPerDay: new Amount(250)));
        Assert.Equal(200, (await Ask(app)).Status);
        Assert.Equal(200, (await Ask(app)).Status);

        var refused = await Ask(app);

        Assert.Equal((402, "insufficient_quota"), (refused.Status, refused.ErrorCode));
        Assert.Contains("00:00 UTC", (string)refused.Json["error"]!["message"]!, StringComparison.Ordinal);
        var midnight = UtcDay.Of(market.Now * 1000).EndMs / 1000;
        await market.WaitAsync(midnight - market.Now - 1);
        Assert.Equal(402, (await Ask(app)).Status);
        await market.WaitAsync(2);
        Assert.Equal(200, (await Ask(app)).Status);
        var account = market.Gateway.Book.ApiKeys[key.Hash];
        Assert.Equal(new Amount(300), account.Spent);
        Assert.Equal(new Amount(100), account.SpentOn(UtcDay.Of(market.Now * 1000)));
    });

    [Fact]
    public void What_was_spent_today_is_known_after_a_restart() => MarketHarness.Run(async market =>
    {
        var (_, app) = await market.KeyAsync(new KeyLimits(BudgetPerDay: new Amount(199)));
        Assert.Equal(200, (await Ask(app)).Status);

        await market.CrashGatewayAsync();
        await market.StartGatewayAsync();
        await market.UntilAsync(() => market.Gateway.Offers > 0, "the market is seen");

        Assert.Equal(402, (await Ask(app)).Status);
    });

    [Fact]
    public void The_limit_that_an_app_did_not_set_is_lowered_to_what_is_left_today() =>
        MarketHarness.Run(async market =>
    {
        market.Engine.IsEndless = true;
        var (key, app) = await market.KeyAsync(new KeyLimits(BudgetPerDay: new Amount(28 + (20 * 6))));

        var reply = await app.ChatAsync();

        Assert.Equal((200, "length", 20),
            (reply.Status, reply.FinishReason(), (int)reply.Json["usage"]!["completion_tokens"]!));
        Assert.Equal(new Amount(148), market.Gateway.Book.ApiKeys[key.Hash].Spent);
    });

    [Fact]
    public void A_raised_budget_holds_at_once_and_a_lowered_one_ends_no_answer() => MarketHarness.Run(async market =>
    {
        var (key, app) = await market.KeyAsync(KeyLimits.None, budget: 150);
        Assert.Equal(200, (await Ask(app)).Status);
        Assert.Equal(402, (await Ask(app)).Status);

        var raised = await market.OwnerAsync("PATCH", $"keys/{key.Hash}", "{\"budget\":\"0.0003\"}");
        Assert.Equal(("0.0003", "0.0001", "0.0002"), ((string?)raised.Json["budget"], (string?)raised.Json["spent"],
            (string?)raised.Json["available"]));
        var running = Ask(app);
        await market.UntilAsync(() => market.Engine.Running > 0, "it runs");
        var lowered = await market.OwnerAsync("PATCH", $"keys/{key.Hash}", "{\"budget\":\"0.00005\"}");

        Assert.Equal("0", (string?)lowered.Json["available"]);
        Assert.Equal(200, (await running).Status);
        Assert.Equal(402, (await Ask(app)).Status);
        Assert.Equal(new Amount(200), market.Gateway.Book.ApiKeys[key.Hash].Spent);
    });

    private static Task<AppReply> Ask(AppClient app) => app.ChatAsync(body => body["max_tokens"] = 12);
}
