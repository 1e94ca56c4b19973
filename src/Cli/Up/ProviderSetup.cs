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

    /// <summary>The settings; what is not given has <see cref="ProviderOptions"/>' defaults.</summary>
    public static ProviderOptions Options(
        ProviderSecrets secrets, string endpoint, NodeCertificateStore certificates, IEngine engine,
        IReadOnlyList<string> indexers, SaleTerms terms) => new()
    {
        Provider = secrets.Owner.Address,
        Payout = secrets.Payout.Address,
        NodeKey = secrets.Node,
        AuthorizerKey = secrets.Authorizer,
        GasKey = secrets.Gas,
        Endpoint = endpoint,
        SpkiHash = () => certificates.Current.SpkiHash,
        Models = [new ModelForSale(engine, terms.Prices) { Concurrency = terms.Concurrency }],
        Indexers = indexers,
        Region = terms.Region,
        Hardware = terms.Hardware,
        MostUnclaimed = terms.MostUnclaimed,
        Watchtowers = terms.Watchtowers,
    };
}

/// <summary>What an owner decides about selling.</summary>
internal sealed record SaleTerms
{
    public Prices Prices { get; init; } = ProviderSetup.DefaultPrices;

    public int Concurrency { get; init; } = 16;

    public string Region { get; init; } = "";

    public string Hardware { get; init; } = "";

    public Amount MostUnclaimed { get; init; } = Amount.MaxValue;

    public IReadOnlyList<string> Watchtowers { get; init; } = [];
}
