using System.Text;
using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>Anthropic's Messages API over the same paid call.</summary>
public sealed class MessagesTests
{
    [Fact]
    public void A_whole_answer_has_content_usage_and_cost() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(OtherApi.Messages);

        Assert.Equal(200, reply.Status);
        Assert.Equal(reply.Headers["x-request-id"], reply.Headers["request-id"]);
        var message = reply.Json;
        Assert.Equal(("message", "assistant", "tiny", "end_turn"),
            ((string)message["type"]!, (string)message["role"]!, (string)message["model"]!,
                (string)message["stop_reason"]!));
        Assert.StartsWith("msg_", (string)message["id"]!, StringComparison.Ordinal);
        Assert.Equal(11, ((string)Assert.Single(message["content"]!.AsArray())!["text"]!).Length);
        Assert.Equal((14, 12),
            ((int)message["usage"]!["input_tokens"]!, (int)message["usage"]!["output_tokens"]!));
        Assert.Equal("0.0001", message["usage"]!["cost"]!.ToJsonString());
    });

    [Fact]
    public void A_stream_begins_with_the_prompts_tokens_and_ends_with_the_answers() => MarketHarness.Run(async market =>
    {
        var events = (await market.App.AskAsync(OtherApi.Messages, body => body["stream"] = true)).Told();

        Assert.Equal(["message_start", "content_block_start"], events.Types().Take(2));
        Assert.All(events.Types().Skip(2).SkipLast(3), type => Assert.Equal("content_block_delta", type));
        Assert.Equal(["content_block_stop", "message_delta", "message_stop"], events.Types().TakeLast(3));
        Assert.Equal(14, (int)events[0]["message"]!["usage"]!["input_tokens"]!);
        Assert.Equal(11, events.Deltas().Length);
        Assert.Equal("end_turn", (string?)events[^2]["delta"]!["stop_reason"]);
        Assert.Equal(12, (int)events[^2]["usage"]!["output_tokens"]!);
        Assert.Equal("0.0001", events[^2]["usage"]!["cost"]!.ToJsonString());
        Assert.Equal(new Amount(100), market.Account.Spent);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_stop_sequence_that_ended_an_answer_is_told(bool isStreamed) => MarketHarness.Run(async market =>
    {
        // An answer is random, but among a few there is one with these letters.
        AppReply reply;
        var attempts = 0;
        do
        {
            reply = await market.App.AskAsync(OtherApi.Messages, body =>
                (body["stop_sequences"], body["stream"]) = (new JsonArray("~", "e", "a"), isStreamed));
        }
        while (!reply.Text.Contains("\"stop_sequence\",", StringComparison.Ordinal) && ++attempts < 20);

        var end = isStreamed ? reply.Told()[^2]["delta"]! : reply.Json;
        Assert.Equal("stop_sequence", (string?)end["stop_reason"]);
        Assert.Contains((string?)end["stop_sequence"], (string?[])["e", "a"]);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_that_was_cut_says_so(bool isStreamed) => MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(
            OtherApi.Messages, body => (body["max_tokens"], body["stream"]) = (5, isStreamed));

        Assert.Equal("max_tokens", (string?)(isStreamed ? reply.Told()[^2]["delta"]! : reply.Json)["stop_reason"]);
    });

    [Fact]
    public void A_stream_that_fails_ends_with_an_error_event() => MarketHarness.Run(async market =>
    {
        market.Engine.FailsAfter = 3;

        var reply = await market.App.AskAsync(OtherApi.Messages, body => body["stream"] = true);

        var error = reply.Told()[^1];
        Assert.Equal(("error", "api_error"), ((string?)error["type"], (string?)error["error"]!["type"]));
        Assert.Equal(reply.Headers["request-id"], (string?)error["request_id"]);
    });

    [Fact]
    public void The_key_may_come_as_Anthropics_SDKs_send_it() => MarketHarness.Run(async market =>
    {
        var reply = await AskWithAsync(market, market.Key.Secret);

        Assert.Equal(200, reply.Status);
        Assert.Equal(new Amount(100), market.Account.Spent);
    });

    [Fact]
    public void A_wrong_key_is_refused_in_Anthropics_shape() => MarketHarness.Run(async market =>
    {
        var reply = await AskWithAsync(market, "sk-souk-0000");

        ExpectError(reply, 401, "authentication_error");
    });

    [Theory]
    [InlineData("model", "other", 404, "not_found_error")]
    [InlineData("max_tokens", null, 400, "invalid_request_error")]
    [InlineData("container", "c", 400, "invalid_request_error")]
    public void A_bad_request_is_refused_in_Anthropics_shape(string field, string? value, int status, string type) =>
        MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(OtherApi.Messages, body => body[field] = value);

        ExpectError(reply, status, type);
        Assert.Equal(Amount.Zero, market.Account.Spent);
    });

    [Fact]
    public void A_budget_that_is_spent_and_a_wrong_method_are_refused_in_Anthropics_shape() => MarketHarness.Run(
        new MarketOptions { Budget = new(20) }, async market =>
        {
            ExpectError(await market.App.AskAsync(OtherApi.Messages), 402, "billing_error");
            ExpectError(
                await market.App.SendAsync(WireRequest.Get(OtherApi.Messages)), 405, "invalid_request_error");
        });

    [Fact]
    public void Tokens_are_counted_for_free_as_they_would_be_billed() => MarketHarness.Run(async market =>
    {
        var counted = await market.App.AskAsync(
            OtherApi.Messages + "/count_tokens", body => body.Remove("max_tokens"));
        var unknown = await market.App.AskAsync(
            OtherApi.Messages + "/count_tokens", body => body["model"] = "other");

        Assert.Equal("""{"input_tokens":14}""", counted.Text);
        ExpectError(unknown, 404, "not_found_error");
        Assert.Equal(Amount.Zero, market.Account.Spent);
    });

    [Fact]
    public void Tokens_that_only_the_provider_counts_are_not_told_beforehand() => MarketHarness.Run(
        new MarketOptions { Counting = CountingKinds.Usage }, async market => ExpectError(
            await market.App.AskAsync(OtherApi.Messages + "/count_tokens"), 400, "invalid_request_error"));

    private static void ExpectError(AppReply reply, int status, string type)
    {
        Assert.Equal(status, reply.Status);
        Assert.Equal(("error", type), ((string?)reply.Json["type"], (string?)reply.Json["error"]!["type"]));
        Assert.NotEmpty((string)reply.Json["error"]!["message"]!);
        Assert.Equal(reply.Headers["request-id"], (string?)reply.Json["request_id"]);
    }

    private static Task<AppReply> AskWithAsync(MarketHarness market, string key)
    {
        var request = WireRequest.Json("POST", OtherApi.Messages, Encoding.UTF8.GetBytes(
            """{"model":"tiny","max_tokens":1000,"messages":[{"role":"user","content":"Hello there"}]}"""));
        request.Headers["x-api-key"] = key;
        request.Headers["anthropic-version"] = "2023-06-01";
        return market.AppWith(null).SendAsync(request);
    }
}
