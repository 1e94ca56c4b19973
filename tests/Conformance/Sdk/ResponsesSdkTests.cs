using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Sdk;

/// <summary>The Responses API through the unmodified OpenAI SDK for Node, which puts responses together from their
/// events and throws where these contradict each other. The corpus holds them to schemas.</summary>
[Collection(ScriptedNetworkCollection.Name)]
public sealed class ResponsesSdkTests(ScriptedNetwork shared)
{
    private const string Tool = """
        {"type":"function","name":"weather","description":"d","strict":true,"parameters":{"type":"object",
         "properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}}
        """;

    [Fact]
    public async Task The_demo_model_answers_whole_and_streamed_alike()
    {
        var outcomes = await RunAsync(Job("whole"), Job("events"), Job("stream"));

        var response = outcomes["whole"].GetProperty("response");
        Assert.Equal("completed", response.GetProperty("status").GetString());
        Assert.NotEmpty(Text(outcomes["whole"]));
        Assert.Equal(Text(outcomes["whole"]), Text(outcomes["stream"]));
        Assert.Equal(Text(outcomes["whole"]), outcomes["stream"].GetProperty("snapshot").GetString());
        Assert.StartsWith("req_", outcomes["whole"].GetProperty("requestId").GetString(), StringComparison.Ordinal);
        var last = outcomes["events"].GetProperty("events").EnumerateArray().Last();
        Assert.Equal("response.completed", last.GetProperty("type").GetString());
        foreach (var count in new[] { "input_tokens", "output_tokens" })
        {
            Assert.Equal(
                response.GetProperty("usage").GetProperty(count).GetInt64(),
                last.GetProperty("response").GetProperty("usage").GetProperty(count).GetInt64());
        }

        Assert.True(AdminReader.Units(response.GetProperty("usage").GetProperty("cost").GetRawText()) > 0);

        static JsonObject Job(string action) => Ask(action, action, "What is 12 plus 30?", MarketNetwork.Model,
            """{"temperature":0,"instructions":"Be brief.","metadata":{"a":"b"},"store":true,"user":"u"}""");
    }

