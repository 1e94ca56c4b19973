using Souk.Conformance.Composition;

namespace Souk.Conformance.Frameworks;

/// <summary>One network for all that frameworks try on it: the demo model, one that calls tools, and one of
/// embeddings.</summary>
public sealed class FrameworkNetwork : IAsyncLifetime
{
    internal MarketNetwork Network { get; private set; } = null!;

    internal string ApiKey { get; private set; } = null!;

    internal string PoorKey { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Network = await MarketNetwork.StartAsync(new NetworkPlan { IsScripted = true, IsEmbedding = true });
        ApiKey = await Network.KeyAsync("app");
        PoorKey = await Network.KeyAsync("poor", 1);
    }

    public ValueTask DisposeAsync() => Network.DisposeAsync();
}
