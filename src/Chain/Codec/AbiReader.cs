using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Souk.Protocol;

namespace Souk.Chain.Codec;

/// <summary>
/// Reads a sequence in the contract ABI encoding, head by head. Strict where Solidity is: values must fit their type
/// and padding must be what the type says, so that two encodings never mean the same.
/// </summary>
/// <exception cref="AbiException">From every method, when the bytes are not what was asked for.</exception>
public sealed class AbiReader
{
    /// <summary>Elements and bytes that one decoding may make in all: offsets may overlap, so that without a bound
    /// a small answer could ask for much memory.</summary>
    public const int Budget = 1024 * 1024;

    private const int Word = 32;
    private readonly ReadOnlyMemory<byte> _sequence;
    private readonly StrongBudget _budget;
    private int _head;

    /// <summary>Reads from the start of a sequence.</summary>
    public AbiReader(ReadOnlyMemory<byte> sequence)
        : this(sequence, new StrongBudget())
    {
    }

    private AbiReader(ReadOnlyMemory<byte> sequence, StrongBudget budget)
    {
        _sequence = sequence;
        _budget = budget;
    }

    private sealed class StrongBudget
    {
        public int Left { get; set; } = Budget;
    }

    /// <summary><c>address</c>.</summary>
    public Address Address()
    {
        var word = Next();
        RequireZero(word[..12], "an address");
        return Protocol.Address.FromBytes(word[12..]);
    }

    /// <summary><c>bytes32</c>.</summary>
    public Bytes32 Bytes32() => Protocol.Bytes32.FromBytes(Next());

    /// <summary><c>bool</c>.</summary>
    public bool Bool() => Unsigned(1) == 1;

    /// <summary><c>uintN</c> up to 64 bits.</summary>
    public ulong NonNegative64(int bits) => (ulong)Unsigned(bits);

    /// <summary><c>uintN</c> up to 128 bits.</summary>
    public UInt128 NonNegative128(int bits) => Unsigned(bits);

    /// <summary><c>uintN</c> of any width.</summary>
    public BigInteger NonNegative256(int bits)
    {
        var value = new BigInteger(Next(), isUnsigned: true, isBigEndian: true);
        return value.GetBitLength() <= bits ? value : throw TooWide("uint", bits);
    }

    /// <summary><c>intN</c>.</summary>
    public BigInteger TwosComplement(int bits)
    {
        var value = new BigInteger(Next(), isUnsigned: false, isBigEndian: true);
        return value.GetBitLength() <= bits - 1 ? value : throw TooWide("int", bits);
    }

    /// <summary><c>bytesN</c>.</summary>
    public byte[] Fixed(int length)
    {
        var word = Next();
        RequireZero(word[length..], $"bytes{length}");
        return word[..length].ToArray();
    }

    /// <summary><c>bytes</c>.</summary>
    public byte[] Bytes()
    {
        var tail = Tail();
        var length = tail.Count();
        var content = tail._sequence.Span[Word..];
        if (length > content.Length)
        {
            throw new AbiException($"{length} bytes are promised and {content.Length} are there");
        }

        Spend(length);
        var padding = (Word - (length % Word)) % Word;
        RequireZero(content.Slice(length, Math.Min(padding, content.Length - length)), "the padding of bytes");
        return content[..length].ToArray();
    }

    /// <summary><c>string</c>. Contracts do not check that it is UTF-8: what is not becomes U+FFFD, so that one
    /// stranger's entry cannot spoil a list of many.</summary>
    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary><c>T[]</c>.</summary>
    /// <param name="wordsPerElement">Least size of an element in a sequence, in words.</param>
    /// <param name="element">Reads one element.</param>
    public IReadOnlyList<T> Array<T>(int wordsPerElement, Func<AbiReader, T> element)
    {
        var tail = Tail();
        var count = tail.Count();
        return new AbiReader(tail._sequence[Word..], _budget).Elements(count, wordsPerElement, element);
    }

    /// <summary><c>T[k]</c> of a type of fixed size.</summary>
    public IReadOnlyList<T> FixedArray<T>(int count, int wordsPerElement, Func<AbiReader, T> element) =>
        Elements(count, wordsPerElement, element);

    /// <summary>A tuple, struct or <c>T[k]</c> whose encoding has a variable length: its members are read from the
    /// reader that this returns.</summary>
    public AbiReader Tail()
    {
        var offset = Unsigned(256);
        return offset <= (UInt128)_sequence.Length
            ? new AbiReader(_sequence[(int)offset..], _budget)
            : throw new AbiException($"an offset points {offset} bytes into {_sequence.Length}");
    }

    private static AbiException TooWide(string type, int bits) => new($"a value is too wide for {type}{bits}");

    private static void RequireZero(ReadOnlySpan<byte> padding, string what)
    {
        if (padding.IndexOfAnyExcept((byte)0) >= 0)
        {
            throw new AbiException($"{what} is padded with something other than zeros");
        }
    }

    private List<T> Elements<T>(int count, int wordsPerElement, Func<AbiReader, T> element)
    {
        ArgumentNullException.ThrowIfNull(element);
        if ((long)count * wordsPerElement * Word > _sequence.Length - _head)
        {
            throw new AbiException($"{count} elements are promised and the bytes end before");
        }

        Spend(count);
        var items = new List<T>(count);
        for (var i = 0; i < count; i++)
        {
            items.Add(element(this));
        }

        return items;
    }

    private void Spend(int amount)
    {
        if (amount > _budget.Left)
        {
            throw new AbiException("the value is larger than any that a contract here returns");
        }

        _budget.Left -= amount;
    }

    private int Count()
    {
        var count = Unsigned(256);
        return count <= int.MaxValue / Word ? (int)count : throw new AbiException($"a count of {count} is impossible");
    }

    private UInt128 Unsigned(int bits)
    {
        var word = Next();
        var value = BinaryPrimitives.ReadUInt128BigEndian(word[16..]);
        return word[..16].IndexOfAnyExcept((byte)0) < 0
            && 128 - (int)UInt128.LeadingZeroCount(value) <= bits
            ? value
            : throw TooWide("uint", bits);
    }

    private ReadOnlySpan<byte> Next()
    {
        if (_sequence.Length - _head < Word)
        {
            throw new AbiException($"the bytes end at {_sequence.Length}, inside the value at {_head}");
        }

        var word = _sequence.Span.Slice(_head, Word);
        _head += Word;
        return word;
    }
}
