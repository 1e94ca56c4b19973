namespace Souk.Engines.Grammar;

/// <summary>
/// A pushdown automaton over bytes. It is made deterministic as it is walked: a <see cref="Configuration"/> holds all
/// places that the bytes so far may have led to, and remembers what each next byte leads to. Not safe for concurrent
/// use.
/// </summary>
/// <remarks>No configuration is a trap: automata are trimmed, a rule is entered only where the depth that is left lets
/// it end, and counts have room by construction. So from every configuration an end can be reached, also where
/// <see cref="MostFrames"/> dropped some places.</remarks>
internal sealed class ByteGrammar
{
    /// <summary>Places in one configuration; further ones are left out, which narrows the grammar and no more.
    /// </summary>
    private const int MostFrames = 2048;

    /// <summary>Nesting of values where the schema recurs without a bound.</summary>
    private const int FreeDepth = 32;

    /// <summary>Configurations kept for the next walk; then all are forgotten.</summary>
    private const int MostKept = 8192;

    private const int LongestIndent = 20;
    private readonly GrammarNode[] nodes;
    private readonly GrammarRule[] rules;
    private readonly int[] heights;
    private readonly int mostDepth;
    private readonly byte[] classes = new byte[256];
    private readonly int classCount;
    private readonly FrameStore store = new(MostKept);

    // Scratch of the closure under way.
    private readonly List<Frame> found = [];
    private readonly HashSet<(int Node, int Count, Frame? Parent)> seen = [];
    private readonly HashSet<Frame> added = [];
    private readonly Stack<(int Node, int Count, Frame? Parent)> open = new();
    private bool canEnd;

    /// <exception cref="GrammarRefusal">No text satisfies it, or it goes round in circles.</exception>
    public ByteGrammar(GrammarNode[] nodes, GrammarRule[] rules, int root, WorkMeter meter)
    {
        this.nodes = nodes;
        this.rules = rules;
        heights = GrammarHeights.Of(nodes, rules, meter);
        if (heights[root] == GrammarHeights.Endless)
        {
            throw new GrammarRefusal("no finite value satisfies it.");
        }

        GrammarHeights.RequireProgress(nodes, rules, meter);
        mostDepth = Math.Max(FreeDepth, heights[root] + (FreeDepth / 2));
        classCount = Classify();
        Root = root;
        Dead = store.Configuration([], false);
        Start = StartOf(root);
    }

    public int Root { get; }

    /// <summary>Before the first byte.</summary>
    public Configuration Start { get; }

    /// <summary>Where bytes lead that are not allowed.</summary>
    public Configuration Dead { get; }

    public Configuration Step(Configuration from, byte value)
    {
        ref var known = ref from.Next(classes[value], classCount);
        return known ??= Compute(from, value);
    }

    /// <summary>Whether <see cref="Step"/> was asked the same before.</summary>
    public bool Knows(Configuration from, byte value) => from.Next(classes[value], classCount) is not null;

    /// <summary>After a special token; dead where it may not stand.</summary>
    public Configuration StepSpecial(Configuration from, int token)
    {
        if (AllowsSpecials(from) && !NamesSpecial(token))
        {
            return from;
        }

        Begin();
        foreach (var frame in from.Frames)
        {
            var node = nodes[frame.Node];
            if (node.Kind == NodeKind.Special && node.Token == token)
            {
                Close(node.Next, frame.Count, frame.Parent);
            }
        }

        return Finish();
    }

    /// <summary>Special tokens that the grammar itself asks for at this place.</summary>
    public IEnumerable<int> SpecialsOf(Configuration at) => at.Frames
        .Where(frame => nodes[frame.Node].Kind == NodeKind.Special).Select(frame => nodes[frame.Node].Token);

    /// <summary>Whether any special token that the grammar does not name may stand here.</summary>
    public bool AllowsSpecials(Configuration at) => Array.Exists(at.Frames, frame => nodes[frame.Node].IsFreeText);

    public bool NamesSpecial(int token) =>
        Array.Exists(nodes, node => node.Kind == NodeKind.Special && node.Token == token);

    /// <summary>A configuration that allows the same texts of up to <paramref name="bytes"/> bytes as this one, the
    /// same one for many: far from their bounds, counts do not matter.</summary>
    public Configuration RepresentativeOf(Configuration at, int bytes)
    {
        if (at.Representative is null)
        {
            // Two places may become one.
            Frame[] stands = [.. at.Frames.Select(frame => RepresentativeOf(frame, bytes)).Distinct()];
            at.Representative = stands.AsSpan().SequenceEqual(at.Frames) ? at : store.Configuration(stands, at.CanEnd);
        }

        return at.Representative;
    }

    private Frame RepresentativeOf(Frame frame, int bytes)
    {
        if (frame.Representative is null)
        {
            var parent = frame.Parent is null ? null : RepresentativeOf(frame.Parent, bytes);
            var rule = rules[nodes[frame.Node].Rule];
            int count = frame.Count;
            if (count < rule.Least && rule.Least - count > bytes)
            {
                count = 0;
            }
            else if (count > rule.Least && rule.Most - count > bytes)
            {
                count = rule.Least;
            }

            frame.Representative = count == frame.Count && ReferenceEquals(parent, frame.Parent)
                ? frame : store.Frame(frame.Node, frame.State, count, parent);
        }

        return frame.Representative;
    }

    private Configuration StartOf(int root)
    {
        Begin();
        Close(rules[root].Entry, 0, null);
        return Finish();
    }

    private Configuration Compute(Configuration from, byte value)
    {
        Begin();
        foreach (var frame in from.Frames)
        {
            Advance(frame, value);
        }

        return Finish();
    }

