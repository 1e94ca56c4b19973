using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Sdk;

/// <summary>The older completions through the unmodified SDK for Node; the one for .NET has none. The real model
/// answers.</summary>
public sealed class CompletionsSdkTests(SdkNetwork shared) : IClassFixture<SdkNetwork>
{
    private readonly MarketNetwork _network = shared.Network;

    [Fact]
    public async Task Streamed_or_not_the_same_text_comes_and_the_same_usage()
    {
        var whole = await CallAsync("complete", "What is", request => request["echo"] = true);
        var streamed = await CallAsync("completeStream", "What is", request =>
        {
            request["echo"] = true;
            request["stream_options"] = new JsonObject { ["include_usage"] = true };
        });

        Assert.Equal("text_completion", whole.GetProperty("object").GetString());
        var text = whole.GetProperty("texts")[0].GetString()!;
        Assert.StartsWith("What is", text, StringComparison.Ordinal);
        Assert.True(text.Length > "What is".Length);
        Assert.Equal(text, streamed.GetProperty("texts")[0].GetString());
        Assert.Equal(
            whole.GetProperty("usage").GetProperty("total_tokens").GetInt32(),
            streamed.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.Equal("length", whole.GetProperty("reasons")[0].GetString());
    }

    [Fact]
    public async Task A_prompt_is_scored_and_each_score_stands_by_its_text()
    {
        var scored = await CallAsync("complete", "What is", request =>
            (request["echo"], request["logprobs"], request["max_tokens"]) = (true, 2, 4));

        var text = scored.GetProperty("texts")[0].GetString()!;
        var told = scored.GetProperty("logprobs")[0];
        var tokens = told.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        var offsets = told.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32()).ToList();
        var logprobs = told.GetProperty("token_logprobs").EnumerateArray().ToList();

        // A token that ends the answer is billed, and no text, so none of the lists has it.
        var ends = scored.GetProperty("reasons")[0].GetString() == "stop" ? 1 : 0;
        Assert.Equal(scored.GetProperty("usage").GetProperty("total_tokens").GetInt32(), tokens.Count + ends);
        Assert.Equal(JsonValueKind.Null, logprobs[0].ValueKind);
        Assert.All(logprobs.Skip(1), logprob => Assert.True(logprob.GetDouble() <= 0));
        for (var i = 0; i < tokens.Count; i++)
        {
            Assert.StartsWith(tokens[i], text[offsets[i]..], StringComparison.Ordinal);
        }

        // Greedy: what was picked is the likeliest of those told.
        var last = told.GetProperty("top_logprobs").EnumerateArray().Last();
        Assert.Equal(
            last.EnumerateObject().Max(entry => entry.Value.GetDouble()), logprobs[^1].GetDouble(), 12);

        // What follows the scored prompt does not depend on its being scored.
        var plain = await CallAsync("complete", "What is", request => request["max_tokens"] = 4);
        Assert.EndsWith(plain.GetProperty("texts")[0].GetString()!, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_request_is_the_sdks_own_error()
    {
        var refused = await CallAsync("complete", "x", request => request["suffix"] = "y");

        var error = refused.GetProperty("error");
        Assert.Equal(("BadRequestError", 400, "suffix"), (
            error.GetProperty("name").GetString(), error.GetProperty("status").GetInt32(),
            error.GetProperty("param").GetString()));
    }

    private Task<JsonElement> CallAsync(string action, string prompt, Action<JsonObject> more)
    {
        var request = new JsonObject
        {
            ["model"] = MarketNetwork.Model, ["prompt"] = prompt, ["temperature"] = 0, ["max_tokens"] = 8,
        };
        more(request);
        return NodeSdk.CallAsync(_network.BaseUrl, shared.ApiKey, action, request);
    }
}
