namespace Souk.Engines.Grammar;

/// <summary>A deterministic automaton over characters that starts in state 0; <see cref="ToBytes"/> turns it into one
/// over the bytes of a JSON string.</summary>
internal sealed class CharacterAutomaton
{
    private readonly List<List<(int Low, int High, int To)>> edges = [];
    private readonly List<bool> accepting = [];

    private CharacterAutomaton()
    {
    }

    /// <summary>The texts in which an expression is found somewhere, as schemas mean their patterns. The start and
    /// the end of the text take part as two characters that no text holds, so that anchors may stand anywhere.
    /// </summary>
    public static CharacterAutomaton Of(Expression expression, WorkMeter meter)
    {
        var machine = new Machine(meter);
        int entry = machine.NewState();
        int end = machine.NewState();
        machine.AddAny(entry);
        machine.AddAny(end);
        machine.Add(expression, entry, end);
        return machine.Determine(entry, end);
    }

    /// <summary>The texts that both accept.</summary>
    public static CharacterAutomaton Both(CharacterAutomaton first, CharacterAutomaton second, WorkMeter meter)
    {
        var joined = new CharacterAutomaton();
        Dictionary<(int, int), int> ids = new() { [(0, 0)] = 0 };
        List<(int First, int Second)> states = [(0, 0)];
        for (int at = 0; at < states.Count; at++)
        {
            var (a, b) = states[at];
            List<(int, int, int)> found = [];
            foreach (var left in first.edges[a])
            {
                foreach (var right in second.edges[b])
                {
                    meter.Spend(1);
                    int low = Math.Max(left.Low, right.Low);
                    int high = Math.Min(left.High, right.High);
                    if (low <= high)
                    {
                        if (!ids.TryGetValue((left.To, right.To), out int to))
                        {
                            ids.Add((left.To, right.To), to = states.Count);
                            states.Add((left.To, right.To));
                        }

                        found.Add((low, high, to));
                    }
                }
            }

            found.Sort();
            joined.edges.Add(found);
            joined.accepting.Add(first.accepting[a] && second.accepting[b]);
        }

        return joined;
    }

    /// <summary>All texts of a length within bounds; <see cref="int.MaxValue"/> is none.</summary>
    public static CharacterAutomaton OfLength(int least, int most, WorkMeter meter)
    {
        var counting = new CharacterAutomaton();
        int last = most == int.MaxValue ? least : most;
        meter.Spend(last);
        for (int count = 0; count <= last; count++)
        {
            int to = count < last ? count + 1 : most == int.MaxValue ? count : -1;
            counting.edges.Add(
                to < 0 ? [] : [.. CharacterSet.All.Ranges.Select(range => (range.Low, range.High, to))]);
            counting.accepting.Add(count >= least);
        }

        return counting;
    }

    /// <summary>The bytes between the quotes of a JSON string, each character written in one way. States in which a
    /// character is complete are boundaries, so that characters can be counted.</summary>
    public ByteAutomaton ToBytes(WorkMeter meter) => new ByteWriter(meter).Write(edges, accepting);

    private sealed class Machine(WorkMeter meter)
    {
        private const int TextStart = -1;
        private const int TextEnd = 0x110000;
        private readonly List<List<(int Low, int High, int To)>> moves = [];
        private readonly List<List<int>> free = [];

        public int NewState()
        {
            meter.Spend(4);
            moves.Add([]);
            free.Add([]);
            return moves.Count - 1;
        }

        /// <summary>Anything may come before and after what is looked for.</summary>
        public void AddAny(int state)
        {
            moves[state].Add((TextStart, TextStart, state));
            moves[state].Add((TextEnd, TextEnd, state));
            moves[state].AddRange(CharacterSet.All.Ranges.Select(range => (range.Low, range.High, state)));
        }

