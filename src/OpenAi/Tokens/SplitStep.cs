using System.Text.RegularExpressions;

namespace Souk.OpenAi.Tokens;

/// <summary>What happens to the separators that a split finds, in Hugging Face's words.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>One cut of a text into pieces by a pattern.</summary>
internal sealed class SplitStep(Regex pattern, SplitBehavior behavior, bool inverted) : ICutStep
{
    public Pieces Apply(Pieces pieces, bool isStart)
    {
        var finer = new List<Range>(pieces.Ranges.Count);
        foreach (var piece in pieces.Ranges)
        {
            Apply(pieces.Text, piece, finer);
        }

        return pieces with { Ranges = finer };
    }

    /// <summary>Adds the non-empty pieces of one piece, as ranges of the whole text.</summary>
    private void Apply(string text, Range piece, List<Range> output)
    {
        var (offset, length) = piece.GetOffsetAndLength(text.Length);
        var shadow = ShadowText.Of(offset == 0 && length == text.Length ? text : text.Substring(offset, length));
        var cuts = Cuts(shadow, offset);
        switch (behavior)
        {
            case SplitBehavior.Removed:
                cuts.RemoveAll(cut => cut.IsMatch);
                break;
            case SplitBehavior.Contiguous:
                Merge(cuts, (previous, current) => previous.IsMatch == current.IsMatch);
                break;
            case SplitBehavior.MergedWithPrevious:
                Merge(cuts, (previous, current) => current.IsMatch && !previous.IsMatch);
                break;
            case SplitBehavior.MergedWithNext:
                Merge(cuts, (previous, current) => previous.IsMatch && !current.IsMatch);
                break;
        }

        foreach (var cut in cuts)
        {
            output.Add(cut.Start..cut.End);
        }
    }

    /// <summary>Matches and what lies between them, in order, without empty pieces.</summary>
    private List<Cut> Cuts(ShadowText shadow, int offset)
    {
        var cuts = new List<Cut>();
        var from = 0;
        foreach (var match in pattern.EnumerateMatches(shadow.Text))
        {
            Add(from, match.Index, inverted);
            Add(match.Index, match.Index + match.Length, !inverted);
            from = match.Index + match.Length;
        }

        Add(from, shadow.Text.Length, inverted);
        return cuts;

        void Add(int start, int end, bool isMatch)
        {
            if (end > start)
            {
                cuts.Add(new Cut(offset + shadow.Origin(start), offset + shadow.Origin(end), isMatch));
            }
        }
    }

    private static void Merge(List<Cut> cuts, Func<Cut, Cut, bool> joins)
    {
        var kept = 0;
        for (var i = 1; i < cuts.Count; i++)
        {
            // The flag compared is that of the cut right before, not of the piece it was merged into.
            var previous = cuts[i - 1];
            if (joins(previous, cuts[i]))
            {
                cuts[i] = cuts[i] with { Start = cuts[kept].Start };
                cuts[kept] = cuts[i];
            }
            else
            {
                cuts[++kept] = cuts[i];
            }
        }

        if (cuts.Count > 0)
        {
            cuts.RemoveRange(kept + 1, cuts.Count - kept - 1);
        }
    }

    private readonly record struct Cut(int Start, int End, bool IsMatch);
}
