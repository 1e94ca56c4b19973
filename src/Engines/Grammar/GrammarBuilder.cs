using System.Text;

namespace Souk.Engines.Grammar;

/// <summary>Collects nodes and rules. A rule is written from its end to its start, since a node names the next.
/// </summary>
internal sealed class GrammarBuilder(WorkMeter meter)
{
    private const int MostNodes = 200_000;
    private readonly List<GrammarNode> nodes = [];
    private readonly List<GrammarRule> rules = [];

    public WorkMeter Meter { get; } = meter;

    public int NewRule(int least = 0, int most = int.MaxValue)
    {
        rules.Add(new GrammarRule(-1, least, most));
        return rules.Count - 1;
    }

    public void Begin(int rule, int entry) => rules[rule] = rules[rule] with { Entry = entry };

    public int Return(int rule) => Add(new GrammarNode(NodeKind.Return, rule, -1));

    public int Literal(int rule, string text, int next) => Literal(rule, Encoding.UTF8.GetBytes(text), next);

    public int Literal(int rule, byte[] bytes, int next) =>
        Add(new GrammarNode(NodeKind.Literal, rule, next) { Bytes = bytes });

    public int Automaton(
        int rule, ByteAutomaton automaton, int next, bool isCounted = false, bool isFreeText = false) =>
        Add(new GrammarNode(NodeKind.Automaton, rule, next)
        {
            Automaton = automaton,
            IsCounted = isCounted,
            IsFreeText = isFreeText,
        });

    public int Space(int rule, int next) => Add(new GrammarNode(NodeKind.Space, rule, next));

    public int Special(int rule, int token, int next) =>
        Add(new GrammarNode(NodeKind.Special, rule, next) { Token = token });

    public int Choice(int rule, params int[] choices) =>
        choices.Length == 1 ? choices[0] : Add(new GrammarNode(NodeKind.Choice, rule, -1) { Choices = choices });

    public int Call(int rule, int callee, int next) =>
        Add(new GrammarNode(NodeKind.Call, rule, next) { Callee = callee });

    /// <summary>Passes while the rule's count is from <paramref name="low"/> to <paramref name="high"/>.</summary>
    public int Guard(int rule, int low, int high, int next) =>
        Add(new GrammarNode(NodeKind.Guard, rule, next) { Low = low, High = high });

    public int Increment(int rule, int next) => Add(new GrammarNode(NodeKind.Increment, rule, next));

    /// <summary>A node to be filled in by <see cref="Fill"/>, for loops.</summary>
    public int Reserve(int rule) => Add(new GrammarNode(NodeKind.Choice, rule, -1));

    public void Fill(int reserved, params int[] choices) =>
        nodes[reserved] = nodes[reserved] with { Choices = choices };

    /// <summary>The grammar that starts at a rule.</summary>
    /// <exception cref="GrammarRefusal">No text satisfies it, or it goes round in circles.</exception>
    public ByteGrammar Build(int root)
    {
        Meter.Spend(nodes.Count);
        return new ByteGrammar([.. nodes], [.. rules], root, Meter);
    }

    private int Add(GrammarNode node)
    {
        Meter.Spend(1);
        if (nodes.Count >= MostNodes)
        {
            throw new GrammarRefusal("it is too large.");
        }

        nodes.Add(node);
        return nodes.Count - 1;
    }
}
