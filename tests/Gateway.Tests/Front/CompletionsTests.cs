using System.Text.Json.Nodes;
using Souk.Engines;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Front;

/// <summary>The older completions over the paid call: a letter costs 2 in the prompt and 6 in the answer.</summary>
public sealed class CompletionsTests
{
    private static readonly MarketOptions Scoring = new()
    {
        Features = [EngineFeatures.Logprobs, EngineFeatures.ManyChoices, EngineFeatures.PromptLogprobs],
    };

    [Fact]
    public void A_prompt_goes_on_without_a_template_and_is_billed_by_its_letters() => MarketHarness.Run(async market =>
    {
        var reply = await AskAsync(market, "Hello");

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(("text_completion", "tiny"), ((string)reply.Json["object"]!, (string)reply.Json["model"]!));
        Assert.StartsWith("cmpl-", (string)reply.Json["id"]!, StringComparison.Ordinal);
        var choice = Assert.Single(reply.Json["choices"]!.AsArray())!;
        Assert.Equal((11, "stop"), (((string)choice["text"]!).Length, (string)choice["finish_reason"]!));
        Assert.True(choice.AsObject().ContainsKey("logprobs"));
        Assert.Null(choice["logprobs"]);
        Assert.Equal((5, 12), ((int)reply.Json["usage"]!["prompt_tokens"]!,
            (int)reply.Json["usage"]!["completion_tokens"]!));
        Assert.Equal(new Amount((5 * 2) + (12 * 6)), market.Account.Spent);
    });

    [Fact]
    public void Without_a_limit_an_answer_has_16_tokens() => MarketHarness.Run(async market =>
    {
        market.Engine.IsEndless = true;
        var reply = await AskAsync(market, "Hello");

        Assert.Equal("length", (string?)reply.Json["choices"]![0]!["finish_reason"]);
        Assert.Equal(16, (int)reply.Json["usage"]!["completion_tokens"]!);
    });

    [Fact]
    public void A_stream_is_text_finish_usage_done() => MarketHarness.Run(async market =>
    {
        var reply = await AskAsync(market, "Hello", body =>
        {
            (body["stream"], body["seed"], body["echo"]) = (true, 7, true);
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        });
        var whole = await AskAsync(market, "Hello", body => (body["seed"], body["echo"]) = (7, true));

        Assert.Equal("[DONE]", reply.Events[^1]);
        Assert.All(reply.Chunks, chunk => Assert.Equal("text_completion", (string?)chunk["object"]));
        Assert.Equal(5, (int)reply.Chunks[^1]["usage"]!["prompt_tokens"]!);
        Assert.Empty(reply.Chunks[^1]["choices"]!.AsArray());
        Assert.Equal("stop", (string?)reply.Chunks[^2]["choices"]![0]!["finish_reason"]);
        var text = string.Concat(reply.Chunks.SkipLast(1).Select(chunk => (string)chunk["choices"]![0]!["text"]!));
        Assert.StartsWith("Hello", text, StringComparison.Ordinal);
        Assert.Equal((string)whole.Json["choices"]![0]!["text"]!, text);
        Assert.DoesNotContain("delta", reply.Text, StringComparison.Ordinal);
    });

