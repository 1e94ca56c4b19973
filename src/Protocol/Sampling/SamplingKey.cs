using System.Buffers.Binary;

namespace Souk.Protocol;

/// <summary>The 128-bit key of one answer's randomness, as four 32-bit words.</summary>
/// <param name="K0">First word of Philox's key.</param>
/// <param name="K1">Second word of Philox's key.</param>
/// <param name="K2">Third word of the counter.</param>
/// <param name="K3">Fourth word of the counter.</param>
public readonly record struct SamplingKey(uint K0, uint K1, uint K2, uint K3)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>The app's own key: the first 16 bytes of H("souk-seed-1", seed as int64).</summary>
    public static SamplingKey FromSeed(long seed)
    {
        Span<byte> bytes = stackalloc byte[11 + 8];
        "souk-seed-1"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes[11..], seed);
        return FromHash(bytes);
    }

    /// <summary>
    /// The key that neither side can search for: the first 16 bytes of H("souk-key-1", channel, request id, index,
    /// request commitment, gateway nonce, provider nonce).
    /// </summary>
    public static SamplingKey TwoParty(
        Bytes32 channel,
        RequestId requestId,
        ulong index,
        Bytes32 requestCommitment,
        Bytes32 gatewayNonce,
        Bytes32 providerNonce)
    {
        Span<byte> bytes = stackalloc byte[10 + 32 + 16 + 8 + 96];
        "souk-key-1"u8.CopyTo(bytes);
        channel.CopyTo(bytes[10..]);
        requestId.CopyTo(bytes[42..]);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[58..], index);
        requestCommitment.CopyTo(bytes[66..]);
        gatewayNonce.CopyTo(bytes[98..]);
        providerNonce.CopyTo(bytes[130..]);
        return FromHash(bytes);
    }

    /// <summary>Takes 16 bytes, four big-endian words.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static SamplingKey FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? new SamplingKey(
            BinaryPrimitives.ReadUInt32BigEndian(bytes),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]))
        : throw new ArgumentException($"Expected 16 bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>Parses 32 hex digits; false for anything else.</summary>
    public static bool TryParse(
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out SamplingKey value)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isParsed = text is { Length: 32 } && Hex.TryDecode(text, bytes);
        value = isParsed ? FromBytes(bytes) : default;
        return isParsed;
    }

    /// <summary>A new array with the 16 bytes, four big-endian words.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, K0);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), K1);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), K2);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), K3);
        return bytes;
    }

    /// <summary>32 lower-case hex digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToBytes());

    private static SamplingKey FromHash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Bytes32.Size];
        Sha.Hash(bytes).CopyTo(hash);
        return FromBytes(hash[..Size]);
    }
}
