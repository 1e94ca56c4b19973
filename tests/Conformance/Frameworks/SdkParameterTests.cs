using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.Frameworks;

/// <summary>Every parameter of every request through the SDKs for .NET and Node, and the errors that they
/// know.</summary>
public sealed class SdkParameterTests(FrameworkNetwork shared, ITestOutputHelper output)
    : IClassFixture<FrameworkNetwork>
{
    [Theory]
    [InlineData("Node")]
    [InlineData(".NET")]
    public async Task Every_parameter_is_answered_or_refused_as_documented(string sdk)
    {
        var listed = await NewerNode.RunAsync("list.mjs", new JsonObject
        {
            ["path"] = "/chat/completions", ["model"] = MarketNetwork.Scripted,
        });
        List<(SdkJob Job, int Status)> cases = [.. listed.EnumerateArray().Select(Case)];
        var network = shared.Network;
        List<SdkJob> jobs = [.. cases.Select(one => one.Job)];
        var outcomes = sdk == "Node"
            ? await NodeSdk.RunAsync(network.BaseUrl, shared.ApiKey, jobs)
            : await DotNetSdk.RunAsync(network.BaseUrl, shared.ApiKey, jobs);

        output.WriteLine($"{outcomes.Count} cases through the SDK for {sdk}.");
        Assert.True(outcomes.Count > 100);
        var wrong = cases.Zip(outcomes)
            .Where(pair => pair.First.Status != (pair.Second.Error?.Status ?? 200))
            .Select(pair => $"{pair.First.Job.Id}: {pair.First.Status}, not {pair.Second.Error}").ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    // The SDK for .NET has no older completions.
    [Theory]
    [InlineData("Node", "/completions", MarketNetwork.Scripted)]
    [InlineData("Node", "/embeddings", MarketNetwork.Embedding)]
    [InlineData("Node", "/responses", MarketNetwork.Scripted)]
    [InlineData(".NET", "/embeddings", MarketNetwork.Embedding)]
    [InlineData(".NET", "/responses", MarketNetwork.Scripted)]
    public async Task Every_parameter_of_the_other_requests_too(string sdk, string path, string model)
    {
        var listed = await NewerNode.RunAsync("list.mjs", new JsonObject { ["path"] = path, ["model"] = model });
        // Streams of the SDK for .NET are asked for by another method.
        var cases = listed.EnumerateArray().Where(one => sdk == "Node"
            || !one.GetProperty("body").TryGetProperty("stream", out var stream)
                || stream.ValueKind != JsonValueKind.True).ToList();
        var bodies = cases.ConvertAll(one => JsonNode.Parse(one.GetProperty("body").GetRawText())!.AsObject());
        var server = shared.Network.BaseUrl;
        List<int> statuses = [];
        if (sdk == "Node")
        {
            var outcomes = await NodeSdk.SendAsync(server, shared.ApiKey, path, bodies);
            statuses.AddRange(outcomes.Select(outcome => outcome.Error is { } error ? error.Status ?? 0 : 200));
        }
        else
        {
            foreach (var body in bodies)
            {
                statuses.Add(await DotNetSdk.SendAsync(server, shared.ApiKey, path, model, body.ToJsonString()));
            }
        }

        output.WriteLine($"{cases.Count} cases of {path} through the SDK for {sdk}.");
        Assert.True(cases.Count > 10);
        var wrong = cases.Zip(statuses)
            .Where(pair => pair.First.GetProperty("status").GetInt32() != pair.Second)
            .Select(pair => $"{pair.First.GetProperty("id").GetString()}: not {pair.Second}").ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static (SdkJob Job, int Status) Case(JsonElement one)
    {
        var body = JsonNode.Parse(one.GetProperty("body").GetRawText())!.AsObject();
        var isStreamed = body["stream"] is JsonValue stream && stream.TryGetValue<bool>(out var streams) && streams;
        if (isStreamed)
        {
            body.Remove("stream");
        }

        return (new SdkJob(one.GetProperty("id").GetString()!, isStreamed, body), one.GetProperty("status").GetInt32());
    }
}
