namespace Souk.Chain.Codec;

/// <summary>A byte string or a list of items, as RLP has them.</summary>
public sealed class RlpItem
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly IReadOnlyList<RlpItem>? _items;

    private RlpItem(ReadOnlyMemory<byte> bytes, IReadOnlyList<RlpItem>? items)
    {
        _bytes = bytes;
        _items = items;
    }

    /// <summary>Whether this is a list.</summary>
    public bool IsList => _items is not null;

    /// <summary>The byte string.</summary>
    /// <exception cref="RlpException">It is a list.</exception>
    public ReadOnlyMemory<byte> Bytes =>
        _items is null ? _bytes : throw new RlpException("a list stands where a byte string was expected");

    /// <summary>The list's items.</summary>
    /// <exception cref="RlpException">It is a byte string.</exception>
    public IReadOnlyList<RlpItem> Items =>
        _items ?? throw new RlpException("a byte string stands where a list was expected");

    /// <summary>A byte string.</summary>
    public static RlpItem Of(ReadOnlyMemory<byte> bytes) => new(bytes, null);

    /// <summary>A list.</summary>
    public static RlpItem List(IReadOnlyList<RlpItem> items) => new(default, items);

    /// <summary>An unsigned number of at most 128 bits: big-endian, without leading zeros.</summary>
    public static RlpItem Of(UInt128 number)
    {
        Span<byte> wide = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(wide, number);
        var leading = wide.IndexOfAnyExcept((byte)0);
        return Of(leading < 0 ? ReadOnlyMemory<byte>.Empty : wide[leading..].ToArray());
    }

    /// <summary>The byte string read as a number.</summary>
    /// <exception cref="RlpException">It is wider than 128 bits or has a leading zero.</exception>
    public UInt128 ToNumber()
    {
        var bytes = Bytes.Span;
        if (bytes.Length > 16)
        {
            throw new RlpException($"a number of {bytes.Length} bytes stands where at most 16 were expected");
        }

        if (bytes.Length > 0 && bytes[0] == 0)
        {
            throw new RlpException("a number has a leading zero");
        }

        UInt128 number = 0;
        foreach (var b in bytes)
        {
            number = (number << 8) | b;
        }

        return number;
    }
}
