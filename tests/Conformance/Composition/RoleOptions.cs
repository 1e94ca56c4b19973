using System.Text;
using Souk.Engines;
using Souk.Gateway;
using Souk.Gateway.X402;
using Souk.Protocol;
using Souk.Provider;

namespace Souk.Conformance.Composition;

/// <summary>Settings of the roles as these networks use them, in one process or in several.</summary>
internal static class RoleOptions
{
    /// <summary>A public name that nobody serves.</summary>
    public static Bytes32 GhostDigest { get; } = Sha.Hash("a model that nobody has"u8);

    public static ProviderOptions Provider(
        ProviderKeyring keys, string endpoint, Func<Bytes32?> spkiHash, IReadOnlyList<IEngine> engines,
        Prices prices, string indexer) => new()
    {
        Provider = keys.Owner.Address,
        Payout = keys.Payout.Address,
        NodeKey = keys.Node,
        AuthorizerKey = keys.Authorizer,
        GasKey = keys.Gas,
        Endpoint = endpoint,
        SpkiHash = spkiHash,
        Models =
        [
            .. engines.Select(engine =>
                new ModelForSale(engine, prices) { Concurrency = 64, SliceLeast = 8, SliceGreatest = 512 }),
        ],
        Indexers = [indexer],
    };

    public static GatewayOptions Gateway(
        Address vault, PrivateKey hotKey, PrivateKey publisher, NetworkFile network,
        IReadOnlyDictionary<string, Bytes32> named, string adminToken, ulong sliceTokens,
        IReadOnlyList<string>? allowedOrigins = null, IReadOnlyList<X402Seller>? sellers = null)
    {
        var document = new CatalogueDocument(
            "test", 1, (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 86_400,
            [
                .. named.Append(new(MarketNetwork.Ghost, GhostDigest))
                    .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                    .Select(entry => new CatalogueEntry(entry.Key, [entry.Value])),
            ]);
        return new GatewayOptions
        {
            Vault = vault,
            HotKey = hotKey,
            Catalogue = Signed<CatalogueDocument>.Sign(document, publisher, network.SoukDomain),
            CatalogueSigner = publisher.Address,
            AdminTokenHash = Sha.Hash(Encoding.UTF8.GetBytes(adminToken)),
            PollEvery = TimeSpan.FromMilliseconds(500),
            SliceTokens = sliceTokens,
            AllowedOrigins = allowedOrigins ?? [],
            Sellers = sellers ?? [],
        };
    }
}
