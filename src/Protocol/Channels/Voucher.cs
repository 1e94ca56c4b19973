using System.Buffers.Binary;

namespace Souk.Protocol;

/// <summary>
/// The customer's promise: up to this cumulative amount may be claimed on the channel. The highest wins.
/// </summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="MaxClaimable">The ceiling over the channel's whole life.</param>
/// <param name="Signature">By the channel's payerAuthorizer.</param>
public sealed record Voucher(Bytes32 ChannelId, Amount MaxClaimable, Signature Signature)
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "Voucher(bytes32 channelId,uint128 maxClaimableAmount)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>What the payerAuthorizer signs.</summary>
    public static Bytes32 Digest(EscrowDomain domain, Bytes32 channelId, Amount maxClaimable)
    {
        ArgumentNullException.ThrowIfNull(domain);

        // Once or more per request on both sides, so the three words are on the stack.
        Span<byte> words = stackalloc byte[3 * Bytes32.Size];
        Hash.CopyTo(words);
        channelId.CopyTo(words[Bytes32.Size..]);
        words[(2 * Bytes32.Size)..].Clear();
        BinaryPrimitives.WriteUInt128BigEndian(words[^16..], maxClaimable.Units);
        return Eip712.Digest(domain.Domain, Keccak256.Hash(words));
    }

    /// <summary>Signs a voucher.</summary>
    public static Voucher Sign(PrivateKey key, EscrowDomain domain, Bytes32 channelId, Amount maxClaimable)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new Voucher(channelId, maxClaimable, key.Sign(Digest(domain, channelId, maxClaimable)));
    }

    /// <summary>Who signed it; null when the signature is none.</summary>
    public Address? Signer(EscrowDomain domain) => Signer(domain, Secp256k1.Default);

    internal Address? Signer(EscrowDomain domain, ISecp256k1 library) =>
        Secp256k1.Recover(Digest(domain, ChannelId, MaxClaimable), Signature, library);
}
