using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Sdk;

/// <summary>The Messages API through the unmodified Anthropic SDK for Node.</summary>
[Collection(ScriptedNetworkCollection.Name)]
public sealed class MessagesSdkTests(ScriptedNetwork shared)
{
    private const string Tool = """
        {"name":"weather","description":"d","input_schema":{"type":"object",
         "properties":{"city":{"type":"string"}},"required":["city"]}}
        """;

    [Fact]
    public async Task The_demo_model_answers_whole_and_streamed_alike()
    {
        var bearer = Job("bearer", "whole");
        bearer["isBearer"] = true;
        var outcomes = await RunAsync(Job("whole", "whole"), Job("stream", "stream"), Job("beta", "beta"), bearer);

        var message = outcomes["whole"].GetProperty("message");
        Assert.Equal("end_turn", message.GetProperty("stop_reason").GetString());
        Assert.NotEmpty(Text(outcomes["whole"]));
        Assert.All(outcomes.Values, outcome => Assert.Equal(Text(outcomes["whole"]), Text(outcome)));
        Assert.Equal(Text(outcomes["whole"]), outcomes["stream"].GetProperty("told").GetString());
        Assert.StartsWith("req_", outcomes["whole"].GetProperty("requestId").GetString(), StringComparison.Ordinal);
        var usage = message.GetProperty("usage");
        Assert.True(AdminReader.Units(usage.GetProperty("cost").GetRawText()) > 0);
        var streamed = outcomes["stream"].GetProperty("message").GetProperty("usage");
        Assert.Equal((Prompt(usage), usage.GetProperty("output_tokens").GetInt64()),
            (Prompt(streamed), streamed.GetProperty("output_tokens").GetInt64()));

        // What came from a cache is counted by itself here.
        static long Prompt(JsonElement usage) => usage.GetProperty("input_tokens").GetInt64()
            + usage.GetProperty("cache_read_input_tokens").GetInt64();

        static JsonObject Job(string id, string action) => Ask(id, action, "What is 12 plus 30?", MarketNetwork.Model,
            """{"max_tokens":100,"temperature":0,"system":"Be brief.","metadata":{"user_id":"u"}}""");
    }

