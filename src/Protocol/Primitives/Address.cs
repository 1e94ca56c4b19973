using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>A 20-byte account address of an EVM chain, stored inline.</summary>
[JsonConverter(typeof(AddressConverter))]
public readonly record struct Address : IComparable<Address>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 20;

    private readonly ulong _a, _b;
    private readonly uint _c;

    private Address(ReadOnlySpan<byte> bytes)
    {
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
    }

    /// <summary>The zero address; stands for "none" where the protocol allows it.</summary>
    public static Address Zero => default;

    /// <summary>True for the zero address.</summary>
    public bool IsZero => (_a | _b | _c) == 0;

    /// <summary>Takes exactly 20 bytes.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static Address FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? new Address(bytes)
        : throw new ArgumentException($"Expected 20 bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>The address of an uncompressed public key: the last 20 bytes of Keccak-256 over x and y.</summary>
    /// <param name="xy">64 bytes: x and y, big-endian.</param>
    public static Address FromPublicKey(ReadOnlySpan<byte> xy)
    {
        if (xy.Length != 64)
        {
            throw new ArgumentException($"Expected 64 bytes, not {xy.Length}.", nameof(xy));
        }

        Span<byte> hash = stackalloc byte[Bytes32.Size];
        Keccak256.Hash(xy).CopyTo(hash);
        return new Address(hash[12..]);
    }

    /// <summary>Parses 40 hex digits, with or without 0x.</summary>
    /// <exception cref="FormatException">Not an address, or mixed case with a wrong EIP-55 checksum.</exception>
    public static Address Parse(string text) => TryParse(text, out var value)
        ? value
        : throw new FormatException("Expected an address: 40 hex digits, in one case or with its EIP-55 checksum.");

    /// <summary>
    /// Parses 40 hex digits, with or without 0x. Digits of one case need no checksum; mixed case must be the EIP-55
    /// form, because a wrong checksum means that the address was mistyped.
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Address value)
    {
        Span<byte> bytes = stackalloc byte[Size];
        value = default;
        if (text is null || !Hex.TryDecode(text, bytes))
        {
            return false;
        }

        var digits = Hex.WithoutPrefix(text);
        var parsed = new Address(bytes);
        if (digits.ContainsAnyInRange('a', 'f') && digits.ContainsAnyInRange('A', 'F')
            && !digits.SequenceEqual(parsed.ToString().AsSpan(2)))
        {
            return false;
        }

        value = parsed;
        return true;
    }

    /// <summary>Writes the 20 bytes to the start of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], _c);
    }

    /// <summary>A new array with the 20 bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public int CompareTo(Address other)
    {
        var order = _a.CompareTo(other._a);
        order = order != 0 ? order : _b.CompareTo(other._b);
        return order != 0 ? order : _c.CompareTo(other._c);
    }

    /// <summary>Order as big-endian numbers.</summary>
    public static bool operator <(Address left, Address right) => left.CompareTo(right) < 0;

    /// <summary>Order as big-endian numbers.</summary>
    public static bool operator >(Address left, Address right) => left.CompareTo(right) > 0;

    /// <summary>Order as big-endian numbers.</summary>
    public static bool operator <=(Address left, Address right) => left.CompareTo(right) <= 0;

    /// <summary>Order as big-endian numbers.</summary>
    public static bool operator >=(Address left, Address right) => left.CompareTo(right) >= 0;

    /// <summary>The EIP-55 form: 0x and 40 hex digits whose case is the checksum.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        Span<char> digits = stackalloc char[42];
        Hex.Encode(bytes).CopyTo(digits);
        Span<byte> ascii = stackalloc byte[40];
        Encoding.ASCII.GetBytes(digits[2..], ascii);
        Span<byte> hash = stackalloc byte[Bytes32.Size];
        Keccak256.Hash(ascii).CopyTo(hash);
        for (var i = 0; i < 40; i++)
        {
            var nibble = (hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15;
            if (nibble >= 8)
            {
                digits[i + 2] = char.ToUpperInvariant(digits[i + 2]);
            }
        }

        return new string(digits);
    }
}
