using Souk.OpenAi.Tokens;

namespace Souk.Engines.Grammar;

/// <summary>The tokens of a model as a trie over their bytes, laid out in the order of a depth-first walk, so that a
/// branch which the grammar refuses is passed over by one jump. Immutable and safe for concurrent use.</summary>
internal sealed class TokenTrie
{
    private readonly byte[][] bytes;
    private readonly HashSet<int> ends;
    private readonly bool[] isSpecial;

    /// <param name="tokenizer">Knows the bytes of each token.</param>
    /// <param name="endIds">Tokens that end an answer.</param>
    public TokenTrie(Tokenizer tokenizer, IEnumerable<int> endIds)
    {
        ends = [.. endIds];
        int size = Math.Max(tokenizer.VocabularySize, ends.Count == 0 ? 0 : ends.Max() + 1);
        bytes = new byte[size][];
        isSpecial = new bool[size];
        List<int> ordinary = [];
        for (int id = 0; id < size; id++)
        {
            bytes[id] = tokenizer.Bytes(id).ToArray();
            isSpecial[id] = tokenizer.IsSpecial(id) || ends.Contains(id);
            if (!isSpecial[id] && bytes[id].Length > 0)
            {
                ordinary.Add(id);
                LongestToken = Math.Max(LongestToken, bytes[id].Length);
            }
        }

        ordinary.Sort((a, b) => bytes[a].AsSpan().SequenceCompareTo(bytes[b]) is var order && order != 0
            ? order : a.CompareTo(b));
        SingleBytes = [.. ordinary.Where(id => bytes[id].Length == 1)];
        Build(ordinary);
    }

    /// <summary>One more than the greatest id.</summary>
    public int Size => bytes.Length;

    public IReadOnlyCollection<int> EndIds => ends;

    /// <summary>Bytes of the longest ordinary token.</summary>
    public int LongestToken { get; }

    public List<int> SingleBytes { get; }

    /// <summary>Per node: the byte that leads to it.</summary>
    public byte[] Labels { get; private set; } = [];

    /// <summary>Per node: bytes before its own.</summary>
    public int[] Depths { get; private set; } = [];

    /// <summary>Per node: the first node behind its branch.</summary>
    public int[] Behind { get; private set; } = [];

    /// <summary>Per node: the first of the tokens that end there, or -1.</summary>
    public int[] Tokens { get; private set; } = [];

    /// <summary>Per token: the next token of the same bytes, or -1.</summary>
    public int[] Twins { get; private set; } = [];

    public ReadOnlySpan<byte> BytesOf(int id) => bytes[id];

    public bool IsEnd(int id) => ends.Contains(id);

    public bool IsSpecial(int id) => isSpecial[id];

    /// <summary>Whether each byte of any JSON text is a token by itself, so that a grammar cannot get stuck between
    /// tokens.</summary>
    public static bool HasEveryByte(Tokenizer tokenizer)
    {
        bool[] has = new bool[256];
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (!tokenizer.IsSpecial(id) && tokenizer.Bytes(id) is { Length: 1 } single)
            {
                has[single.Span[0]] = true;
            }
        }

        return has['\n'] && Enumerable.Range(0, 256)
            .All(value => has[value] || value is < 0x20 or 0x7F or 0xC0 or 0xC1 or > 0xF4);
    }

    private void Build(List<int> sorted)
    {
        List<byte> labels = [];
        List<int> depths = [];
        List<int> tokens = [];
        List<int> behind = [];
        Stack<int> open = new();
        Twins = new int[Size];
        Array.Fill(Twins, -1);
        ReadOnlySpan<byte> last = [];
        foreach (int id in sorted)
        {
            ReadOnlySpan<byte> text = bytes[id];
            int same = last.CommonPrefixLength(text);
            if (same == text.Length && same == last.Length)
            {
                Twins[id] = tokens[^1];
                tokens[^1] = id;
                continue;
            }

            while (open.Count > same)
            {
                behind[open.Pop()] = labels.Count;
            }

            for (int at = same; at < text.Length; at++)
            {
                open.Push(labels.Count);
                labels.Add(text[at]);
                depths.Add(at);
                behind.Add(0);
                tokens.Add(at == text.Length - 1 ? id : -1);
            }

            last = text;
        }

        while (open.TryPop(out int node))
        {
            behind[node] = labels.Count;
        }

        (Labels, Depths, Tokens, Behind) = ([.. labels], [.. depths], [.. tokens], [.. behind]);
    }
}
