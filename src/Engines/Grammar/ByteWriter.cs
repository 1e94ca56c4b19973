using System.Text;

namespace Souk.Engines.Grammar;

/// <summary>Replaces each character of an automaton by the bytes that stand for it inside a JSON string: its UTF-8,
/// or its short escape.</summary>
internal sealed class ByteWriter(WorkMeter meter)
{
    private static readonly (int Character, byte Letter)[] Escapes =
    [
        ('\b', (byte)'b'), ('\t', (byte)'t'), ('\n', (byte)'n'), ('\f', (byte)'f'), ('\r', (byte)'r'),
        ('"', (byte)'"'), ('\\', (byte)'\\'),
    ];

    private readonly List<ByteEdge[]> bytes = [];
    private readonly Dictionary<string, int> shared = new(StringComparer.Ordinal);

    public ByteAutomaton Write(IReadOnlyList<List<(int Low, int High, int To)>> edges, IReadOnlyList<bool> accepting)
    {
        int characters = edges.Count;
        bytes.AddRange(Enumerable.Repeat<ByteEdge[]>([], characters));
        for (int state = 0; state < characters; state++)
        {
            List<Tail> tails = [];
            foreach (var (low, high, to) in edges[state])
            {
                AddTails(low, high, to, tails);
            }

            bytes[state] = Branch(tails);
        }

        bool[] ends = new bool[bytes.Count];
        bool[] boundaries = new bool[bytes.Count];
        for (int state = 0; state < characters; state++)
        {
            ends[state] = accepting[state];
            boundaries[state] = true;
        }

        return ByteAutomaton.Trim(bytes, ends, boundaries);
    }

    /// <summary>Ranges of bytes still to come, and the state behind them.</summary>
    private readonly record struct Tail((byte Low, byte High)[] Bytes, int At, int To)
    {
        public (byte Low, byte High) First => Bytes[At];

        public bool IsLast => At == Bytes.Length - 1;
    }

    // States inside a character are shared by what is still to come.
    private ByteEdge[] Branch(List<Tail> tails)
    {
        SortedSet<int> cuts = [];
        foreach (var tail in tails)
        {
            cuts.Add(tail.First.Low);
            cuts.Add(tail.First.High + 1);
        }

        List<ByteEdge> edges = [];
        int[] bounds = [.. cuts];
        for (int i = 0; i + 1 < bounds.Length; i++)
        {
            meter.Spend(tails.Count);
            List<Tail> held = [.. tails.Where(tail => tail.First.Low <= bounds[i] && bounds[i] <= tail.First.High)];
            if (held.Count > 0)
            {
                int to = held[0].IsLast ? held[0].To : Inside([.. held.Select(t => t with { At = t.At + 1 })]);
                edges.Add(new ByteEdge((byte)bounds[i], (byte)(bounds[i + 1] - 1), to));
            }
        }

        return [.. edges];
    }

    private int Inside(List<Tail> tails)
    {
        var key = new StringBuilder();
        foreach (var tail in tails)
        {
            foreach (var (low, high) in tail.Bytes.AsSpan(tail.At))
            {
                key.Append(low).Append('-').Append(high).Append(' ');
            }

            key.Append(tail.To).Append(';');
        }

        string name = key.ToString();
        if (!shared.TryGetValue(name, out int state))
        {
            state = bytes.Count;
            shared.Add(name, state);
            bytes.Add([]);
            bytes[state] = Branch(tails);
        }

        return state;
    }

    private static void AddTails(int low, int high, int to, List<Tail> tails)
    {
        foreach (var (character, letter) in Escapes.OrderBy(escape => escape.Character))
        {
            if (character < low || character > high)
            {
                continue;
            }

            if (low < character)
            {
                AddUtf8(low, character - 1, to, tails);
            }

            tails.Add(new Tail([((byte)'\\', (byte)'\\'), (letter, letter)], 0, to));
            low = character + 1;
        }

        if (low <= high)
        {
            AddUtf8(low, high, to, tails);
        }
    }

    // Cuts a range until all its characters have the same leading bytes up to some place, and any continuation
    // byte behind it.
    private static void AddUtf8(int low, int high, int to, List<Tail> tails)
    {
        foreach (int last in (int[])[0x7F, 0x7FF, 0xFFFF])
        {
            if (low <= last && last < high)
            {
                AddUtf8(low, last, to, tails);
                AddUtf8(last + 1, high, to, tails);
                return;
            }
        }

        for (int shift = 6; high > 0x7F && shift <= 18; shift += 6)
        {
            int within = (1 << shift) - 1;
            if ((low & ~within) != (high & ~within))
            {
                int cut = (low & within) != 0 ? low | within
                    : (high & within) != within ? (high & ~within) - 1 : high;
                if (cut < high)
                {
                    AddUtf8(low, cut, to, tails);
                    AddUtf8(cut + 1, high, to, tails);
                    return;
                }
            }
        }

        byte[] first = new byte[4];
        byte[] second = new byte[4];
        int length = new Rune(low).EncodeToUtf8(first);
        new Rune(high).EncodeToUtf8(second);
        tails.Add(new Tail([.. Enumerable.Range(0, length).Select(i => (first[i], second[i]))], 0, to));
    }
}
