using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Frameworks;

/// <summary>LangChain.js and Vercel's AI SDK, unmodified, against the real gateway.</summary>
public sealed class AppTests(FrameworkNetwork shared, ITestOutputHelper output) : IClassFixture<FrameworkNetwork>
{
    private static readonly string[] Frameworks =
        ["LangChain.js", "AI SDK openai (chat)", "AI SDK openai (responses)", "AI SDK openai-compatible"];

    [Fact]
    public async Task Apps_chat_stream_call_tools_and_get_structured_output()
    {
        var outcomes = (await NewerNode.RunAsync("apps.mjs", new JsonObject
        {
            ["baseURL"] = shared.Network.BaseUrl.ToString(), ["apiKey"] = shared.ApiKey,
            ["model"] = MarketNetwork.Scripted, ["plainModel"] = MarketNetwork.Model,
            ["paths"] = new JsonArray("/responses"),
        })).EnumerateArray().Select(one => JsonNode.Parse(one.GetRawText())!).ToList();
        output.WriteLine($"{outcomes.Count} scenarios.");

        var failed = outcomes.Where(one => (string)one["what"]! != "error" && one["error"] is not null)
            .Select(one => one.ToJsonString()).ToList();
        Assert.True(failed.Count == 0, string.Join('\n', failed));
        foreach (var framework in Frameworks)
        {
            JsonNode result(string what) => Assert.Single(
                outcomes, one => (string)one["framework"]! == framework && (string)one["what"]! == what)["result"]!;
            Assert.Equal("The answer is 42.", (string)result("chat")["text"]!);
            Assert.True((int)result("chat")["tokens"]! > 20, framework);
            Assert.NotEmpty((string)result("plain")!);
            Assert.Equal("The answer is 42.", (string)result("stream")["text"]!);
            Assert.True((int)result("stream")["pieces"]! > 1, framework);
            Assert.True((int)result("stream")["tokens"]! > 20, framework);
            Assert.Equal("get_weather", (string)result("tools")["call"]!["name"]!);
            Assert.Equal("""{"city":"Berlin"}""", result("tools")["call"]!["args"]!.ToJsonString());
            Assert.Equal("The tool says: It is sunny in Berlin", (string)result("tools")["text"]!);
            Assert.Equal("""{"city":"Berlin"}""", result("streamed tools")["args"]!.ToJsonString());
            Assert.Equal("""{"city":"Berlin","degrees":42}""", result("structured").ToJsonString());
        }

        var errors = outcomes.Where(one => (string)one["what"]! == "error").ToList();
        Assert.Equal(Frameworks.Length, errors.Count);
        Assert.All(errors, one => Assert.Equal(404, (int)one["error"]!["status"]!));
        Assert.All(errors, one => Assert.Contains("souk-nobody", (string)one["error"]!["message"]!));
    }
}
