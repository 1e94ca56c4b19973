using System.Collections.Immutable;
using Souk.Protocol;

namespace Souk.Gateway.Offers;

/// <summary>What an app's model name means.</summary>
/// <param name="Name">The one way to write it, which use is added up by.</param>
/// <param name="Digests">Models that will do.</param>
/// <param name="Provider">The only provider that will do, where the app named one.</param>
internal sealed record NamedModel(string Name, ImmutableArray<Bytes32> Digests, Address? Provider);

/// <summary>Resolves model names: public ones through the signed catalogue alone, anything else as
/// provider/digest.</summary>
internal sealed class Catalogue(GatewayOptions options, SoukDomain domain, TimeProvider time)
{
    private readonly CatalogueDocument? _document =
        options.Catalogue is { } signed && signed.IsSignedBy(options.CatalogueSigner ?? Address.Zero, domain)
            ? signed.Message
            : null;

    /// <summary>False where a catalogue was given that its signer did not sign.</summary>
    public bool IsSound => options.Catalogue is null || _document is not null;

    /// <summary>Public names and their digests; none once the catalogue has expired.</summary>
    public IReadOnlyList<CatalogueEntry> Entries =>
        _document is { } document && document.Expiry > (ulong)time.GetUtcNow().ToUnixTimeSeconds() ? document.Entries
            : [];

    /// <summary>Whether the gateway keeps channels for an offer: its model has a public name, or there is no
    /// catalogue.</summary>
    public bool Sells(Offer offer) =>
        options.Catalogue is null || Entries.Any(entry => entry.Digests.Contains(offer.ModelDigest));

    /// <summary>What a name means; null where it means nothing.</summary>
    public NamedModel? Resolve(string name)
    {
        if (Entries.FirstOrDefault(entry => string.Equals(entry.Name, name, StringComparison.Ordinal)) is { } entry)
        {
            return new NamedModel(entry.Name, [.. entry.Digests], null);
        }

        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && Address.TryParse(name[..slash], out var provider)
            && Bytes32.TryParse(name[(slash + 1)..], out var digest)
            ? new NamedModel($"{provider}/{digest}", [digest], provider)
            : null;
    }
}
