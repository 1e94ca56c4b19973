using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Souk.Protocol;

/// <summary>
/// Hashes one EIP-712 struct: the type hash, then each member in the order of the type string as one 32-byte word.
/// </summary>
public sealed class StructHasher
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _words = new(512);

    /// <summary>Starts a struct of the type whose hash is given.</summary>
    public StructHasher(Bytes32 typeHash) => Add(typeHash);

    /// <summary>An address member.</summary>
    public StructHasher Add(Address value)
    {
        value.CopyTo(Word()[12..]);
        return this;
    }

    /// <summary>A bytes32 member, or the struct hash of a nested struct.</summary>
    public StructHasher Add(Bytes32 value)
    {
        value.CopyTo(Word());
        return this;
    }

    /// <summary>A bytes16 member: fixed-size bytes fill the word from the left.</summary>
    public StructHasher Add(RequestId value)
    {
        value.CopyTo(Word());
        return this;
    }

    /// <summary>An amount, as uint128.</summary>
    public StructHasher Add(Amount value) => Add(value.Units);

    /// <summary>An unsigned member of up to 128 bits.</summary>
    public StructHasher Add(UInt128 value)
    {
        BinaryPrimitives.WriteUInt128BigEndian(Word()[16..], value);
        return this;
    }

    /// <summary>An unsigned member of up to 64 bits.</summary>
    public StructHasher Add(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Word()[24..], value);
        return this;
    }

    /// <summary>An unsigned member held in an int.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public StructHasher Add(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        return Add((ulong)value);
    }

    /// <summary>A signed member, sign-extended to the word.</summary>
    public StructHasher AddSigned(long value)
    {
        var word = Word();
        word[..24].Fill(value < 0 ? (byte)0xFF : (byte)0);
        BinaryPrimitives.WriteInt64BigEndian(word[24..], value);
        return this;
    }

    /// <summary>A bool member.</summary>
    public StructHasher Add(bool value) => Add(value ? 1UL : 0UL);

    /// <summary>A string member: the hash of its UTF-8 bytes.</summary>
    /// <exception cref="EncoderFallbackException">Not valid Unicode.</exception>
    public StructHasher Add(string value) => AddBytes(Utf8.GetBytes(value));

    /// <summary>A bytes member: the hash of the bytes.</summary>
    public StructHasher AddBytes(ReadOnlySpan<byte> value) => Add(Keccak256.Hash(value));

    /// <summary>
    /// A double, as uint64 of its IEEE 754 bits, because EIP-712 has no fractions. Minus zero is hashed as zero.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not finite.</exception>
    public StructHasher AddBits(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Only finite numbers are signed.");
        }

        return Add(BitConverter.DoubleToUInt64Bits(value == 0 ? 0.0 : value));
    }

    /// <summary>An array whose elements are words or struct hashes: the hash of their concatenation.</summary>
    public StructHasher AddArray(IEnumerable<Bytes32> elements)
    {
        ArgumentNullException.ThrowIfNull(elements);
        var bytes = new ArrayBufferWriter<byte>(256);
        foreach (var element in elements)
        {
            element.CopyTo(bytes.GetSpan(Bytes32.Size));
            bytes.Advance(Bytes32.Size);
        }

        return AddBytes(bytes.WrittenSpan);
    }

    /// <summary>An array of strings: the hash of the concatenated hashes of their UTF-8 bytes.</summary>
    public StructHasher AddArray(IEnumerable<string> elements) =>
        AddArray(elements.Select(element => Keccak256.Hash(Utf8.GetBytes(element))));

    /// <summary>The struct hash.</summary>
    public Bytes32 Hash() => Keccak256.Hash(_words.WrittenSpan);

    private Span<byte> Word()
    {
        var word = _words.GetSpan(Bytes32.Size)[..Bytes32.Size];
        word.Clear();
        _words.Advance(Bytes32.Size);
        return word;
    }
}
