namespace Souk.Protocol;

/// <summary>
/// A provider's answer to a channel, signed by its node key: it serves the channel from here, and its nonces are
/// fixed.
/// </summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Charged">What it has charged on the channel so far.</param>
/// <param name="Index">The last request index before this nonce chain, 0 on a new channel: request i takes nonce
/// i less this.</param>
/// <param name="NonceAnchor">Anchor of the nonce chain; see <see cref="NonceChain"/>.</param>
/// <param name="IssuedAt">Unix seconds.</param>
public sealed record Acceptance(Bytes32 ChannelId, Amount Charged, ulong Index, Bytes32 NonceAnchor, ulong IssuedAt)
    : ISoukMessage
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type =
        "Acceptance(bytes32 channelId,uint128 charged,uint64 index,bytes32 nonceAnchor,uint64 issuedAt)";

    private static readonly Bytes32 TypeHash = Eip712.TypeHash(Type);

    /// <inheritdoc/>
    public Bytes32 StructHash() => new StructHasher(TypeHash)
        .Add(ChannelId).Add(Charged).Add(Index).Add(NonceAnchor).Add(IssuedAt).Hash();
}
