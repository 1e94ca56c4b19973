using System.Text;
using Souk.Cli.State;
using Souk.Engines;
using Souk.Gateway;
using Souk.Protocol;

namespace Souk.Cli.Up;

/// <summary>A gateway's settings from its keys, and what its owner needs to use it.</summary>
internal static class GatewaySetup
{
    private const ulong CatalogueSeconds = 10UL * 365 * 86_400;
    private static readonly Amount DemoBudget = new(100_000_000);
    private static readonly TimeSpan ChannelPatience = TimeSpan.FromSeconds(60);

    public static GatewayOptions Options(
        Address vault, PrivateKey hotKey, Signed<CatalogueDocument>? catalogue, Address? signer, string adminToken) =>
            new()
    {
        Vault = vault,
        HotKey = hotKey,
        Catalogue = catalogue,
        CatalogueSigner = signer,
        AdminTokenHash = Sha.Hash(Encoding.UTF8.GetBytes(adminToken)),
    };

    /// <summary>The owner's token, made at first use.</summary>
    public static string AdminToken(DataDirectory data, Randomness randomness)
    {
        if (DataDirectory.Read(data.AdminToken) is { Length: > 0 } known)
        {
            return known;
        }

        var token = randomness.NextBytes32().ToString()[2..];
        DataDirectory.Write(data.AdminToken, token);
        return token;
    }

    /// <summary>The network's own catalogue: the model served here under its name, beside what it held
    /// before.</summary>
    public static Signed<CatalogueDocument> Catalogue(
        DataDirectory data, PrivateKey publisher, NetworkFile network, EngineModel model, TimeProvider time)
    {
        var known = DataDirectory.Read(data.Catalogue) is { } text
            && SoukJson.ParseText<Signed<CatalogueDocument>>(text).TryGet(out var signed, out _) ? signed.Message
                : null;
        var digest = model.Manifest.Digest;
        if (known?.Find(model.Name)?.Contains(digest) ?? false)
        {
            return Signed<CatalogueDocument>.Sign(known, publisher, network.SoukDomain);
        }

        var others = known?.Entries.Where(entry => entry.Name != model.Name) ?? [];
        var entries = others.Append(new CatalogueEntry(model.Name, [digest]))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal);
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        var document = new CatalogueDocument("local", (known?.Version ?? 0) + 1, now + CatalogueSeconds, [.. entries]);
        var fresh = Signed<CatalogueDocument>.Sign(document, publisher, network.SoukDomain);
        DataDirectory.Write(data.Catalogue, SoukJson.ToText(fresh));
        return fresh;
    }

    /// <summary>The demo's API key; made anew if the gateway does not know the one on disk.</summary>
    public static async Task<Result<string>> ApiKeyAsync(DataDirectory data, GatewayNode gateway)
    {
        if (DataDirectory.Read(data.ApiKey) is { Length: > 0 } known
            && gateway.Book.ApiKeys.TryGetValue(Sha.Hash(Encoding.UTF8.GetBytes(known)), out var account)
            && !account.IsRevoked)
        {
            return known;
        }

        var made = await gateway.CreateKeyAsync("demo", DemoBudget, null);
        if (!made.TryGet(out var key, out var refusal))
        {
            return refusal;
        }

        DataDirectory.Write(data.ApiKey, key.Secret);
        return key.Secret;
    }

    /// <summary>Waits for a channel that a request can use.</summary>
    public static async Task<Refusal?> WaitForChannelAsync(
        GatewayNode gateway, TimeProvider time, CancellationToken cancellation)
    {
        var deadline = time.GetUtcNow() + ChannelPatience;
        // After a restart the books still know idle channels, but offers have to be seen anew before a request is
        // served.
        while (gateway.IdleChannels == 0 || gateway.Offers == 0)
        {
            if (time.GetUtcNow() > deadline)
            {
                return new Refusal(
                    Fault.Ours, "no_channel",
                    $"No channel to a provider was opened within {ChannelPatience.TotalSeconds} s ({gateway.Offers} "
                        + "offers seen); the log in the data folder says why.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellation);
        }

        return null;
    }
}
