namespace Souk.OpenAi.Tokens;

/// <summary>The bytes of every id, in one block of memory.</summary>
internal sealed class ByteTable
{
    private readonly byte[] _bytes;
    private readonly int[] _starts;
    private readonly bool[] _known;

    private ByteTable(byte[] bytes, int[] starts, bool[] known)
    {
        _bytes = bytes;
        _starts = starts;
        _known = known;
    }

    internal ReadOnlyMemory<byte> this[int id] =>
        Has(id) ? _bytes.AsMemory(_starts[id], _starts[id + 1] - _starts[id]) : default;

    internal static ByteTable Of(SortedDictionary<int, string> texts, Func<string, byte[]> bytesOf)
    {
        var size = texts.Keys.Last() + 1;
        var starts = new int[size + 1];
        var known = new bool[size];
        var bytes = new MemoryStream();
        var next = 0;
        foreach (var (id, text) in texts)
        {
            Array.Fill(starts, (int)bytes.Length, next, id - next + 1);
            next = id + 1;
            known[id] = true;
            bytes.Write(bytesOf(text));
        }

        starts[size] = (int)bytes.Length;
        return new ByteTable(bytes.ToArray(), starts, known);
    }

    internal bool Has(int id) => id >= 0 && id < _known.Length && _known[id];
}

/// <summary>How far the decoding of one text has come.</summary>
internal struct DecodePlace
{
    /// <summary>A token has been decoded.</summary>
    internal bool IsUnderWay;

    /// <summary>Nothing more is stripped from the beginning.</summary>
    internal bool IsStripped;

    /// <summary>Bytes stripped so far.</summary>
    internal int Stripped;
}
