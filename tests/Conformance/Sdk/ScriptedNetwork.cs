using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Sdk;

/// <summary>One network for what SDKs of the other APIs try: the demo model, and one that calls tools and
/// thinks.</summary>
public sealed class ScriptedNetwork : IAsyncLifetime
{
    /// <summary>One red pixel, PNG.</summary>
    public const string Picture =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

    internal MarketNetwork Network { get; private set; } = null!;

    internal string ApiKey { get; private set; } = null!;

    internal string PoorKey { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Network = await MarketNetwork.StartAsync(new NetworkPlan { IsScripted = true });
        ApiKey = await Network.KeyAsync("app");
        PoorKey = await Network.KeyAsync("poor", 1);
    }

    public ValueTask DisposeAsync() => Network.DisposeAsync();

    /// <summary>Runs jobs of a script; the outcomes by the id of the job.</summary>
    internal async Task<Dictionary<string, JsonElement>> RunAsync(string script, params JsonObject[] jobs)
    {
        var outcomes = await NodeScript.RunAsync(script, new JsonObject
        {
            ["baseURL"] = Network.BaseUrl.ToString(), ["apiKey"] = ApiKey, ["jobs"] = new JsonArray([.. jobs]),
        });
        return outcomes.EnumerateArray().ToDictionary(outcome => outcome.GetProperty("id").GetString()!);
    }
}

[CollectionDefinition(Name)]
public sealed class ScriptedNetworkCollection : ICollectionFixture<ScriptedNetwork>
{
    public const string Name = "scripted network";
}
