using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>A transaction as nodes take it: its bytes and the hash that names it.</summary>
public sealed record SignedTransaction(ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Keccak-256 of the bytes.</summary>
    public Bytes32 Hash { get; } = Keccak256.Hash(Bytes.Span);

    /// <summary>Who signed these bytes: a legacy transaction, with or without EIP-155, or an EIP-1559 one.</summary>
    /// <exception cref="RlpException">The bytes are neither.</exception>
    public static Address? Sender(ReadOnlyMemory<byte> bytes)
    {
        if (!bytes.IsEmpty && bytes.Span[0] == FeeMarketTransaction.TypeByte)
        {
            var transaction = FeeMarketTransaction.Decode(bytes, out var signature);
            return Secp256k1.Recover(transaction.SigningHash, signature);
        }
        else
        {
            var transaction = LegacyTransaction.Decode(bytes, out var signature);
            return Secp256k1.Recover(transaction.SigningHash, signature);
        }
    }

    internal static RlpItem Word(Bytes32 number)
    {
        var bytes = number.ToBytes();
        var start = bytes.AsSpan().IndexOfAnyExcept((byte)0);
        return RlpItem.Of(start < 0 ? ReadOnlyMemory<byte>.Empty : bytes.AsMemory(start));
    }

    internal static Bytes32 Word(RlpItem item)
    {
        var bytes = item.Bytes.Span;
        if (bytes.Length > 32 || (bytes.Length > 0 && bytes[0] == 0))
        {
            throw new RlpException("a signature part is no 256-bit number");
        }

        Span<byte> word = stackalloc byte[32];
        word.Clear();
        bytes.CopyTo(word[(32 - bytes.Length)..]);
        return Bytes32.FromBytes(word);
    }

    internal static RlpItem To(Address? to) => RlpItem.Of(to?.ToBytes() ?? ReadOnlyMemory<byte>.Empty);

    internal static Address? To(RlpItem item) => item.Bytes.Length switch
    {
        0 => null,
        20 => Address.FromBytes(item.Bytes.Span),
        var length => throw new RlpException($"a recipient of {length} bytes"),
    };

    internal static ulong Number64(RlpItem item) => item.ToNumber() is var number && number <= ulong.MaxValue
        ? (ulong)number
        : throw new RlpException("a number is wider than 64 bits");
}
