using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Front;

/// <summary>The Responses API over the same paid call.</summary>
public sealed class ResponsesTests
{
    [Fact]
    public void A_whole_answer_has_output_usage_and_cost() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(OtherApi.Responses, body => body["metadata"] = new JsonObject
        {
            ["a"] = "b",
        });

        Assert.Equal(200, reply.Status);
        var response = reply.Json;
        Assert.Equal(("response", "completed", "tiny"),
            ((string)response["object"]!, (string)response["status"]!, (string)response["model"]!));
        Assert.StartsWith("resp_", (string)response["id"]!, StringComparison.Ordinal);
        Assert.Equal("""{"a":"b"}""", response["metadata"]!.ToJsonString());
        var item = Assert.Single(response["output"]!.AsArray())!;
        Assert.Equal(("message", "assistant"), ((string)item["type"]!, (string)item["role"]!));
        Assert.Equal(11, ((string)item["content"]![0]!["text"]!).Length);
        var usage = response["usage"]!;
        Assert.Equal((14, 12, 26),
            ((int)usage["input_tokens"]!, (int)usage["output_tokens"]!, (int)usage["total_tokens"]!));
        Assert.Equal("0.0001", usage["cost"]!.ToJsonString());
    });

    [Fact]
    public void A_stream_tells_each_thing_when_it_begins_grows_and_ends() => MarketHarness.Run(async market =>
    {
        var events = (await market.App.AskAsync(OtherApi.Responses, body => body["stream"] = true)).Told();

        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(told => (int)told["sequence_number"]!));
        Assert.Equal(
            ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"],
            events.Types().Take(4));
        Assert.All(events.Types().Skip(4).SkipLast(4), type => Assert.Equal("response.output_text.delta", type));
        Assert.Equal(
            ["response.output_text.done", "response.content_part.done", "response.output_item.done",
                "response.completed"],
            events.Types().TakeLast(4));
        Assert.Equal(11, events.Deltas().Length);
        Assert.Equal(events.Deltas(), (string?)events[^4]["text"]);
        var response = events[^1]["response"]!;
        Assert.Equal(events.Deltas(), (string?)response["output"]![0]!["content"]![0]!["text"]);
        Assert.Equal("0.0001", response["usage"]!["cost"]!.ToJsonString());
        Assert.Equal(new Amount(100), market.Account.Spent);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_that_was_cut_is_incomplete(bool isStreamed) => MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(
            OtherApi.Responses, body => (body["max_output_tokens"], body["stream"]) = (5, isStreamed));

        var response = isStreamed ? reply.Told()[^1]["response"]! : reply.Json;
        Assert.Equal("incomplete", (string?)response["status"]);
        Assert.Equal("max_output_tokens", (string?)response["incomplete_details"]!["reason"]);
        Assert.Equal("incomplete", (string?)response["output"]![0]!["status"]);
        Assert.Equal(5, (int)response["usage"]!["output_tokens"]!);
    });

    [Fact]
    public void A_stream_that_fails_ends_with_the_failed_response_and_the_error() => MarketHarness.Run(async market =>
    {
        market.Engine.FailsAfter = 3;

        var events = (await market.App.AskAsync(OtherApi.Responses, body => body["stream"] = true)).Told();

        Assert.Equal(["response.failed", "error"], events.Types().TakeLast(2));
        Assert.Equal("failed", (string?)events[^2]["response"]!["status"]);
        Assert.Equal("server_error", (string?)events[^2]["response"]!["error"]!["code"]);
        Assert.Equal((string?)events[^1]["message"], (string?)events[^1]["error"]!["message"]);
    });

    [Theory]
    [InlineData("model", "other", 404, "model", "model_not_found")]
    [InlineData("previous_response_id", "resp_1", 400, "previous_response_id", "unsupported_parameter")]
    [InlineData("input", 7, 400, "input", "invalid_type")]
    public void A_bad_request_is_refused_by_the_fields_own_name(
        string field, object value, int status, string param, string code) => MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(
            OtherApi.Responses, body => body[field] = JsonValue.Create(value));

        Assert.Equal((status, param, code),
            (reply.Status, (string?)reply.Json["error"]!["param"], reply.ErrorCode));
        Assert.Equal(Amount.Zero, market.Account.Spent);
    });

    [Fact]
    public void A_prompt_that_fills_the_context_is_the_inputs_fault() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.AskAsync(
            OtherApi.Responses, body => body["input"] = new string('x', 3_000));

        Assert.Equal((400, "input", "context_length_exceeded"),
            (reply.Status, (string?)reply.Json["error"]!["param"], reply.ErrorCode));
    });

    [Fact]
    public void The_same_conversation_costs_the_same_over_every_api() => MarketHarness.Run(async market =>
    {
        List<Amount> spent = [Amount.Zero];
        foreach (var isStreamed in new[] { false, true })
        {
            await market.App.ChatAsync(body => body["stream"] = isStreamed);
            spent.Add(market.Account.Spent);
            await market.App.AskAsync(OtherApi.Responses, body => body["stream"] = isStreamed);
            spent.Add(market.Account.Spent);
            await market.App.AskAsync(OtherApi.Messages, body => body["stream"] = isStreamed);
            spent.Add(market.Account.Spent);
        }

        Assert.All(spent.Zip(spent.Skip(1)), pair => Assert.Equal(new Amount(100), pair.Second - pair.First));
        Assert.Equal(Amount.Zero, market.Account.Reserved);
    });
}
