namespace Souk.OpenAi.Tokens;

/// <summary>A text and the pieces it is cut into, in order.</summary>
internal readonly record struct Pieces(string Text, List<Range> Ranges);

/// <summary>One of the cuts that come before the model. Immutable and safe for concurrent use.</summary>
internal interface ICutStep
{
    /// <param name="isStart">The pieces' text begins where the whole input begins.</param>
    Pieces Apply(Pieces pieces, bool isStart);
}

/// <summary>The cuts that come before the model, in order.</summary>
internal sealed class PreTokenizer(IReadOnlyList<ICutStep> steps)
{
    internal Pieces Split(string text, bool isStart)
    {
        var pieces = new Pieces(text, [0..text.Length]);
        foreach (var step in steps)
        {
            pieces = step.Apply(pieces, isStart);
        }

        return pieces;
    }
}

/// <summary>GPT-2's option: a space before a text that has none.</summary>
internal sealed class PrefixSpaceStep : ICutStep
{
    public Pieces Apply(Pieces pieces, bool isStart) => pieces.Text is [not ' ', ..]
        ? new Pieces(" " + pieces.Text, [0..(pieces.Text.Length + 1)])
        : pieces;
}
