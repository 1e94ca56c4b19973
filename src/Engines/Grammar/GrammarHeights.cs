namespace Souk.Engines.Grammar;

/// <summary>Facts about a grammar that hold before any text is read.</summary>
internal static class GrammarHeights
{
    /// <summary>What no ending can be reached from.</summary>
    public const int Endless = int.MaxValue / 2;

    /// <summary>Per rule, how many further calls must at least be nested for a text of it to end, or
    /// <see cref="Endless"/>.</summary>
    public static int[] Of(IReadOnlyList<GrammarNode> nodes, IReadOnlyList<GrammarRule> rules, WorkMeter meter)
    {
        int[] heights = new int[nodes.Count];
        Array.Fill(heights, Endless);
        bool isChanged = true;
        while (isChanged)
        {
            meter.Spend(nodes.Count);
            isChanged = false;
            for (int at = 0; at < heights.Length; at++)
            {
                int height = Height(nodes, rules, heights, nodes[at]);
                isChanged |= height < heights[at];
                heights[at] = Math.Min(height, heights[at]);
            }
        }

        return [.. rules.Select(rule => rule.Entry < 0 ? Endless : heights[rule.Entry])];
    }

    /// <summary>Refuses rules that reach themselves before any byte is read: they would never begin.</summary>
    /// <exception cref="GrammarRefusal">There is one.</exception>
    public static void RequireProgress(
        IReadOnlyList<GrammarNode> nodes, IReadOnlyList<GrammarRule> rules, WorkMeter meter)
    {
        // 0 unseen, 1 on the way here, 2 done. An own stack, since references may chain deeply.
        byte[] seen = new byte[rules.Count];
        for (int first = 0; first < rules.Count; first++)
        {
            Stack<(int Rule, Queue<int> Next)> way = new();
            Enter(first);
            while (way.TryPeek(out var top))
            {
                if (top.Next.TryDequeue(out int next))
                {
                    Enter(next);
                }
                else
                {
                    seen[top.Rule] = 2;
                    way.Pop();
                }
            }

            void Enter(int rule)
            {
                if (seen[rule] == 1)
                {
                    throw new GrammarRefusal("a definition refers to itself without anything in between.");
                }

                if (seen[rule] == 0)
                {
                    seen[rule] = 1;
                    way.Push((rule, FirstCalls(nodes, rules[rule].Entry, meter)));
                }
            }
        }
    }

    private static int Height(
        IReadOnlyList<GrammarNode> nodes, IReadOnlyList<GrammarRule> rules, int[] heights, GrammarNode node)
    {
        switch (node.Kind)
        {
            case NodeKind.Return:
                return 0;
            case NodeKind.Choice:
                return node.Choices.Select(choice => heights[choice]).DefaultIfEmpty(Endless).Min();
            case NodeKind.Automaton when node.Automaton!.IsEmpty:
                return Endless;
            case NodeKind.Call:
                int entry = rules[node.Callee].Entry;
                int inner = entry < 0 ? Endless : heights[entry];
                bool isTail = nodes[node.Next].Kind == NodeKind.Return;
                return isTail || inner == Endless ? inner : Math.Max(inner + 1, heights[node.Next]);
            default:
                return heights[node.Next];
        }
    }

    private static Queue<int> FirstCalls(IReadOnlyList<GrammarNode> nodes, int entry, WorkMeter meter)
    {
        Queue<int> calls = [];
        HashSet<int> seen = [];
        Stack<int> open = new();
        open.Push(entry);
        while (open.TryPop(out int at))
        {
            if (at < 0 || !seen.Add(at))
            {
                continue;
            }

            meter.Spend(1);
            var node = nodes[at];
            switch (node.Kind)
            {
                case NodeKind.Call:
                    calls.Enqueue(node.Callee);
                    break;
                case NodeKind.Choice:
                    Array.ForEach(node.Choices, open.Push);
                    break;
                case NodeKind.Guard or NodeKind.Increment or NodeKind.Space:
                    open.Push(node.Next);
                    break;
                default:
                    break;
            }
        }

        return calls;
    }
}
