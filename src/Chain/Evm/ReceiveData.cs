using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>
/// What x402's collector of EIP-3009 deposits takes: <c>abi.encode(validAfter, validBefore, salt, signature)</c>. The
/// nonce that the payer signs is keccak256(abi.encode(channelId, salt)), so that a permission funds one channel only.
/// </summary>
public static class ReceiveData
{
    /// <summary>The collector's data.</summary>
    /// <param name="validAfter">Unix second after which the permission holds.</param>
    /// <param name="validBefore">Unix second before which it holds.</param>
    /// <param name="salt">Tells apart deposits to one channel.</param>
    /// <param name="signature">The payer's; of a contract wallet in any form that it takes.</param>
    public static ReadOnlyMemory<byte> Encode(
        ulong validAfter, ulong validBefore, Bytes32 salt, ReadOnlySpan<byte> signature) => AbiPart.Sequence([
            AbiPart.NonNegative((UInt128)validAfter, 256),
            AbiPart.NonNegative((UInt128)validBefore, 256),
            AbiPart.Of(salt),
            AbiPart.Of(signature),
        ]);

    /// <summary>The nonce at the currency of a deposit to a channel.</summary>
    public static Bytes32 Nonce(Bytes32 channel, Bytes32 salt) =>
        Keccak256.Hash(AbiPart.Sequence([AbiPart.Of(channel), AbiPart.Of(salt)]));
}
