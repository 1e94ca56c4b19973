namespace Souk.Engines.Grammar;

/// <summary>From one state of a <see cref="ByteAutomaton"/> to another on any byte from <paramref name="Low"/> to
/// <paramref name="High"/>.</summary>
internal readonly record struct ByteEdge(byte Low, byte High, int To);

/// <summary>A deterministic automaton over bytes that starts in state 0. From every state an accepting one can be
/// reached, so whoever follows it never gets stuck. Immutable.</summary>
internal sealed class ByteAutomaton
{
    private readonly ByteEdge[][] edges;
    private readonly bool[] accepting;
    private readonly int[]? need;

    private ByteAutomaton(ByteEdge[][] edges, bool[] accepting, bool[]? boundaries, int[]? need)
    {
        this.edges = edges;
        this.accepting = accepting;
        Boundaries = boundaries;
        this.need = need;
    }

    public int States => edges.Length;

    /// <summary>Whether no text at all is accepted.</summary>
    public bool IsEmpty => edges.Length == 0;

    public IEnumerable<ByteEdge> AllEdges => edges.SelectMany(list => list);

    /// <summary>States in which a character is complete; null where characters are not counted.</summary>
    private bool[]? Boundaries { get; }

    /// <summary>Whether characters can be counted.</summary>
    public bool CountsCharacters => Boundaries is not null;

    public ByteEdge[] EdgesOf(int state) => edges[state];

    public bool HasEdges(int state) => edges[state].Length > 0;

    public bool Accepts(int state) => accepting[state];

    /// <summary>Entering this state completes a character.</summary>
    public bool IsBoundary(int state) => Boundaries![state];

    /// <summary>The least number of further characters after which the text may end.</summary>
    public int Need(int state) => need![state];

    /// <summary>The next state, or -1.</summary>
    public int Step(int state, byte value)
    {
        foreach (var edge in edges[state])
        {
            if (value <= edge.High)
            {
                return value >= edge.Low ? edge.To : -1;
            }
        }

        return -1;
    }

    /// <summary>Explores an automaton that is given as a function, and removes what leads nowhere.</summary>
    /// <param name="start">The first state.</param>
    /// <param name="step">The next state for a byte, or null.</param>
    /// <param name="accepts">Whether the text may end in a state.</param>
    /// <param name="meter">Counts the work.</param>
    public static ByteAutomaton Explore<T>(T start, Func<T, byte, T?> step, Func<T, bool> accepts, WorkMeter meter)
        where T : struct
    {
        Dictionary<T, int> ids = new() { [start] = 0 };
        List<T> states = [start];
        List<ByteEdge[]> edges = [];
        for (int at = 0; at < states.Count; at++)
        {
            meter.Spend(64);
            List<ByteEdge> found = [];
            for (int value = 0; value < 256; value++)
            {
                if (step(states[at], (byte)value) is not { } next)
                {
                    continue;
                }

                if (!ids.TryGetValue(next, out int to))
                {
                    ids.Add(next, to = states.Count);
                    states.Add(next);
                }

                Extend(found, (byte)value, to);
            }

            edges.Add([.. found]);
        }

        return Trim(edges, [.. states.Select(accepts)], null);
    }

    /// <summary>An automaton of exactly these texts.</summary>
    public static ByteAutomaton OfTexts(IEnumerable<byte[]> texts, WorkMeter meter)
    {
        List<SortedDictionary<byte, int>> nodes = [[]];
        List<bool> ends = [false];
        foreach (byte[] text in texts)
        {
            meter.Spend(text.Length + 1);
            int at = 0;
            foreach (byte value in text)
            {
                if (!nodes[at].TryGetValue(value, out int next))
                {
                    nodes[at].Add(value, next = nodes.Count);
                    nodes.Add([]);
                    ends.Add(false);
                }

                at = next;
            }

            ends[at] = true;
        }

        return Trim(
            [.. nodes.Select(node => node.Select(pair => new ByteEdge(pair.Key, pair.Key, pair.Value)).ToArray())],
            [.. ends], null);
    }

    /// <summary>Removes states from which no end can be reached.</summary>
    /// <param name="edges">Per state, sorted by byte, without overlap.</param>
    /// <param name="accepting">Per state.</param>
    /// <param name="boundaries">Per state, where characters are counted; accepting states must be boundaries.</param>
    public static ByteAutomaton Trim(IReadOnlyList<ByteEdge[]> edges, bool[] accepting, bool[]? boundaries)
    {
        int[] need = Needs(edges, accepting, boundaries);
        if (edges.Count == 0 || need[0] == int.MaxValue)
        {
            return new ByteAutomaton([], [], boundaries is null ? null : [], []);
        }

        int[] names = new int[edges.Count];
        List<int> kept = [];
        for (int state = 0; state < edges.Count; state++)
        {
            names[state] = need[state] == int.MaxValue ? -1 : kept.Count;
            if (names[state] >= 0)
            {
                kept.Add(state);
            }
        }

        return new ByteAutomaton(
            [.. kept.Select(state => edges[state].Where(edge => names[edge.To] >= 0)
                .Select(edge => edge with { To = names[edge.To] }).ToArray())],
            [.. kept.Select(state => accepting[state])],
            boundaries is null ? null : [.. kept.Select(state => boundaries[state])],
            boundaries is null ? null : [.. kept.Select(state => need[state])]);
    }

    // Shortest ways to an end, walked backwards. Entering a boundary costs one character; without boundaries every
    // way costs nothing, and what matters is whether there is one.
    private static int[] Needs(IReadOnlyList<ByteEdge[]> edges, bool[] accepting, bool[]? boundaries)
    {
        List<int>[] into = new List<int>[edges.Count];
        for (int state = 0; state < edges.Count; state++)
        {
            foreach (var edge in edges[state])
            {
                (into[edge.To] ??= []).Add(state);
            }
        }

        int[] need = new int[edges.Count];
        Array.Fill(need, int.MaxValue);
        PriorityQueue<int, int> queue = new();
        for (int state = 0; state < edges.Count; state++)
        {
            if (accepting[state])
            {
                need[state] = 0;
                queue.Enqueue(state, 0);
            }
        }

        while (queue.TryDequeue(out int state, out int cost))
        {
            if (cost > need[state])
            {
                continue;
            }

            int more = cost + (boundaries is not null && boundaries[state] ? 1 : 0);
            foreach (int from in into[state] ?? [])
            {
                if (more < need[from])
                {
                    need[from] = more;
                    queue.Enqueue(from, more);
                }
            }
        }

        return need;
    }

    private static void Extend(List<ByteEdge> edges, byte value, int to)
    {
        if (edges.Count > 0 && edges[^1].To == to && edges[^1].High == value - 1)
        {
            edges[^1] = edges[^1] with { High = value };
        }
        else
        {
            edges.Add(new ByteEdge(value, value, to));
        }
    }
}
