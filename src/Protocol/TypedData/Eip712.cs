using System.Text;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>The EIP-712 domain of a signature.</summary>
/// <param name="Name">The signing domain's name.</param>
/// <param name="Version">Its major version.</param>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="VerifyingContract">The contract that the signatures are for.</param>
public sealed record Eip712Domain(string Name, string Version, ulong ChainId, Address VerifyingContract)
{
    private static readonly Bytes32 TypeHash = Eip712.TypeHash(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    // Boxed, so that two threads that both compute it cannot tear it. A copy by `with` starts without it.
    private object? _separator;

    private Eip712Domain(Eip712Domain original)
    {
        Name = original.Name;
        Version = original.Version;
        ChainId = original.ChainId;
        VerifyingContract = original.VerifyingContract;
    }

    /// <summary>The domain separator, computed once.</summary>
    [JsonIgnore]
    public Bytes32 Separator => (Bytes32)(_separator ??= new StructHasher(TypeHash)
        .Add(Name).Add(Version).Add(ChainId).Add(VerifyingContract).Hash());

    /// <inheritdoc/>
    public bool Equals(Eip712Domain? other) => other is not null && Name == other.Name && Version == other.Version
        && ChainId == other.ChainId && VerifyingContract == other.VerifyingContract;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Version, ChainId, VerifyingContract);
}

/// <summary>Hashing of typed structured data (EIP-712).</summary>
public static class Eip712
{
    /// <summary>What is signed: keccak256(0x1901, domain separator, struct hash).</summary>
    public static Bytes32 Digest(Eip712Domain domain, Bytes32 structHash)
    {
        ArgumentNullException.ThrowIfNull(domain);
        Span<byte> bytes = stackalloc byte[66];
        bytes[0] = 0x19;
        bytes[1] = 0x01;
        domain.Separator.CopyTo(bytes[2..]);
        structHash.CopyTo(bytes[34..]);
        return Keccak256.Hash(bytes);
    }

    /// <summary>The hash of a type string, referenced types appended in the order that EIP-712 gives.</summary>
    public static Bytes32 TypeHash(string type) => Keccak256.Hash(Encoding.ASCII.GetBytes(type));
}
