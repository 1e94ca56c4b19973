using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>A recoverable secp256k1 signature: r, s and v (27 or 28), 65 bytes in that order.</summary>
[JsonConverter(typeof(SignatureConverter))]
public readonly record struct Signature
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 65;

    /// <summary>Takes the three parts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">v is neither 27 nor 28.</exception>
    public Signature(Bytes32 r, Bytes32 s, byte v)
    {
        if (v is not (27 or 28))
        {
            throw new ArgumentOutOfRangeException(nameof(v), v, "v is 27 or 28.");
        }

        R = r;
        S = s;
        V = v;
    }

    /// <summary>x coordinate of the nonce point, mod n.</summary>
    public Bytes32 R { get; }

    /// <summary>The proof; at most n/2 in every signature that the protocol takes.</summary>
    public Bytes32 S { get; }

    /// <summary>27 plus the parity of the nonce point's y.</summary>
    public byte V { get; }

    /// <summary>Takes 65 bytes r, s, v.</summary>
    /// <exception cref="ArgumentException">Another length, or v is neither 27 nor 28.</exception>
    public static Signature FromBytes(ReadOnlySpan<byte> bytes) => TryFromBytes(bytes, out var value)
        ? value
        : throw new ArgumentException("Expected 65 bytes whose last is 27 or 28.", nameof(bytes));

    /// <summary>Takes 65 bytes r, s, v; false for anything else.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> bytes, out Signature value)
    {
        var isWellFormed = bytes.Length == Size && bytes[64] is (27 or 28);
        value = isWellFormed
            ? new Signature(Bytes32.FromBytes(bytes[..32]), Bytes32.FromBytes(bytes[32..64]), bytes[64])
            : default;
        return isWellFormed;
    }

    /// <summary>Parses 130 hex digits, with or without 0x.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static Signature Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException("Expected a signature: 130 hex digits.");

    /// <summary>Parses 130 hex digits, with or without 0x.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Signature value)
    {
        Span<byte> bytes = stackalloc byte[Size];
        value = default;
        return text is not null && Hex.TryDecode(text, bytes) && TryFromBytes(bytes, out value);
    }

    /// <summary>Writes 65 bytes to the start of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination)
    {
        R.CopyTo(destination);
        S.CopyTo(destination[32..]);
        destination[64] = V;
    }

    /// <summary>A new array with the 65 bytes r, s, v.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>0x and 130 lower-case hex digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Hex.Encode(bytes);
    }
}