    [Fact]
    public async Task Every_parameter_is_taken_and_repeated()
    {
        const string Parameters = $$"""
            {"temperature":0.5,"top_p":0.9,"max_output_tokens":100,"parallel_tool_calls":false,"truncation":"disabled",
             "include":["message.output_text.logprobs","reasoning.encrypted_content"],"top_logprobs":2,
             "metadata":{"a":"b"},"store":false,"service_tier":"auto","safety_identifier":"s","prompt_cache_key":"p",
             "reasoning":{"effort":"low"},"text":{"format":{"type":"text"},"verbosity":"low"},"max_tool_calls":3,
             "tools":[{{Tool}}],"tool_choice":"none","stream_options":{"include_obfuscation":false} }
            """;
        var outcomes = await RunAsync(
            Ask("whole", "whole", "Hello", MarketNetwork.Scripted, Parameters),
            Ask("stream", "stream", "Hello", MarketNetwork.Scripted, Parameters));

        foreach (var outcome in outcomes.Values)
        {
            var response = outcome.GetProperty("response");
            Assert.Equal("The answer is 42.", Text(outcome));
            Assert.Equal(0.5, response.GetProperty("temperature").GetDouble());
            Assert.Equal("none", response.GetProperty("tool_choice").GetString());
            Assert.Equal(100, response.GetProperty("max_output_tokens").GetInt32());
            Assert.False(response.GetProperty("parallel_tool_calls").GetBoolean());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tools_are_called_and_their_results_read(bool isStreamed)
    {
        var one = Tools("one", "What is the weather?");
        var two = Tools("two", "What is the weather? " + ScriptedServer.CallsTwice);
        foreach (var job in new[] { one, two })
        {
            (job["isStreamed"], job["results"]) = (isStreamed, new JsonObject { ["weather"] = "sunny" });
        }

        var outcomes = await RunAsync(one, two);

        Assert.Equal("The tool says: sunny", Text(outcomes["one"]));
        Assert.Equal("The tool says: sunny, sunny", Text(outcomes["two"]));
        Assert.Equal(["call_1"], Calls(outcomes["one"]).Select(call => call.GetProperty("call_id").GetString()));
        Assert.Equal(
            ["call_1", "call_2"], Calls(outcomes["two"]).Select(call => call.GetProperty("call_id").GetString()));
        Assert.All(outcomes.Values.SelectMany(Calls), call => Assert.Equal(
            """{"city":"Berlin"}""", call.GetProperty("arguments").GetString()));

        static JsonObject Tools(string id, string question) =>
            Ask(id, "tools", question, MarketNetwork.Scripted, $$"""{"tools":[{{Tool}}]}""");
    }

    [Fact]
    public async Task Streams_of_calls_and_reasoning_are_put_together_by_the_sdk()
    {
        var outcomes = await RunAsync(
            Ask("calls", "stream", ScriptedServer.CallsTwice, MarketNetwork.Scripted, $$"""{"tools":[{{Tool}}]}"""),
            Ask("thought", "stream", ScriptedServer.Thinks, MarketNetwork.Scripted, "{}"),
            Ask("whole", "whole", ScriptedServer.Thinks, MarketNetwork.Scripted, "{}"),
            Ask("cut", "stream", "Hello", MarketNetwork.Scripted, """{"max_output_tokens":2}"""));

        Assert.Equal(["function_call", "function_call"], Output(outcomes["calls"], "type"));
        foreach (var outcome in new[] { outcomes["thought"], outcomes["whole"] })
        {
            Assert.Equal(["reasoning", "message"], Output(outcome, "type"));
            var thought = outcome.GetProperty("response").GetProperty("output")[0].GetProperty("content")[0];
            Assert.Equal("Let me see", thought.GetProperty("text").GetString());
        }

        Assert.Equal("incomplete", outcomes["cut"].GetProperty("response").GetProperty("status").GetString());
        Assert.Equal("The answer", Text(outcomes["cut"]));
    }

    [Fact]
    public async Task Structured_output_and_images_reach_the_model()
    {
        var image = Ask("image", "whole", "", MarketNetwork.Scripted, "{}");
        image["request"]!["input"] = JsonNode.Parse($$"""
            [{"role":"user","content":[{"type":"input_text","text":"{{ScriptedServer.CountsImages}}"},
              {"type":"input_image","detail":"low","image_url":"data:image/png;base64,{{ScriptedNetwork.Picture}}"}]}]
            """);
        var outcomes = await RunAsync(image, Ask("json", "parsed", "Hello", MarketNetwork.Scripted, """
            {"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object",
             "properties":{"number":{"type":"integer"}},"required":["number"],"additionalProperties":false}}}}
            """));

        Assert.Equal("Images: 1", Text(outcomes["image"]));
        Assert.Equal("""{"number":42}""", Text(outcomes["json"]));
    }

    [Fact]
    public async Task Errors_are_those_that_the_SDK_knows()
    {
        var outcomes = await shared.RunAsync(
            "responses.mjs",
            Ask("key", "whole", "Hello", MarketNetwork.Model, "{}", "sk-souk-wrong"),
            Ask("poor", "whole", "Hello", MarketNetwork.Model, "{}", shared.PoorKey),
            Ask("model", "whole", "Hello", "no-such-model", "{}"),
            Ask("kept", "events", "Hello", MarketNetwork.Model, """{"previous_response_id":"resp_1"}"""),
            Ask("tool", "whole", "Hello", MarketNetwork.Model, """{"tools":[{"type":"web_search"}]}"""),
            Ask("fails", "events", ScriptedServer.Fails, MarketNetwork.Scripted, "{}"),
            Ask("runner", "stream", ScriptedServer.Fails, MarketNetwork.Scripted, "{}"));

        Expect("key", "AuthenticationError", 401, "invalid_api_key", null);
        Expect("poor", "APIError", 402, "insufficient_quota", null);
        Expect("model", "NotFoundError", 404, "model_not_found", "model");
        Expect("kept", "BadRequestError", 400, "unsupported_parameter", "previous_response_id");
        Expect("tool", "BadRequestError", 400, "unsupported_value", "tools[0].type");
        foreach (var id in new[] { "fails", "runner" })
        {
            Assert.Equal("APIError", outcomes[id].GetProperty("error").GetProperty("name").GetString());
            Assert.Contains(outcomes[id].GetProperty("events").EnumerateArray(), told =>
                told.GetProperty("type").GetString() == "response.failed");
        }

        void Expect(string id, string name, int status, string code, string? param)
        {
            var error = outcomes[id].GetProperty("error");
            Assert.Equal(
                (name, status, code, param),
                (error.GetProperty("name").GetString(), error.GetProperty("status").GetInt32(),
                    error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        }
    }

    private static string Text(JsonElement outcome) => outcome.GetProperty("text").GetString()!;

    private static IEnumerable<JsonElement> Calls(JsonElement outcome) =>
        outcome.GetProperty("calls").EnumerateArray();

    private static IEnumerable<string?> Output(JsonElement outcome, string name) =>
        outcome.GetProperty("response").GetProperty("output").EnumerateArray()
            .Select(item => item.GetProperty(name).GetString());

    private static JsonObject Ask(
        string id, string action, string input, string model, string parameters, string? apiKey = null)
    {
        var request = JsonNode.Parse(parameters)!.AsObject();
        (request["model"], request["input"]) = (model, input);
        return new JsonObject { ["id"] = id, ["action"] = action, ["request"] = request, ["apiKey"] = apiKey };
    }

    private async Task<Dictionary<string, JsonElement>> RunAsync(params JsonObject[] jobs)
    {
        var outcomes = await shared.RunAsync("responses.mjs", jobs);
        Assert.All(outcomes.Values, outcome => Assert.Equal("null", outcome.GetProperty("error").GetRawText()));
        return outcomes;
    }
}
