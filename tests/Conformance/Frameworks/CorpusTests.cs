using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Frameworks;

/// <summary>
/// Every parameter of OpenAI's requests, every mistake and every example request of its published document, sent to the
/// real gateway; every reply judged by that document, by the schemas of OpenAI's own SDK, by the document that the
/// gateway serves, and by a validating proxy between them.
/// </summary>
public sealed class CorpusTests(FrameworkNetwork shared, ITestOutputHelper output) : IClassFixture<FrameworkNetwork>
{
    /// <summary>Names a newer copy of OpenAI's published OpenAPI document (JSON) than the pinned one; then its schemas
    /// judge too, also in the proxy, and its example requests are sent.</summary>
    private const string PublishedDocument = "SOUK_OPENAI_DOCUMENT";

    [Fact]
    public async Task The_corpus_passes_whole()
    {
        var published = Environment.GetEnvironmentVariable(PublishedDocument);
        var report = await NewerNode.RunAsync("corpus.mjs", new JsonObject
        {
            ["baseURL"] = shared.Network.BaseUrl.ToString(), ["apiKey"] = shared.ApiKey, ["poorKey"] = shared.PoorKey,
            ["models"] = new JsonArray(MarketNetwork.Scripted, MarketNetwork.Model),
            ["embedding"] = MarketNetwork.Embedding,
            ["published"] = string.IsNullOrEmpty(published) ? null : published,
        });

        var cases = report.GetProperty("cases").EnumerateArray().ToList();
        var wrong = cases.Where(one => one.GetProperty("problems").GetArrayLength() > 0)
            .Select(one => $"{one.GetProperty("id").GetString()}: {one.GetProperty("problems").GetRawText()}").ToList();
        var editions = report.GetProperty("documents").EnumerateArray().Select(one =>
            $"{one.GetProperty("version").GetString()} ({one.GetProperty("examples").GetInt32()} examples)");
        output.WriteLine($"Corpus by the SDK's types and the published document, {string.Join(", ", editions)}: "
            + $"{cases.Count} cases on {Texts(report, "paths").Count} paths, {wrong.Count} wrong; "
            + $"{Texts(report, "outside").Count} were not sent through the proxy, since OpenAI's schema refuses them.");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(cases.Count >= 600, $"Only {cases.Count} cases were sent.");
        Assert.Contains("/chat/completions", Texts(report, "paths"));
        // A parameter that OpenAI has and the corpus has not: the SDK was updated and the corpus was not.
        Assert.Empty(Texts(report, "unlisted"));
        Assert.Empty(Texts(report, "own"));
        Assert.Empty(Texts(report, "unused"));
        Assert.All(report.GetProperty("documents").EnumerateArray(),
            one => Assert.True(one.GetProperty("examples").GetInt32() >= 6));
        Assert.True(Texts(report, "outside").Count < 20, string.Join('\n', Texts(report, "outside")));
    }

    private static List<string> Texts(JsonElement report, string name) =>
        [.. report.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
}