    [Fact]
    public void Token_ids_are_a_prompt_too_and_the_same_answer_follows() => MarketHarness.Run(async market =>
    {
        var text = await AskAsync(market, "Hi", body => body["seed"] = 3);
        var ids = await AskAsync(market, new JsonArray(72, 105), body => body["seed"] = 3);
        var nested = await AskAsync(market, new JsonArray(new JsonArray(72, 105)), body => body["seed"] = 3);

        Assert.Equal((string)text.Json["choices"]![0]!["text"]!, (string)ids.Json["choices"]![0]!["text"]!);
        Assert.Equal((string)text.Json["choices"]![0]!["text"]!, (string)nested.Json["choices"]![0]!["text"]!);
        Assert.Equal(new Amount(3 * ((2 * 2) + (12 * 6))), market.Account.Spent);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logprobs_are_four_lists_whose_offsets_point_into_the_text(bool isStreamed) =>
        MarketHarness.Run(Scoring, async market =>
        {
            var reply = await AskAsync(market, "Hello", body =>
                (body["logprobs"], body["echo"], body["n"], body["stream"]) = (1, true, 2, isStreamed));

            Assert.True(reply.Status == 200, reply.Text);
            for (var choice = 0; choice < 2; choice++)
            {
                var parts = (isStreamed ? reply.Chunks : [reply.Json]).SelectMany(chunk => chunk["choices"]!.AsArray())
                    .Where(part => (int)part!["index"]! == choice).ToList();
                var text = string.Concat(parts.Select(part => (string)part!["text"]!));
                JsonNode?[] All(string list) => [.. parts.Where(part => part!["logprobs"] is not null)
                    .SelectMany(part => part!["logprobs"]![list]!.AsArray())];

                var (tokens, offsets) = (All("tokens"), All("text_offset"));
                Assert.Equal(16, text.Length);
                Assert.StartsWith("Hello", text, StringComparison.Ordinal);
                Assert.Equal(text, string.Concat(tokens.Select(token => (string)token!)));
                Assert.Equal(Enumerable.Range(0, 16), offsets.Select(offset => (int)offset!));
                Assert.Null(All("token_logprobs")[0]);
                Assert.Equal(-'e' / 100.0, (double)All("token_logprobs")[1]!);
                Assert.Null(All("top_logprobs")[0]);
                Assert.Equal(-9.5, (double)All("top_logprobs")[1]!["z"]!);
                Assert.Equal(16, All("top_logprobs").Length);
            }
        });

    [Fact]
    public void A_prompt_of_ids_is_scored_without_an_answer_and_costs_its_input_alone() =>
        MarketHarness.Run(Scoring, async market =>
        {
            var reply = await AskAsync(market, new JsonArray(72, 105, 33), body =>
                (body["logprobs"], body["echo"], body["max_tokens"]) = (0, true, 0));

            Assert.True(reply.Status == 200, reply.Text);
            var choice = reply.Json["choices"]![0]!;
            Assert.Equal(("Hi!", "length"), ((string)choice["text"]!, (string)choice["finish_reason"]!));
            Assert.Equal(3, choice["logprobs"]!["tokens"]!.AsArray().Count);
            Assert.Equal(0, (int)reply.Json["usage"]!["completion_tokens"]!);
            Assert.Equal(new Amount(3 * 2), market.Account.Spent);

            // The books agree, and the same channel goes on.
            var money = await MoneySeen.OfAsync(market);
            Assert.Equal((new Amount(6), new Amount(6)), (money.CustomerBase, money.ProviderBase));
            Assert.Equal(200, (await AskAsync(market, "Hello")).Status);
        });

    [Fact]
    public void A_stop_string_ends_the_answer_and_is_not_shown() => MarketHarness.Run(async market =>
    {
        var plain = await AskAsync(market, "Hello", body => body["seed"] = 7);
        var text = (string)plain.Json["choices"]![0]!["text"]!;
        var stopped = await AskAsync(market, "Hello", body => (body["seed"], body["stop"]) = (7, text[3..5]));

        Assert.Equal(text[..text.IndexOf(text[3..5], StringComparison.Ordinal)],
            (string)stopped.Json["choices"]![0]!["text"]!);
    });

    [Theory]
    [InlineData("{\"model\":\"tiny\"}", "prompt", "missing_required_parameter")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":7}", "prompt", "invalid_type")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":[]}", "prompt", "empty_array")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":\"\"}", "prompt", "invalid_prompt")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":[\"a\",\"b\"]}", "prompt", "array_above_max_length")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":[-1]}", "prompt[0]", "invalid_type")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":[70000]}", null, "invalid_value")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":\"x\",\"suffix\":\"y\"}", "suffix", "unsupported_parameter")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":\"x\",\"best_of\":3}", "best_of", "unsupported_value")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":\"x\",\"logprobs\":6}", "logprobs", "integer_above_max_value")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":[72],\"echo\":true}", "echo", "invalid_value")]
    [InlineData("{\"model\":\"tiny\",\"prompt\":\"x\",\"logprobs\":1}", null, "feature_missing")]
    public void A_bad_request_is_refused_and_costs_nothing(string body, string? param, string code) =>
        MarketHarness.Run(async market =>
        {
            var reply = await market.App.PostAsync("/v1/completions", JsonNode.Parse(body)!.AsObject());

            Assert.Equal((400, code), (reply.Status, reply.ErrorCode));
            Assert.Equal(param, (string?)reply.Json["error"]!["param"]);
            Assert.Equal(Amount.Zero, market.Account.Spent);
            Assert.Equal(Amount.Zero, market.Account.Reserved);
        });

    [Fact]
    public void A_prompt_that_fills_the_context_is_refused_by_its_name() => MarketHarness.Run(async market =>
    {
        var reply = await AskAsync(market, new string('x', 3_000));

        Assert.Equal((400, "context_length_exceeded", "prompt"),
            (reply.Status, reply.ErrorCode!, (string)reply.Json["error"]!["param"]!));
    });

    [Fact]
    public void Counting_by_usage_takes_prompts_too() => MarketHarness.Run(
        new MarketOptions { Counting = CountingKinds.Usage }, async market =>
        {
            var reply = await AskAsync(market, "Hello");

            Assert.True(reply.Status == 200, reply.Text);
            Assert.Equal(new Amount((5 * 2) + (12 * 6)), market.Account.Spent);
        });

    private static Task<AppReply> AskAsync(MarketHarness market, JsonNode prompt, Action<JsonObject>? change = null)
    {
        var body = new JsonObject { ["model"] = MarketHarness.ModelName, ["prompt"] = prompt };
        change?.Invoke(body);
        return market.App.PostAsync("/v1/completions", body);
    }
}