        public void Add(Expression expression, int from, int to)
        {
            switch (expression)
            {
                case Expression.Anchor anchor:
                    int mark = anchor.IsStart ? TextStart : TextEnd;
                    moves[from].Add((mark, mark, to));
                    break;
                case Expression.Characters characters:
                    meter.Spend(characters.Set.Ranges.Count);
                    moves[from].AddRange(characters.Set.Ranges.Select(range => (range.Low, range.High, to)));
                    break;
                case Expression.Sequence sequence:
                    int at = from;
                    foreach (var item in sequence.Items)
                    {
                        int next = NewState();
                        Add(item, at, next);
                        at = next;
                    }

                    free[at].Add(to);
                    break;
                case Expression.Either either:
                    foreach (var item in either.Items)
                    {
                        Add(item, from, to);
                    }

                    break;
                case Expression.Repeat repeat:
                    AddRepeat(repeat, from, to);
                    break;
                default:
                    throw new InvalidOperationException("An expression of unknown kind.");
            }
        }

        public CharacterAutomaton Determine(int entry, int end)
        {
            var made = new CharacterAutomaton();
            Dictionary<string, int> ids = [];
            List<int[]> states = [];

            Id(Through([entry], TextStart));
            for (int at = 0; at < states.Count; at++)
            {
                int[] members = states[at];
                List<(int Low, int High, int To)> all = [.. members.SelectMany(member => moves[member])];
                meter.Spend(all.Count + members.Length);
                made.accepting.Add(Through(members, TextEnd).Contains(end));
                made.edges.Add(Split(all, Id));
            }

            return made;

            int Id(int[] members)
            {
                string key = string.Join(',', members);
                if (!ids.TryGetValue(key, out int id))
                {
                    ids.Add(key, id = states.Count);
                    states.Add(members);
                }

                return id;
            }
        }

        // Where the start or the end of the text leads, which several anchors may ask for in a row.
        private int[] Through(IEnumerable<int> from, int mark)
        {
            SortedSet<int> all = [];
            int[] last = Closure(from);
            while (last.Length > 0)
            {
                int[] next = Closure(last.SelectMany(state => moves[state]).Where(move => move.Low == mark)
                    .Select(move => move.To));
                last = [.. next.Where(all.Add)];
            }

            return [.. all];
        }

        // Cuts overlapping ranges at each other's ends.
        private List<(int Low, int High, int To)> Split(List<(int Low, int High, int To)> all, Func<int[], int> id)
        {
            SortedSet<int> cuts = [];
            foreach (var (low, high, _) in all.Where(move => move.Low is not (TextStart or TextEnd)))
            {
                cuts.Add(low);
                cuts.Add(high + 1);
            }

            List<(int Low, int High, int To)> found = [];
            int[] bounds = [.. cuts];
            for (int i = 0; i + 1 < bounds.Length; i++)
            {
                meter.Spend(all.Count);
                int low = bounds[i];
                int[] members = Closure(all.Where(move => move.Low <= low && low <= move.High)
                    .Select(move => move.To));
                if (members.Length == 0)
                {
                    continue;
                }

                int to = id(members);
                if (found.Count > 0 && found[^1].To == to && found[^1].High == low - 1)
                {
                    found[^1] = (found[^1].Low, bounds[i + 1] - 1, to);
                }
                else
                {
                    found.Add((low, bounds[i + 1] - 1, to));
                }
            }

            return found;
        }

        private void AddRepeat(Expression.Repeat repeat, int from, int to)
        {
            // Own states around it, since a loop must not take in what else starts or ends there.
            int at = NewState();
            free[from].Add(at);
            for (int i = 0; i < repeat.Least; i++)
            {
                int next = NewState();
                Add(repeat.Item, at, next);
                at = next;
            }

            if (repeat.Most == int.MaxValue)
            {
                int back = NewState();
                int loop = NewState();
                free[at].Add(loop);
                Add(repeat.Item, loop, back);
                free[back].Add(loop);
                free[loop].Add(to);
                return;
            }

            free[at].Add(to);
            for (int i = repeat.Least; i < repeat.Most; i++)
            {
                int next = NewState();
                Add(repeat.Item, at, next);
                free[next].Add(to);
                at = next;
            }
        }

        private int[] Closure(IEnumerable<int> states)
        {
            SortedSet<int> all = [];
            Stack<int> open = new(states);
            while (open.TryPop(out int state))
            {
                meter.Spend(1);
                if (all.Add(state))
                {
                    free[state].ForEach(open.Push);
                }
            }

            return [.. all];
        }
    }
}
