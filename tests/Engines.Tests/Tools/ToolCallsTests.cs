using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines.Tests.Tools;

public sealed class ToolCallsTests
{
    private const string Weather =
        """
        {"type":"function","function":{"name":"get_weather","strict":true,"parameters":{"type":"object","properties":{
        "days":{"type":"integer","minimum":1,"maximum":9},"unit":{"enum":["C","F"]}},"required":["days","unit"],
        "additionalProperties":false}}}
        """;

    private const string Now = """{"type":"function","function":{"name":"now"}}""";

    [Theory]
    [InlineData(ToolModel.Tagged, null)]
    [InlineData(ToolModel.Tagged, "<tool_call>")]
    [InlineData(ToolModel.Listed, null)]
    [InlineData(ToolModel.Listed, "[TOOL_CALLS]")]
    [InlineData(ToolModel.Bare, null)]
    public async Task A_required_call_has_a_name_and_arguments_of_the_schema(string convention, string? special)
    {
        await using var model = await ToolModel.LoadAsync(convention, special);
        var request = Request("\"required\"", n: 3, more: ",\"parallel_tool_calls\":false");
        var events = await model.Engine.AllAsync(request);
        HashSet<string> ids = [];
        for (int choice = 0; choice < 3; choice++)
        {
            Assert.Equal("tool_calls", events.End(choice).Reason);
            Assert.Equal("", events.Text(choice));
            var call = Assert.Single(Calls(events, choice));
            Assert.True(ids.Add(call.Id));
            Assert.Matches(
                convention == ToolModel.Listed ? "^[A-Za-z0-9]{9}$" : "^call_[A-Za-z0-9]{24}$", call.Id);
            var arguments = JsonNode.Parse(call.Arguments)!.AsObject();
            if (call.Name == "now")
            {
                Assert.Empty(arguments);
                continue;
            }

            Assert.Equal("get_weather", call.Name);
            Assert.Equal(["days", "unit"], arguments.Select(pair => pair.Key));
            Assert.InRange((int)arguments["days"]!, 1, 9);
            Assert.True((string?)arguments["unit"] is "C" or "F");
        }

        var again = await model.Engine.AllAsync(request);
        Assert.Equal(
            Calls(events, 1).Select(call => call.Id), Calls(again, 1).Select(call => call.Id));
        Assert.Equal(events.Ids(2), again.Ids(2));
    }

    [Fact]
    public async Task A_named_function_is_the_one_that_is_called()
    {
        await using var model = await ToolModel.LoadAsync(ToolModel.Tagged);
        var events = await model.Engine.AllAsync(
            Request("""{"type":"function","function":{"name":"now"}}""", n: 2));
        Assert.All([0, 1], choice => Assert.Equal("now", Assert.Single(Calls(events, choice)).Name));
    }

    [Fact]
    public async Task The_text_is_free_until_a_call_opens()
    {
        await using var model = await ToolModel.LoadAsync(ToolModel.Tagged);
        var free = await model.Engine.AllAsync(Request("\"auto\"", maxTokens: 60));
        Assert.Empty(Calls(free, 0));
        Assert.NotEmpty(free.Text());

        var none = await model.Engine.AllAsync(Request("\"none\"", maxTokens: 60));
        Assert.Equal(free.Text(), none.Text());
    }

    [Fact]
    public async Task A_call_that_a_limit_cuts_short_ends_with_length()
    {
        await using var model = await ToolModel.LoadAsync(ToolModel.Tagged);
        var events = await model.Engine.AllAsync(
            Request("""{"type":"function","function":{"name":"get_weather"}}""", maxTokens: 70));
        var call = Assert.Single(Calls(events, 0));
        Assert.Equal(("length", 70), (events.End().Reason, events.End().OutputTokens));
        Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(call.Arguments));
    }

    [Fact]
    public async Task A_template_that_knows_no_tools_or_writes_them_otherwise_offers_none()
    {
        await using var unknown = await ToolModel.LoadAsync(ToolModel.Unknown);
        Assert.DoesNotContain(EngineFeatures.Tools, unknown.Engine.Model.Features);
        var refused = await unknown.Engine.RefusedAsync(Request("\"auto\""));
        Assert.Equal((Fault.Theirs, "feature_unsupported"), (refused.Fault, refused.Code));
        Assert.Contains("tools", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_a_strict_tool_is_refused_for_its_schema()
    {
        await using var model = await ToolModel.LoadAsync(ToolModel.Tagged);
        string Tool(string strict) =>
            """{"type":"function","function":{"name":"f","strict":""" + strict
            + ""","parameters":{"type":"object","minProperties":1}}}""";
        var refused = await model.Engine.RefusedAsync(Request("\"required\"", tools: Tool("true")));
        Assert.Equal((Fault.Theirs, "schema_unsupported"), (refused.Fault, refused.Code));
        Assert.StartsWith("Invalid 'tools': 'tools[0].function.parameters'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("'minProperties'", refused.Message, StringComparison.Ordinal);

        var served = await model.Engine.AllAsync(Request("\"required\"", tools: Tool("false"), maxTokens: 40));
        Assert.Equal("f", Assert.Single(Calls(served, 0)).Name);
    }

    private static EngineRequest Request(
        string choice, int n = 1, string more = "", int maxTokens = 400, string tools = Weather + "," + Now)
    {
        byte[] body = Encoding.UTF8.GetBytes(
            """{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[""" + tools + "],\"tool_choice\":"
            + choice + more + "}");
        var chat = ChatRequest.Parse(body);
        Assert.True(chat.IsOk, chat.Error?.Message);
        return new EngineRequest(
            chat.Value, body, SamplingKey.FromSeed(3), SamplingParameters.Default with { Temperature = 1, Seed = 3 },
            maxTokens, [], n, "payer");
    }

    private static List<(string Id, string Name, string Arguments)> Calls(List<EngineEvent> events, int choice)
    {
        List<(string Id, string Name, string Arguments)> calls = [];
        foreach (var token in events.OfType<TokenOut>().Where(token => token.Choice == choice))
        {
            if (token.ToolCalls.IsEmpty)
            {
                continue;
            }

            using var deltas = JsonDocument.Parse(token.ToolCalls);
            foreach (var delta in deltas.RootElement.EnumerateArray())
            {
                var function = delta.GetProperty("function");
                int index = delta.GetProperty("index").GetInt32();
                if (delta.TryGetProperty("id", out var id))
                {
                    calls.Add((id.GetString()!, function.GetProperty("name").GetString()!, ""));
                }

                var call = calls[index];
                calls[index] = call with { Arguments = call.Arguments + function.GetProperty("arguments").GetString() };
            }
        }

        return calls;
    }
}