    private void Advance(Frame frame, byte value)
    {
        var node = nodes[frame.Node];
        switch (node.Kind)
        {
            case NodeKind.Literal when node.Bytes[frame.State] == value:
                if (frame.State + 1 == node.Bytes.Length)
                {
                    Close(node.Next, frame.Count, frame.Parent);
                }
                else
                {
                    Keep(store.Frame(frame.Node, frame.State + 1, frame.Count, frame.Parent));
                }

                break;
            case NodeKind.Automaton:
                int state = node.Automaton!.Step(frame.State, value);
                if (state >= 0)
                {
                    Follow(node, frame, state);
                }

                break;
            case NodeKind.Space when value == ' ' && frame.State == 0:
                Close(node.Next, frame.Count, frame.Parent);
                break;
            case NodeKind.Space when (value == '\n' && frame.State == 0)
                || (value == ' ' && frame.State is > 0 and <= LongestIndent):
                Keep(store.Frame(frame.Node, frame.State + 1, frame.Count, frame.Parent));
                Close(node.Next, frame.Count, frame.Parent);
                break;
            default:
                break;
        }
    }

    private void Follow(GrammarNode node, Frame frame, int state)
    {
        var automaton = node.Automaton!;
        int count = frame.Count;
        if (node.IsCounted)
        {
            var rule = rules[node.Rule];
            count += automaton.IsBoundary(state) ? 1 : 0;

            // Without an upper bound what lies above the lower one need not be told apart.
            count = rule.Most == int.MaxValue ? Math.Min(count, rule.Least) : count;
            if (rule.Most != int.MaxValue && count + automaton.Need(state) > rule.Most)
            {
                return;
            }
        }

        Enter(frame.Node, node, state, count, frame.Parent);
    }

    private void Enter(int at, GrammarNode node, int state, int count, Frame? parent)
    {
        if (node.Automaton!.HasEdges(state))
        {
            Keep(store.Frame(at, state, count, parent));
        }

        if (node.Automaton.Accepts(state) && (!node.IsCounted || count >= rules[node.Rule].Least))
        {
            Close(node.Next, count, parent);
        }
    }

    // What can be reached from a node without reading a byte is found when all that was read is known.
    private void Close(int at, int count, Frame? parent) => open.Push((at, count, parent));

    private void Reach(int at, int count, Frame? parent)
    {
        if (found.Count >= MostFrames || !seen.Add((at, count, parent)))
        {
            return;
        }

        var node = nodes[at];
        switch (node.Kind)
        {
            case NodeKind.Literal or NodeKind.Special:
                Keep(store.Frame(at, 0, count, parent));
                break;
            case NodeKind.Automaton:
                if (!node.Automaton!.IsEmpty)
                {
                    Enter(at, node, 0, count, parent);
                }

                break;
            case NodeKind.Space:
                Keep(store.Frame(at, 0, count, parent));
                Close(node.Next, count, parent);
                break;
            case NodeKind.Choice:
                foreach (int choice in node.Choices)
                {
                    Close(choice, count, parent);
                }

                break;
            case NodeKind.Call:
                Call(node, count, parent);
                break;
            case NodeKind.Return:
                Leave(parent);
                break;
            case NodeKind.Guard when count >= node.Low && count <= node.High:
                Close(node.Next, count, parent);
                break;
            case NodeKind.Increment:
                var rule = rules[node.Rule];
                Close(node.Next, rule.Most == int.MaxValue ? Math.Min(count + 1, rule.Least) : count + 1, parent);
                break;
            default:
                break;
        }
    }

    private void Call(GrammarNode node, int count, Frame? parent)
    {
        // A rule that would leave directly after this one needs no place to come back to.
        bool isTail = nodes[node.Next].Kind == NodeKind.Return;
        int depth = (parent is null ? 0 : parent.Depth + 1) + (isTail ? 0 : 1);
        if (depth + heights[node.Callee] <= mostDepth)
        {
            Close(
                rules[node.Callee].Entry, 0, isTail ? parent : store.Frame(node.Next, 0, count, parent));
        }
    }

    private void Leave(Frame? parent)
    {
        if (parent is null)
        {
            canEnd = true;
        }
        else
        {
            Close(parent.Node, parent.Count, parent.Parent);
        }
    }

    private void Begin()
    {
        found.Clear();
        seen.Clear();
        added.Clear();
        canEnd = false;
        store.Bound();
    }

    private void Keep(Frame frame)
    {
        if (found.Count < MostFrames && added.Add(frame))
        {
            found.Add(frame);
        }
    }

    private Configuration Finish()
    {
        while (open.TryPop(out var next))
        {
            Reach(next.Node, next.Count, next.Parent);
        }

        return found.Count == 0 && !canEnd ? Dead : store.Configuration([.. found], canEnd);
    }

    // Bytes that no node tells apart share one transition.
    private int Classify()
    {
        bool[] cuts = new bool[257];
        Cut((byte)' ', (byte)' ');
        Cut((byte)'\n', (byte)'\n');
        foreach (var node in nodes)
        {
            Array.ForEach(node.Bytes, value => Cut(value, value));
            foreach (var edge in node.Automaton?.AllEdges ?? [])
            {
                Cut(edge.Low, edge.High);
            }
        }

        int next = 0;
        for (int value = 0; value < 256; value++)
        {
            next += value > 0 && cuts[value] ? 1 : 0;
            classes[value] = (byte)next;
        }

        return next + 1;

        void Cut(byte low, byte high)
        {
            cuts[low] = true;
            cuts[high + 1] = true;
        }
    }
}
