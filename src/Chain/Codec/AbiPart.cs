using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Souk.Protocol;

namespace Souk.Chain.Codec;

/// <summary>
/// A value in the contract ABI encoding (Solidity documentation, "Contract ABI Specification"): its bytes, and whether
/// its place in a sequence holds these bytes or an offset to them. The generated bindings build calls from parts.
/// </summary>
public readonly struct AbiPart
{
    private const int Word = 32;
    private readonly byte[] _bytes;

    private AbiPart(byte[] bytes, bool isDynamic)
    {
        _bytes = bytes;
        IsDynamic = isDynamic;
    }

    /// <summary>Whether the length of the encoding depends on the value.</summary>
    public bool IsDynamic { get; }

    /// <summary>The encoding itself, without any offset to it.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary><c>address</c>.</summary>
    public static AbiPart Of(Address value)
    {
        var word = new byte[Word];
        value.CopyTo(word.AsSpan(12));
        return new AbiPart(word, false);
    }

    /// <summary><c>bytes32</c>.</summary>
    public static AbiPart Of(Bytes32 value)
    {
        var word = new byte[Word];
        value.CopyTo(word);
        return new AbiPart(word, false);
    }

    /// <summary><c>bool</c>.</summary>
    public static AbiPart Of(bool value) => NonNegative(value ? 1u : 0u, 8);

    /// <summary><c>uintN</c> up to 128 bits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has more bits than the type.</exception>
    public static AbiPart NonNegative(UInt128 value, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(128 - (int)UInt128.LeadingZeroCount(value), bits);
        var word = new byte[Word];
        BinaryPrimitives.WriteUInt128BigEndian(word.AsSpan(16), value);
        return new AbiPart(word, false);
    }

    /// <summary><c>uintN</c> of any width.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or has more bits than the type.</exception>
    public static AbiPart NonNegative(BigInteger value, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value.Sign);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.GetBitLength(), bits);
        var word = new byte[Word];
        var size = value.GetByteCount(isUnsigned: true);
        value.TryWriteBytes(word.AsSpan(Word - size), out _, isUnsigned: true, isBigEndian: true);
        return new AbiPart(word, false);
    }

    /// <summary><c>intN</c>, two's complement over the whole word.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value does not fit the type.</exception>
    public static AbiPart TwosComplement(BigInteger value, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.GetBitLength(), bits - 1);
        var word = new byte[Word];
        word.AsSpan().Fill(value.Sign < 0 ? (byte)0xff : (byte)0);
        var bytes = value.ToByteArray(isUnsigned: false, isBigEndian: true);
        bytes.CopyTo(word.AsSpan(Word - bytes.Length));
        return new AbiPart(word, false);
    }

    /// <summary><c>bytesN</c>, N up to 32: left-aligned.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not the type's.</exception>
    public static AbiPart Fixed(ReadOnlySpan<byte> value, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(value.Length, length);
        var word = new byte[Word];
        value.CopyTo(word);
        return new AbiPart(word, false);
    }

    /// <summary><c>bytes</c>: length, then content padded to whole words.</summary>
    public static AbiPart Of(ReadOnlySpan<byte> value)
    {
        var padded = (value.Length + Word - 1) / Word * Word;
        var bytes = new byte[Word + padded];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(Word - 4), value.Length);
        value.CopyTo(bytes.AsSpan(Word));
        return new AbiPart(bytes, true);
    }

    /// <summary><c>string</c>: <c>bytes</c> of its UTF-8.</summary>
    public static AbiPart Of(string value) => Of(Encoding.UTF8.GetBytes(value).AsSpan());

    /// <summary><c>T[]</c>: count, then the elements as a sequence.</summary>
    public static AbiPart Array<T>(IReadOnlyList<T> values, Func<T, AbiPart> part)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(part);
        var elements = Sequence([.. values.Select(part)]);
        var bytes = new byte[Word + elements.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(Word - 4), values.Count);
        elements.CopyTo(bytes.AsSpan(Word));
        return new AbiPart(bytes, true);
    }

    /// <summary><c>T[k]</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not the type's.</exception>
    public static AbiPart FixedArray<T>(IReadOnlyList<T> values, int count, Func<T, AbiPart> part)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Count, count);
        return Tuple([.. values.Select(part)]);
    }

    /// <summary>A tuple or struct: dynamic if any member is.</summary>
    public static AbiPart Tuple(params ReadOnlySpan<AbiPart> parts)
    {
        var isDynamic = false;
        foreach (var part in parts)
        {
            isDynamic |= part.IsDynamic;
        }

        return new AbiPart(Sequence(parts), isDynamic);
    }

    /// <summary>Arguments of a call, a constructor or an error: heads, then the tails that they point to.</summary>
    public static byte[] Sequence(params ReadOnlySpan<AbiPart> parts)
    {
        int heads = 0, total = 0;
        foreach (var part in parts)
        {
            heads += part.IsDynamic ? Word : part._bytes.Length;
            total += part.IsDynamic ? Word + part._bytes.Length : part._bytes.Length;
        }

        var bytes = new byte[total];
        int head = 0, tail = heads;
        foreach (var part in parts)
        {
            if (!part.IsDynamic)
            {
                part._bytes.CopyTo(bytes, head);
                head += part._bytes.Length;
                continue;
            }

            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(head + Word - 4), tail);
            part._bytes.CopyTo(bytes, tail);
            head += Word;
            tail += part._bytes.Length;
        }

        return bytes;
    }

    /// <summary>Calldata: a function's selector, then its arguments.</summary>
    public static byte[] Call(ReadOnlySpan<byte> selector, params ReadOnlySpan<AbiPart> arguments) =>
        [.. selector, .. Sequence(arguments)];
}
