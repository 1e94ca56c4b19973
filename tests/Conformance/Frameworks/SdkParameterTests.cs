using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.Frameworks;

/// <summary>Every parameter of a chat request through the SDKs for .NET and Node, and the errors that they
/// know.</summary>
public sealed class SdkParameterTests(FrameworkNetwork shared, ITestOutputHelper output)
    : IClassFixture<FrameworkNetwork>
{
    [Theory]
    [InlineData("Node")]
    [InlineData(".NET")]
    public async Task Every_parameter_is_answered_or_refused_as_documented(string sdk)
    {
        var listed = await NewerNode.RunAsync("list.mjs", new JsonObject { ["model"] = MarketNetwork.Scripted });
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
