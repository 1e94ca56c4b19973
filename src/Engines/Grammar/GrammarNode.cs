namespace Souk.Engines.Grammar;

/// <summary>What a node of a grammar does.</summary>
internal enum NodeKind
{
    /// <summary>Takes exactly these bytes.</summary>
    Literal,

    /// <summary>Follows an automaton, and may go on wherever it accepts.</summary>
    Automaton,

    /// <summary>Takes nothing, one space, or a line end with its indentation.</summary>
    Space,

    /// <summary>Takes one special token by its id.</summary>
    Special,

    /// <summary>Goes on at any of several nodes.</summary>
    Choice,

    /// <summary>Enters a rule and goes on at the next node afterwards.</summary>
    Call,

    /// <summary>Leaves the rule.</summary>
    Return,

    /// <summary>Goes on while the rule's count is in a range.</summary>
    Guard,

    /// <summary>Counts one more.</summary>
    Increment,
}

/// <summary>One node of a grammar; which members mean something depends on the kind.</summary>
internal sealed record GrammarNode(NodeKind Kind, int Rule, int Next)
{
    public byte[] Bytes { get; init; } = [];

    public ByteAutomaton? Automaton { get; init; }

    /// <summary>Whether an automaton counts its characters against the rule's bounds.</summary>
    public bool IsCounted { get; init; }

    /// <summary>Whether special tokens may stand anywhere in an automaton's text.</summary>
    public bool IsFreeText { get; init; }

    public int Token { get; init; }

    public int[] Choices { get; init; } = [];

    public int Callee { get; init; }

    public int Low { get; init; }

    public int High { get; init; }
}

/// <summary>A rule: where it starts, and the bounds of what it counts (items of an array, characters of a
/// string).</summary>
internal sealed record GrammarRule(int Entry, int Least, int Most);
