using System.Buffers.Binary;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// 16 random bytes that go into a request's commitments, so that nobody can test guesses of a short prompt.
/// </summary>
public readonly record struct Salt
{
    /// <summary>Bytes in a salt.</summary>
    public const int Size = 16;

    private readonly UInt128 _value;

    private Salt(UInt128 value) => _value = value;

    /// <summary>Draws a salt.</summary>
    public static Salt Next(Randomness randomness)
    {
        Span<byte> bytes = stackalloc byte[Size];
        randomness.Fill(bytes);
        return FromBytes(bytes);
    }

    /// <summary>Takes 16 bytes.</summary>
    public static Salt FromBytes(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, Size);
        return new(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>Reads 32 hex digits.</summary>
    public static bool TryParse(string text, out Salt salt)
    {
        var isSalt = RequestId.TryParse(text, out var sameShape);
        Span<byte> bytes = stackalloc byte[Size];
        sameShape.CopyTo(bytes);
        salt = isSalt ? FromBytes(bytes) : default;
        return isSalt;
    }

    /// <summary>The bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>Writes the bytes.</summary>
    public void CopyTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, _value);

    /// <summary>32 hex digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToBytes());
}
