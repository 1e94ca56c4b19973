using Souk.Cli.State;
using Souk.Engines;
using Souk.Protocol;
using Souk.Provider;
using Souk.Wire.Http;

namespace Souk.Cli.Up;

/// <summary>A provider's settings from its keys and its engine.</summary>
internal static class ProviderSetup
{
    /// <summary>0.10 and 0.40 of the currency per million tokens in and out.</summary>
    public static Prices DefaultPrices { get; } = new(new Amount(100_000), new Amount(50_000), new Amount(400_000));

    public static ProviderOptions Options(
        ProviderSecrets secrets, string endpoint, NodeCertificateStore certificates, IEngine engine,
        IReadOnlyList<string> indexers, Prices? prices = null, string region = "") => new()
    {
        Provider = secrets.Owner.Address,
        Payout = secrets.Payout.Address,
        NodeKey = secrets.Node,
        AuthorizerKey = secrets.Authorizer,
        GasKey = secrets.Gas,
        Endpoint = endpoint,
        SpkiHash = () => certificates.Current.SpkiHash,
        Models = [new ModelForSale(engine, prices ?? DefaultPrices)],
        Indexers = indexers,
        Region = region,
    };
}
