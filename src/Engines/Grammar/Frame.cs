namespace Souk.Engines.Grammar;

/// <summary>A place in a grammar: a node, how far into it, the count of its rule, and where to go on afterwards.
/// Frames are shared, so two that are equal are nearly always the same object.</summary>
internal sealed class Frame(int node, int state, int count, Frame? parent)
{
    public int Node { get; } = node;

    public int State { get; } = state;

    public int Count { get; } = count;

    public Frame? Parent { get; } = parent;

    /// <summary>Frames below this one.</summary>
    public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;

    /// <summary>The frame that stands for this one when masks are looked up; null until it is asked for.</summary>
    public Frame? Representative { get; set; }
}

/// <summary>All places that a text may have led to. Transitions are filled in as they are asked for.</summary>
internal sealed class Configuration(Frame[] frames, bool canEnd)
{
    private Configuration?[]? next;

    public Frame[] Frames { get; } = frames;

    /// <summary>Whether the text may end here.</summary>
    public bool CanEnd { get; } = canEnd;

    public bool IsDead => Frames.Length == 0 && !CanEnd;

    /// <summary>Which tokens may come; null until it is asked for.</summary>
    public MaskWork? Work { get; set; }

    /// <summary>The configuration that stands for this one when masks are looked up.</summary>
    public Configuration? Representative { get; set; }

    public ref Configuration? Next(int byteClass, int classes) => ref (next ??= new Configuration?[classes])[byteClass];
}