    [Fact]
    public async Task Every_parameter_is_taken()
    {
        const string Parameters = $$"""
            {"max_tokens":100,"temperature":0.5,"top_p":0.9,"top_k":5,"stop_sequences":["~"],"service_tier":"auto",
             "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"} }],"metadata":{"user_id":"u"},
             "thinking":{"type":"enabled","budget_tokens":1024},"tools":[{{Tool}}],"tool_choice":{"type":"none"} }
            """;
        var outcomes = await RunAsync(
            Ask("whole", "whole", "Hello", MarketNetwork.Scripted, Parameters),
            Ask("stream", "stream", "Hello", MarketNetwork.Scripted, Parameters));

        Assert.All(outcomes.Values, outcome => Assert.Equal("The answer is 42.", Text(outcome)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tools_are_called_and_their_results_read(bool isStreamed)
    {
        var one = Tools("one", "What is the weather?", "auto");
        var two = Tools("two", "What is the weather? " + ScriptedServer.CallsTwice, "any");
        foreach (var job in new[] { one, two })
        {
            (job["isStreamed"], job["results"]) = (isStreamed, new JsonObject { ["weather"] = "sunny" });
        }

        var outcomes = await RunAsync(one, two);

        Assert.Equal("The tool says: sunny", Text(outcomes["one"]));
        Assert.Equal("The tool says: sunny, sunny", Text(outcomes["two"]));
        Assert.Equal(["call_1", "call_2"], Calls(outcomes["two"]).Select(call => call.GetProperty("id").GetString()));
        Assert.All(outcomes.Values, outcome => Assert.Equal(
            """["tool_use","end_turn"]""", outcome.GetProperty("reasons").GetRawText()));
        Assert.All(outcomes.Values.SelectMany(Calls), call => Assert.Equal(
            "Berlin", call.GetProperty("input").GetProperty("city").GetString()));

        static JsonObject Tools(string id, string question, string choice) => Ask(
            id, "tools", question, MarketNetwork.Scripted,
            $$"""{"max_tokens":100,"tools":[{{Tool}}],"tool_choice":{"type":"{{choice}}"} }""");
    }

    [Fact]
    public async Task Thoughts_limits_images_and_schemas_are_told_in_its_words()
    {
        var image = Ask("image", "whole", "", MarketNetwork.Scripted, """{"max_tokens":100}""");
        image["request"]!["messages"]![0]!["content"] = JsonNode.Parse($$"""
            [{"type":"text","text":"{{ScriptedServer.CountsImages}}"},{"type":"image","source":{"type":"base64",
              "media_type":"image/png","data":"{{ScriptedNetwork.Picture}}"} }]
            """);
        var outcomes = await RunAsync(
            image,
            Ask("thought", "stream", ScriptedServer.Thinks, MarketNetwork.Scripted, """{"max_tokens":100}"""),
            Ask("cut", "stream", "Hello", MarketNetwork.Scripted, """{"max_tokens":2}"""),
            Ask("json", "whole", "Hello", MarketNetwork.Scripted, """
                {"max_tokens":100,"output_config":{"format":{"type":"json_schema","schema":{"type":"object",
                 "properties":{"number":{"type":"integer"}},"required":["number"],"additionalProperties":false}}}}
                """));

        Assert.Equal("Images: 1", Text(outcomes["image"]));
        Assert.Equal("Let me see", outcomes["thought"].GetProperty("thought").GetString());
        Assert.Equal("thinking", outcomes["thought"].GetProperty("message").GetProperty("content")[0]
            .GetProperty("type").GetString());
        Assert.Equal("max_tokens", outcomes["cut"].GetProperty("message").GetProperty("stop_reason").GetString());
        Assert.Equal("""{"number":42}""", Text(outcomes["json"]));
    }

    [Fact]
    public async Task Errors_are_those_that_the_SDK_knows()
    {
        const string Plain = """{"max_tokens":100}""";
        var outcomes = await shared.RunAsync(
            "messages.mjs",
            Ask("key", "whole", "Hello", MarketNetwork.Model, Plain, "sk-souk-wrong"),
            Ask("poor", "whole", "Hello", MarketNetwork.Model, Plain, shared.PoorKey),
            Ask("model", "whole", "Hello", "no-such-model", Plain),
            Ask("limit", "events", "Hello", MarketNetwork.Model, """{"max_tokens":0}"""),
            Ask("large", "whole", new string('x', 17 << 20), MarketNetwork.Model, Plain),
            Ask("fails", "events", ScriptedServer.Fails, MarketNetwork.Scripted, Plain));

        Expect("key", "AuthenticationError", 401, "authentication_error");
        Expect("poor", "PaymentRequiredError", 402, "billing_error");
        Expect("model", "NotFoundError", 404, "not_found_error");
        Expect("limit", "BadRequestError", 400, "invalid_request_error");
        Expect("large", "ContentTooLargeError", 413, "request_too_large");
        var error = outcomes["fails"].GetProperty("error");
        Assert.Equal(("APIError", "api_error"),
            (error.GetProperty("name").GetString(), error.GetProperty("type").GetString()));
        Assert.NotEmpty(outcomes["fails"].GetProperty("events").EnumerateArray());

        void Expect(string id, string name, int status, string type)
        {
            var found = outcomes[id].GetProperty("error");
            Assert.Equal(
                (name, status, type),
                (found.GetProperty("name").GetString(), found.GetProperty("status").GetInt32(),
                    found.GetProperty("type").GetString()));
        }
    }

    private static string Text(JsonElement outcome) => outcome.GetProperty("text").GetString()!;

    private static IEnumerable<JsonElement> Calls(JsonElement outcome) =>
        outcome.GetProperty("calls").EnumerateArray();

    private static JsonObject Ask(
        string id, string action, string question, string model, string parameters, string? apiKey = null)
    {
        var request = JsonNode.Parse(parameters)!.AsObject();
        request["model"] = model;
        request["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question });
        return new JsonObject { ["id"] = id, ["action"] = action, ["request"] = request, ["apiKey"] = apiKey };
    }

    private async Task<Dictionary<string, JsonElement>> RunAsync(params JsonObject[] jobs)
    {
        var outcomes = await shared.RunAsync("messages.mjs", jobs);
        Assert.All(outcomes.Values, outcome => Assert.Equal("null", outcome.GetProperty("error").GetRawText()));
        return outcomes;
    }
}
