using System.Text;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>Every bad request of an app gets its own clear error and moves no money.</summary>
public sealed class BadRequestsTests
{
    [Theory]
    [InlineData("{\"model\":\"tiny\",", 400, null)]
    [InlineData("", 400, null)]
    [InlineData("[1,2]", 400, null)]
    [InlineData("{\"model\":7,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 400, null)]
    [InlineData("{\"model\":\"tiny\",\"messages\":\"hello\"}", 400, null)]
    [InlineData("{\"model\":\"tiny\",\"messages\":[]}", 400, null)]
    [InlineData("{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":\"many\"}",
        400, null)]
    [InlineData("{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":-1}",
        400, null)]
    [InlineData("{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":9}",
        400, null)]
    [InlineData("{\"model\":\"other\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404, "model_not_found")]
    [InlineData("{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"logprobs\":true}",
        400, "feature_missing")]
    public void A_bad_body_is_refused(string body, int status, string? code) => MarketHarness.Run(async market =>
        await ExpectAsync(market, () => market.App.PostAsync(Encoding.UTF8.GetBytes(body)), status, code));

    [Fact]
    public void A_body_that_is_too_large_is_refused() => MarketHarness.Run(async market =>
        await ExpectAsync(
            market,
            () => market.App.ChatAsync(body => body["messages"]![0]!["content"] = new string('x', 9 << 20)), 413,
                null));

    [Fact]
    public void A_prompt_that_fills_the_context_is_refused() => MarketHarness.Run(async market =>
        await ExpectAsync(
            market, () => market.App.ChatAsync(body => body["messages"]![0]!["content"] = new string('x', 3_000)), 400,
            "context_length_exceeded"));

    [Theory]
    [InlineData(null)]
    [InlineData("sk-souk-0000")]
    public void A_wrong_key_is_refused(string? key) => MarketHarness.Run(async market =>
        await ExpectAsync(market, () => market.AppWith(key).ChatAsync(), 401, "invalid_api_key"));

    [Fact]
    public void A_revoked_key_is_refused() => MarketHarness.Run(async market =>
    {
        var revoked = await market.Owner().SendAsync(
            new WireRequest("DELETE", $"/admin/v1/keys/{market.Key.Hash}", "",
                new WireHeaders { { "host", "localhost:7010" } }, default, ""));
        Assert.Equal(200, revoked.Status);

        await ExpectAsync(market, () => market.App.ChatAsync(), 401, "api_key_revoked");
    });

    [Fact]
    public void An_expired_key_is_refused() => MarketHarness.Run(async market =>
    {
        var expiry = (market.Now + 5) * 1000;
        var key = (await market.Gateway.CreateKeyAsync("brief", new(10_000), expiry)).Value;
        Assert.Equal(200, (await market.AppWith(key.Secret).ChatAsync()).Status);
        await market.WaitAsync(6);

        await ExpectAsync(market, () => market.AppWith(key.Secret).ChatAsync(), 401, "api_key_expired");
    });

    [Fact]
    public void An_empty_budget_is_refused() => MarketHarness.Run(
        new MarketOptions { Budget = new(20) },
        async market => await ExpectAsync(market, () => market.App.ChatAsync(), 402, "insufficient_quota"));

    [Fact]
    public void A_limit_that_the_budget_cannot_pay_is_refused_and_one_that_was_not_given_is_lowered() =>
        MarketHarness.Run(
        new MarketOptions { Budget = new(28 + (20 * 6)) }, async market =>
        {
            await ExpectAsync(market, () => market.App.ChatAsync(body => body["max_tokens"] = 21), 402,
                "insufficient_quota");
            market.Engine.IsEndless = true;

            var reply = await market.App.ChatAsync();

            Assert.Equal((200, "length"), (reply.Status, reply.FinishReason()));
            Assert.Equal(20, (int)reply.Json["usage"]!["completion_tokens"]!);
            Assert.Equal(Amount.Zero, market.Account.AvailableOn(default));
        });

    [Fact]
    public void An_empty_vault_says_so() => MarketHarness.Run(
        new MarketOptions { VaultFunds = new(19_999), AwaitsChannels = false }, async market =>
        {
            await market.WaitAsync(10);

            await ExpectAsync(market, () => market.App.ChatAsync(), 402, "vault_empty");
        });

    [Fact]
    public void Without_a_provider_the_answer_is_503() => MarketHarness.Run(async market =>
    {
        await market.CrashProviderAsync();
        await market.WaitAsync(45);

        var reply = await ExpectAsync(market, () => market.App.ChatAsync(), 503, "no_provider_available");
        Assert.Equal("1", reply.Headers["retry-after"]);
    });

    [Fact]
    public void A_dead_provider_is_a_bad_gateway_and_costs_nothing() => MarketHarness.Run(async market =>
    {
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        market.ProviderListener.IsRefusing = true;

        await ExpectAsync(market, () => market.App.ChatAsync(), 502, "connect_failed");
        await ExpectAsync(market, () => market.App.ChatAsync(body => body["stream"] = true), 502, "connect_failed");
        market.ProviderListener.IsRefusing = false;
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
    });

    [Fact]
    public void A_changed_certificate_costs_nothing() => MarketHarness.Run(async market =>
    {
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        market.ProviderListener.SpkiHash = Sha.Hash("another certificate"u8);

        await ExpectAsync(market, () => market.App.ChatAsync(), 502, "pin_mismatch");
    });

    [Fact]
    public void A_failing_engine_costs_nothing_before_the_first_token() => MarketHarness.Run(async market =>
    {
        market.Engine.FailsAfter = 0;
        await ExpectAsync(market, () => market.App.ChatAsync(), 502, "engine_failed");
        market.Engine.FailsAfter = 4;

        var reply = await market.App.ChatAsync();

        Assert.Equal((200, "length"), (reply.Status, reply.FinishReason()));
        Assert.Equal(4, reply.Content().Length);
        Assert.Equal(new Amount(28 + 24), market.Account.Spent);
    });

    [Fact]
    public void Unknown_paths_and_methods_are_told_apart() => MarketHarness.Run(async market =>
    {
        await ExpectAsync(market, () => market.App.SendAsync(WireRequest.Get("/v1/chat/completions")), 405,
            "method_not_allowed");
        await ExpectAsync(market, () => market.App.SendAsync(WireRequest.Get("/v1/engines")), 404, "unknown_url");
    });

    [Fact]
    public void The_budget_is_never_overspent_however_many_ask_at_once() => MarketHarness.Run(
        new MarketOptions { Budget = new(1_000), WarmChannels = 4, Interleaves = true, Concurrency = 8 },
            async market =>
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => market.App.ChatAsync(body =>
                body["max_tokens"] = 12)));

            var served = replies.Count(reply => reply.Status == 200);
            Assert.All(replies, reply => Assert.Contains(reply.Status, new[] { 200, 402, 503 }));
            Assert.True(served > 0);
            var account = market.Account;
            Assert.True(account.Spent <= account.Budget);
            Assert.Equal(Amount.Zero, account.Reserved);
            Assert.Equal(new Amount((UInt128)served * 100), account.Spent);
        });

    private static async Task<AppReply> ExpectAsync(
        MarketHarness market, Func<Task<AppReply>> ask, int status, string? code)
    {
        var before = await MoneySeen.OfAsync(market);

        var reply = await ask();

        Assert.Equal(status, reply.Status);
        Assert.True(code is null || code == reply.ErrorCode, $"The code is {reply.ErrorCode}.");
        var error = reply.Json["error"]!.AsObject();
        Assert.Equal(["message", "type", "param", "code"], error.Select(field => field.Key));
        Assert.True(((string)error["message"]!).Length > 10);
        Assert.StartsWith("req_", reply.Headers["x-request-id"], StringComparison.Ordinal);
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "nothing is left open");
        Assert.Equal(before, await MoneySeen.OfAsync(market));
        return reply;
    }
}
