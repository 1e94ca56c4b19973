namespace Souk.Protocol;

/// <summary>One row of a claim: how much of a channel's voucher the receiver takes, over the channel's life.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="MaxClaimable">The ceiling of the voucher that covers it.</param>
/// <param name="TotalClaimed">The new total, at most the ceiling.</param>
public sealed record ClaimEntry(Bytes32 ChannelId, Amount MaxClaimable, Amount TotalClaimed)
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>The EIP-712 struct hash.</summary>
    public Bytes32 StructHash() => new StructHasher(Hash).Add(ChannelId).Add(MaxClaimable).Add(TotalClaimed).Hash();
}

/// <summary>What a receiverAuthorizer signs so that anyone may send its claims (`claimWithSignature`).</summary>
public static class ClaimBatch
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "ClaimBatch(ClaimEntry[] claims)" + ClaimEntry.Type;

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>The digest over all rows, in the order of the call.</summary>
    public static Bytes32 Digest(EscrowDomain domain, IReadOnlyList<ClaimEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(entries);
        var structHash = new StructHasher(Hash).AddArray(entries.Select(entry => entry.StructHash())).Hash();
        return Eip712.Digest(domain.Domain, structHash);
    }

    /// <summary>Signs a batch.</summary>
    public static Signature Sign(PrivateKey key, EscrowDomain domain, IReadOnlyList<ClaimEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Sign(Digest(domain, entries));
    }
}

/// <summary>What a receiverAuthorizer signs so that anyone may send a refund (`refundWithSignature`).</summary>
public static class RefundAuthorisation
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "Refund(bytes32 channelId,uint256 nonce,uint128 amount)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>The digest; the nonce is the channel's refundNonce at the time of the call.</summary>
    public static Bytes32 Digest(EscrowDomain domain, Bytes32 channelId, UInt128 nonce, Amount amount)
    {
        ArgumentNullException.ThrowIfNull(domain);
        var structHash = new StructHasher(Hash).Add(channelId).Add(nonce).Add(amount).Hash();
        return Eip712.Digest(domain.Domain, structHash);
    }

    /// <summary>Signs a refund.</summary>
    public static Signature Sign(PrivateKey key, EscrowDomain domain, Bytes32 channelId, UInt128 nonce, Amount amount)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Sign(Digest(domain, channelId, nonce, amount));
    }
}
