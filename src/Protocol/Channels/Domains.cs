using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>
/// Where channels live: the x402 batch-settlement escrow of a chain. Name and version of its EIP-712 domain are those
/// of the public specification's contract, so that any x402 client's signatures fit.
/// </summary>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="Escrow">The escrow contract.</param>
public sealed record EscrowDomain(ulong ChainId, Address Escrow)
{
    // A copy by `with` starts without it.
    private Eip712Domain? _domain;

    private EscrowDomain(EscrowDomain original)
    {
        ChainId = original.ChainId;
        Escrow = original.Escrow;
    }

    /// <summary>The EIP-712 domain of channels, vouchers, claims and refunds.</summary>
    [JsonIgnore]
    public Eip712Domain Domain => _domain ??= new("x402 Batch Settlement", "1", ChainId, Escrow);

    /// <inheritdoc/>
    public bool Equals(EscrowDomain? other) =>
        other is not null && ChainId == other.ChainId && Escrow == other.Escrow;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ChainId, Escrow);
}

/// <summary>
/// One of Souk's own contracts: the provider registry, in whose domain the network's messages are signed as well, or a
/// customer's vault.
/// </summary>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="Contract">The contract.</param>
public sealed record SoukDomain(ulong ChainId, Address Contract)
{
    // A copy by `with` starts without it.
    private Eip712Domain? _domain;

    private SoukDomain(SoukDomain original)
    {
        ChainId = original.ChainId;
        Contract = original.Contract;
    }

    /// <summary>The EIP-712 domain of what is signed for that contract.</summary>
    [JsonIgnore]
    public Eip712Domain Domain => _domain ??= new("Souk", "1", ChainId, Contract);

    /// <inheritdoc/>
    public bool Equals(SoukDomain? other) =>
        other is not null && ChainId == other.ChainId && Contract == other.Contract;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ChainId, Contract);
}
