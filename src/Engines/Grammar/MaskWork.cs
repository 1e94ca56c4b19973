namespace Souk.Engines.Grammar;

/// <summary>
/// The mask of one place while it is computed, piece by piece: a large vocabulary takes many milliseconds, for which
/// nobody should hold the grammar. Guarded by its grammar's lock, but for <see cref="IsDone"/> and what it stands for.
/// </summary>
internal sealed class MaskWork
{
    /// <summary>Steps of one mask, each one place and one byte. What is left unseen then is barred, which only
    /// narrows the choice: single bytes come first, so a grammar never gets stuck.</summary>
    private const long MostSteps = 4_000_000;

    /// <summary>How much longer a step takes whose outcome is not known yet.</summary>
    private const long NewStep = 16;

    private readonly ByteGrammar grammar;
    private readonly TokenTrie trie;
    private readonly Configuration start;
    private readonly ulong[] mask;
    private readonly Configuration[] way;
    private Exception? failure;
    private int singles;
    private int node;
    private long steps;
    private volatile bool isDone;

    public MaskWork(ByteGrammar grammar, TokenTrie trie, Configuration start)
    {
        (this.grammar, this.trie, this.start) = (grammar, trie, start);
        mask = new ulong[(trie.Size + 63) / 64];
        way = new Configuration[trie.LongestToken + 1];
        way[0] = start;
    }

    /// <summary>Whether nothing is left to do; the mask does not change any more.</summary>
    public bool IsDone => isDone;

    /// <summary>One bit per token that may come.</summary>
    /// <exception cref="InvalidOperationException">It is not done, or computing it failed.</exception>
    public ulong[] Mask => isDone && failure is null
        ? mask : throw new InvalidOperationException("There is no mask.", failure);

    /// <summary>Goes on for what about as many steps take whose outcome is known; what it comes to does not depend on
    /// how it is cut.</summary>
    public void Advance(long most)
    {
        try
        {
            if (!isDone && TakeSingles(ref most) && Walk(ref most))
            {
                AllowSpecials();
                isDone = true;
            }
        }
#pragma warning disable CA1031 // Whoever needs the mask is told, on whatever thread it was computed.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            failure = thrown;
            isDone = true;
        }
    }

    private bool TakeSingles(ref long most)
    {
        for (; singles < trie.SingleBytes.Count && most > 0; singles++)
        {
            int id = trie.SingleBytes[singles];
            if (!Step(start, trie.BytesOf(id)[0], ref most).IsDead)
            {
                Allow(id);
            }
        }

        return singles == trie.SingleBytes.Count;
    }

    private bool Walk(ref long most)
    {
        byte[] labels = trie.Labels;
        while (node < labels.Length && most > 0)
        {
            int depth = trie.Depths[node];
            var from = way[depth];

            // Counted by places, not by what is already known, so that a mask does not depend on what came before.
            steps += from.Frames.Length;
            if (steps > MostSteps)
            {
                return true;
            }

            var to = Step(from, labels[node], ref most);
            if (to.IsDead)
            {
                node = trie.Behind[node];
                continue;
            }

            way[depth + 1] = to;
            for (int id = trie.Tokens[node]; id >= 0; id = trie.Twins[id])
            {
                Allow(id);
            }

            node++;
        }

        return node >= labels.Length;
    }

    private Configuration Step(Configuration from, byte value, ref long most)
    {
        most -= from.Frames.Length * (grammar.Knows(from, value) ? 1 : NewStep);
        return grammar.Step(from, value);
    }

    private void AllowSpecials()
    {
        if (start.CanEnd)
        {
            foreach (int id in trie.EndIds)
            {
                Allow(id);
            }
        }

        foreach (int id in grammar.SpecialsOf(start))
        {
            Allow(id);
        }

        int free = grammar.AllowsSpecials(start) ? trie.Size : 0;
        for (int id = 0; id < free; id++)
        {
            if (trie.IsSpecial(id) && !trie.IsEnd(id) && !grammar.NamesSpecial(id))
            {
                Allow(id);
            }
        }
    }

    private void Allow(int id) => mask[id >> 6] |= 1UL << (id & 63);
}
