using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>A request under an <c>Idempotency-Key</c> is charged once, however often it is sent.</summary>
public sealed class IdempotencyTests
{
    // 28 input tokens at 2, 12 output tokens at 6.
    private static readonly Amount OneAnswer = new(28 + (12 * 6));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_hundred_duplicates_at_once_are_charged_once_and_get_the_same_bytes(bool isStreamed) =>
        MarketHarness.Run(async market =>
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => SendAsync(market, "one", isStreamed)));

        Assert.All(replies, reply => Assert.Equal((200, false), (reply.Status, reply.IsBroken)));
        Assert.Single(replies.Select(reply => reply.Text).Distinct());
        Assert.Single(replies.Select(reply => reply.Headers["content-type"]).Distinct());
        Assert.Single(replies.Select(reply => reply.Headers["x-request-id"]).Distinct());
        Assert.Equal(99, replies.Count(reply => reply.Headers["idempotent-replayed"] == "true"));
        Assert.Equal(OneAnswer, market.Account.Spent);
        Assert.Equal(OneAnswer, (await market.ProviderBookAsync()).Earned);
        Assert.Equal(12, market.Engine.Generated);
    });

    [Fact]
    public void A_later_retry_gets_the_same_reply() => MarketHarness.Run(async market =>
    {
        var first = await SendAsync(market, "later");
        await market.WaitAsync(30);
        var later = await SendAsync(market, "later");

        Assert.Equal(first.Text, later.Text);
        Assert.Equal(first.Headers["x-request-id"], later.Headers["x-request-id"]);
        Assert.Equal(OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void Another_body_under_the_same_key_is_refused_and_no_sdk_sends_it_again() =>
        MarketHarness.Run(async market =>
    {
        await SendAsync(market, "reused");
        var other = await SendAsync(market, "reused", change: body => body["max_tokens"] = 3);

        // SDKs retry 408, 409, 429 and 5xx.
        Assert.Equal(400, other.Status);
        Assert.Equal("idempotency_key_reused", other.ErrorCode);
        Assert.Equal("idempotency_error", (string)other.Json["error"]!["type"]!);
        Assert.Contains("'reused'", (string)other.Json["error"]!["message"]!, StringComparison.Ordinal);
        Assert.Equal(OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void Another_api_key_and_another_path_have_names_of_their_own() => MarketHarness.Run(async market =>
    {
        var second = (await market.Gateway.CreateKeyAsync("second", new(10_000), null)).Value;
        var mine = await SendAsync(market, "shared");
        var theirs = await SendAsync(market, "shared", app: market.AppWith(second.Secret));

        Assert.Equal((200, 200), (mine.Status, theirs.Status));
        Assert.NotEqual(mine.Headers["x-request-id"], theirs.Headers["x-request-id"]);
        Assert.Equal(OneAnswer, market.Gateway.Book.ApiKeys[second.Hash].Spent);
    });

    [Fact]
    public void What_cost_nothing_is_not_kept() => MarketHarness.Run(async market =>
    {
        market.Engine.FailsAfter = 0;
        var failed = await SendAsync(market, "again");
        market.Engine.FailsAfter = null;
        var refused = await SendAsync(market, "fixed", change: body => body["temperature"] = 9);
        var answered = await SendAsync(market, "again");
        var corrected = await SendAsync(market, "fixed");

        Assert.Equal((502, 400), (failed.Status, refused.Status));
        Assert.Equal((200, 200), (answered.Status, corrected.Status));
        Assert.Equal(OneAnswer + OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void Those_who_wait_for_a_failure_get_it_too_and_pay_nothing() => MarketHarness.Run(async market =>
    {
        market.Engine.FailsAfter = 0;
        var replies = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => SendAsync(market, "fails")));

        Assert.All(replies, reply => Assert.Equal(502, reply.Status));
        Assert.Equal(Amount.Zero, market.Account.Spent);
        Assert.Equal(Amount.Zero, market.Account.Reserved);
    });

    [Fact]
    public void An_app_that_lost_its_stream_asks_again_and_gets_all_of_it() => MarketHarness.Run(async market =>
    {
        using var leaving = new CancellationTokenSource(TimeSpan.FromSeconds(0.15), market.Time);
        var lost = await SendAsync(market, "lost", isStreamed: true, leave: leaving.Token);
        var again = await SendAsync(market, "lost", isStreamed: true);

        Assert.True(lost.IsBroken);
        Assert.Equal("[DONE]", again.Events[^1]);
        Assert.Equal("stop", again.FinishReason());
        Assert.StartsWith(lost.Text, again.Text, StringComparison.Ordinal);
        Assert.Equal(OneAnswer, market.Account.Spent);
        Assert.Equal(12, market.Engine.Generated);
    });

    [Fact]
    public void One_who_waits_may_leave_without_disturbing_the_others() => MarketHarness.Run(async market =>
    {
        using var leaving = new CancellationTokenSource(TimeSpan.FromSeconds(0.1), market.Time);
        var first = SendAsync(market, "wait");
        var impatient = await SendAsync(market, "wait", leave: leaving.Token);
        var patient = await SendAsync(market, "wait");

        Assert.True(impatient.IsBroken);
        Assert.Equal((await first).Text, patient.Text);
        Assert.Equal(OneAnswer, market.Account.Spent);
    });

    [Theory]
    [InlineData("")]
    [InlineData("schlüssel")]
    [InlineData(256)]
    public void An_unfit_key_is_refused(object name) => MarketHarness.Run(async market =>
    {
        var reply = await SendAsync(market, name as string ?? new string('k', (int)name));

        Assert.Equal((400, "idempotency_key_invalid"), (reply.Status, reply.ErrorCode));
        Assert.Equal(Amount.Zero, market.Account.Spent);
    });

    private static Task<AppReply> SendAsync(
        MarketHarness market, string name, bool isStreamed = false, Action<JsonObject>? change = null,
        AppClient? app = null, CancellationToken leave = default)
    {
        var body = new JsonObject
        {
            ["model"] = MarketHarness.ModelName,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hello there" }),
            ["stream"] = isStreamed,
        };
        change?.Invoke(body);
        var request = WireRequest.Json(
            "POST", "/v1/chat/completions", System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()));
        request.Headers["idempotency-key"] = name;
        return (app ?? market.App).SendAsync(request, leave);
    }
}
