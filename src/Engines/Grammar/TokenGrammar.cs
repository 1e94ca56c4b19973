using System.Numerics;

namespace Souk.Engines.Grammar;

/// <summary>
/// A grammar over the tokens of one model: compiled once for a schema, shared by all answers that follow it. What it
/// learns about which tokens may come where is kept and shared as well. Safe for concurrent use.
/// </summary>
internal sealed class TokenGrammar
{
    /// <summary>Steps of one mask, each one place and one byte. What is left unseen then is barred, which only
    /// narrows the choice: single bytes come first, so a grammar never gets stuck.</summary>
    private const long MostSteps = 4_000_000;

    private const int MostMaskBytes = 8 * 1024 * 1024;
    private readonly Lock gate = new();
    private readonly ByteGrammar grammar;
    private readonly TokenTrie trie;
    private readonly Configuration[] way;
    private readonly List<Configuration> masked = [];

    public TokenGrammar(ByteGrammar grammar, TokenTrie trie)
    {
        this.grammar = grammar;
        this.trie = trie;
        way = new Configuration[trie.LongestToken + 1];
    }

    /// <summary>Starts an answer. The walk is not safe for concurrent use; any number of walks is.</summary>
    public GrammarWalk Begin() => new(this, grammar.Start);

    internal TokenTrie Trie => trie;

    /// <summary>One bit per token that may come.</summary>
    internal ulong[] MaskOf(Configuration at)
    {
        lock (gate)
        {
            var stands = grammar.RepresentativeOf(at, trie.LongestToken);
            if (stands.Mask is null)
            {
                if ((masked.Count + 1) * (trie.Size / 8) > MostMaskBytes)
                {
                    masked.ForEach(configuration => configuration.Mask = null);
                    masked.Clear();
                }

                stands.Mask = Compute(stands);
                masked.Add(stands);
            }

            return stands.Mask;
        }
    }

    /// <summary>Where a token leads; dead where it may not come.</summary>
    internal Configuration Step(Configuration from, int id)
    {
        lock (gate)
        {
            if (trie.IsSpecial(id))
            {
                return grammar.StepSpecial(from, id);
            }

            var at = from;
            foreach (byte value in trie.BytesOf(id))
            {
                at = grammar.Step(at, value);
            }

            return trie.BytesOf(id).IsEmpty ? grammar.Dead : at;
        }
    }

    private ulong[] Compute(Configuration start)
    {
        ulong[] mask = new ulong[(trie.Size + 63) / 64];
        foreach (int id in trie.SingleBytes)
        {
            if (!grammar.Step(start, trie.BytesOf(id)[0]).IsDead)
            {
                Allow(mask, id);
            }
        }

        Walk(start, mask);
        if (start.CanEnd)
        {
            foreach (int id in trie.EndIds)
            {
                Allow(mask, id);
            }
        }

        foreach (int id in grammar.SpecialsOf(start))
        {
            Allow(mask, id);
        }

        if (grammar.AllowsSpecials(start))
        {
            for (int id = 0; id < trie.Size; id++)
            {
                if (trie.IsSpecial(id) && !trie.IsEnd(id) && !grammar.NamesSpecial(id))
                {
                    Allow(mask, id);
                }
            }
        }

        return mask;
    }

    private void Walk(Configuration start, ulong[] mask)
    {
        byte[] labels = trie.Labels;
        int[] depths = trie.Depths;
        long steps = 0;
        way[0] = start;
        for (int node = 0; node < labels.Length;)
        {
            int depth = depths[node];
            var from = way[depth];

            // Counted by places, not by what is already known, so that a mask does not depend on what came before.
            steps += from.Frames.Length;
            if (steps > MostSteps)
            {
                return;
            }

            var to = grammar.Step(from, labels[node]);
            if (to.IsDead)
            {
                node = trie.Behind[node];
                continue;
            }

            way[depth + 1] = to;
            for (int id = trie.Tokens[node]; id >= 0; id = trie.Twins[id])
            {
                Allow(mask, id);
            }

            node++;
        }
    }

    private static void Allow(ulong[] mask, int id) => mask[id >> 6] |= 1UL << (id & 63);

    /// <summary>Bars all tokens whose bit is not set.</summary>
    internal static void Apply(ulong[] mask, Span<float> logits)
    {
        int covered = Math.Min(mask.Length * 64, logits.Length);
        for (int word = 0; word * 64 < covered; word++)
        {
            var part = logits[(word * 64)..Math.Min((word * 64) + 64, covered)];
            ulong barred = ~mask[word];
            if (barred == ulong.MaxValue)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }

            while (barred != 0)
            {
                int bit = BitOperations.TrailingZeroCount(barred);
                if (bit >= part.Length)
                {
                    break;
                }

                part[bit] = float.NegativeInfinity;
                barred &= barred - 1;
            }
        }

        logits[covered..].Fill(float.NegativeInfinity);
    }
}
