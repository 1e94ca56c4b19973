using System.Buffers;

namespace Souk.Chain.Codec;

/// <summary>
/// Recursive Length Prefix, appendix B of the Ethereum yellow paper. Decoding accepts only the one encoding that
/// encoding produces: shortest lengths, nothing left over.
/// </summary>
public static class Rlp
{
    /// <summary>Nesting that the decoder follows; transactions nest three deep.</summary>
    public const int DeepestList = 32;

    /// <summary>Items that the decoder makes, so that a small input cannot ask for much memory.</summary>
    public const int MostItems = 65_536;

    private const byte ShortString = 0x80;
    private const byte LongString = 0xb7;
    private const byte ShortList = 0xc0;
    private const byte LongList = 0xf7;
    private const int LongestShort = 55;

    /// <summary>The encoding of an item.</summary>
    public static byte[] Encode(RlpItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        var writer = new ArrayBufferWriter<byte>();
        Write(writer, item);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>The item that these bytes are, all of them.</summary>
    /// <exception cref="RlpException">They are not one canonical item, or beyond the bounds.</exception>
    public static RlpItem Decode(ReadOnlyMemory<byte> bytes)
    {
        var made = 0;
        var item = Read(bytes, 0, ref made, out var used);
        return used == bytes.Length ? item : throw new RlpException($"{bytes.Length - used} bytes are left over");
    }

    private static void Write(ArrayBufferWriter<byte> writer, RlpItem item)
    {
        if (!item.IsList)
        {
            var bytes = item.Bytes.Span;
            if (bytes.Length != 1 || bytes[0] >= ShortString)
            {
                WriteLength(writer, bytes.Length, ShortString, LongString);
            }

            writer.Write(bytes);
            return;
        }

        var inner = new ArrayBufferWriter<byte>();
        foreach (var child in item.Items)
        {
            Write(inner, child);
        }

        WriteLength(writer, inner.WrittenCount, ShortList, LongList);
        writer.Write(inner.WrittenSpan);
    }

    private static void WriteLength(ArrayBufferWriter<byte> writer, int length, byte shortBase, byte longBase)
    {
        if (length <= LongestShort)
        {
            writer.Write([(byte)(shortBase + length)]);
            return;
        }

        Span<byte> wide = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(wide, length);
        var shortest = wide[wide.IndexOfAnyExcept((byte)0)..];
        writer.Write([(byte)(longBase + shortest.Length)]);
        writer.Write(shortest);
    }

    private static RlpItem Read(ReadOnlyMemory<byte> bytes, int depth, ref int made, out int used)
    {
        if (bytes.IsEmpty)
        {
            throw new RlpException("the bytes end where an item was expected");
        }

        if (depth > DeepestList || ++made > MostItems)
        {
            throw new RlpException("the item is nested too deep or has too many parts");
        }

        var first = bytes.Span[0];
        if (first < ShortString)
        {
            used = 1;
            return RlpItem.Of(bytes[..1]);
        }

        var isList = first >= ShortList;
        var length = isList
            ? ReadLength(bytes.Span, first, ShortList, LongList, out var header)
            : ReadLength(bytes.Span, first, ShortString, LongString, out header);
        var content = bytes.Slice(header, length);
        used = header + length;
        if (!isList)
        {
            return length == 1 && content.Span[0] < ShortString
                ? throw new RlpException("a single small byte is written with a length")
                : RlpItem.Of(content);
        }

        var items = new List<RlpItem>();
        while (!content.IsEmpty)
        {
            items.Add(Read(content, depth + 1, ref made, out var taken));
            content = content[taken..];
        }

        return RlpItem.List(items);
    }

    private static int ReadLength(ReadOnlySpan<byte> bytes, byte first, byte shortBase, byte longBase, out int header)
    {
        long length;
        if (first <= longBase)
        {
            header = 1;
            length = first - shortBase;
        }
        else
        {
            var width = first - longBase;
            header = 1 + width;
            if (bytes.Length < header)
            {
                throw new RlpException("the bytes end inside a length");
            }

            if (bytes[1] == 0 || width > 4)
            {
                throw new RlpException("a length has a leading zero or is beyond any input");
            }

            length = 0;
            foreach (var b in bytes[1..header])
            {
                length = (length << 8) | b;
            }

            if (length <= LongestShort)
            {
                throw new RlpException("a short length is written in the long form");
            }
        }

        return length <= bytes.Length - header
            ? (int)length
            : throw new RlpException($"an item of {length} bytes has only {bytes.Length - header}");
    }
}
