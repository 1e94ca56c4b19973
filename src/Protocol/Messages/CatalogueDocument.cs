using System.Text;

namespace Souk.Protocol;

/// <summary>One public model name and the digests that may answer to it.</summary>
/// <param name="Name">The public name, such as "llama-3.1-8b".</param>
/// <param name="Digests">Accepted model digests, in the publisher's order of preference.</param>
public sealed record CatalogueEntry(string Name, IReadOnlyList<Bytes32> Digests)
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "CatalogueEntry(string name,bytes32[] digests)";

    private static readonly Bytes32 TypeHash = Eip712.TypeHash(Type);

    /// <summary>The EIP-712 struct hash.</summary>
    public Bytes32 StructHash() => new StructHasher(TypeHash).Add(Name).AddArray(Digests).Hash();
}

/// <summary>
/// A signed list: public model name -> accepted model digests. Its signer is the reader's own choice.
/// </summary>
/// <param name="Name">The catalogue's name.</param>
/// <param name="Version">Rises with every edition.</param>
/// <param name="Expiry">Unix seconds after which it resolves nothing.</param>
/// <param name="Entries">Sorted by the UTF-8 bytes of their names, without repeats.</param>
public sealed record CatalogueDocument(
    string Name, ulong Version, ulong Expiry, IReadOnlyList<CatalogueEntry> Entries) : ISoukMessage
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type =
        "Catalogue(string name,uint64 version,uint64 expiry,CatalogueEntry[] entries)" + CatalogueEntry.Type;

    private const int MaxEntries = 10_000;
    private const int MaxDigests = 256;
    private const int MaxName = 256;
    private static readonly Bytes32 TypeHash = Eip712.TypeHash(Type);

    /// <summary>The digests that a public name stands for; null when the catalogue does not know it.</summary>
    public IReadOnlyList<Bytes32>? Find(string publicName)
    {
        foreach (var entry in Entries)
        {
            if (string.Equals(entry.Name, publicName, StringComparison.Ordinal))
            {
                return entry.Digests;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public Bytes32 StructHash() => new StructHasher(TypeHash)
        .Add(Name).Add(Version).Add(Expiry).AddArray(Entries.Select(entry => entry.StructHash())).Hash();

    /// <inheritdoc/>
    public Refusal? Flaw()
    {
        if (Encoding.UTF8.GetByteCount(Name) > MaxName || Entries.Count > MaxEntries)
        {
            return Malformed($"it has more than {MaxEntries} entries or a name longer than {MaxName} bytes.");
        }

        for (var i = 0; i < Entries.Count; i++)
        {
            var entry = Entries[i];
            if (entry is null or { Name: "" } || Encoding.UTF8.GetByteCount(entry.Name) > MaxName
                || entry.Digests.Count is 0 or > MaxDigests)
            {
                return Malformed($"entry {i} needs a name of 1 to {MaxName} bytes and 1 to {MaxDigests} digests.");
            }

            if (i > 0 && Utf8Order.Instance.Compare(Entries[i - 1].Name, entry.Name) >= 0)
            {
                return Malformed("its entries are not sorted by name, or repeat.");
            }
        }

        return null;
    }

    /// <summary>Catalogues are equal when every signed field is.</summary>
    public bool Equals(CatalogueDocument? other) => other is not null && StructHash() == other.StructHash();

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Version, Expiry);

    private static Refusal Malformed(string problem) =>
        new(Fault.Theirs, "catalogue_malformed", $"The catalogue cannot be used: {problem}");
}
