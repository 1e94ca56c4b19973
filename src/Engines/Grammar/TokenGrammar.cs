using System.Numerics;

namespace Souk.Engines.Grammar;

/// <summary>
/// A grammar over the tokens of one model: compiled once for a schema, shared by all answers that follow it. What it
/// learns about which tokens may come where is kept and shared as well. Safe for concurrent use.
/// </summary>
internal sealed class TokenGrammar
{
    /// <summary>Steps of a mask for which the grammar is held, so that others wait some tens of microseconds.</summary>
    private const long Piece = 2_048;

    private const int MostMaskBytes = 8 * 1024 * 1024;
    private readonly Lock gate = new();
    private readonly ByteGrammar grammar;
    private readonly TokenTrie trie;
    private readonly List<Configuration> masked = [];
    private MaskWork? first;
    private int wanted;

    public TokenGrammar(ByteGrammar grammar, TokenTrie trie)
    {
        this.grammar = grammar;
        this.trie = trie;
    }

    /// <summary>Starts an answer. The walk is not safe for concurrent use; any number of walks is.</summary>
    public GrammarWalk Begin() => new(this, grammar.Start);

    internal TokenTrie Trie => trie;

    /// <summary>The mask of a place, which may still have to be computed.</summary>
    internal MaskWork WorkOf(Configuration at)
    {
        using var _ = Enter();
        var stands = grammar.RepresentativeOf(at, trie.LongestToken);
        if (ReferenceEquals(at, grammar.Start))
        {
            // Kept for good: answers begin when it is there.
            return first ??= stands.Work ?? new MaskWork(grammar, trie, stands);
        }

        if (stands.Work is null)
        {
            if ((masked.Count + 1) * (trie.Size / 8) > MostMaskBytes)
            {
                masked.ForEach(configuration => configuration.Work = null);
                masked.Clear();
            }

            stands.Work = new MaskWork(grammar, trie, stands);
            masked.Add(stands);
        }

        return stands.Work;
    }

    /// <summary>Goes on with a mask for about as many steps.</summary>
    internal void Advance(MaskWork work, long steps)
    {
        if (!work.IsDone)
        {
            using var _ = Enter();
            work.Advance(steps);
        }
    }

    /// <summary>Computes the rest of a mask; lets in between whoever else needs the grammar.</summary>
    internal void Finish(MaskWork work)
    {
        for (var waiting = default(SpinWait); !work.IsDone;)
        {
            if (Volatile.Read(ref wanted) > 0)
            {
                waiting.SpinOnce();
                continue;
            }

            lock (gate)
            {
                work.Advance(Piece);
            }
        }
    }

    /// <summary>Where a token leads; dead where it may not come.</summary>
    internal Configuration Step(Configuration from, int id)
    {
        using var _ = Enter();
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

    /// <summary>Holds the grammar; <see cref="Finish"/> stands back until it was had.</summary>
    private Lock.Scope Enter()
    {
        Interlocked.Increment(ref wanted);
        try
        {
            return gate.EnterScope();
        }
        finally
        {
            Interlocked.Decrement(ref wanted);
        }
    }

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
