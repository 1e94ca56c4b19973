using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>Where <see cref="MetaspaceStep"/> puts its mark before a piece, in Hugging Face's words.</summary>
internal enum PrependScheme
{
    Always,
    Never,
    First,
}

/// <summary>
/// SentencePiece's way with spaces: each becomes a visible mark, one more may be put in front, and the text is cut
/// before each mark.
/// </summary>
internal sealed class MetaspaceStep(char mark, PrependScheme scheme, bool splits) : ICutStep
{
    public Pieces Apply(Pieces pieces, bool isStart)
    {
        var text = new StringBuilder(pieces.Text.Length + 8);
        var ranges = new List<Range>(pieces.Ranges.Count);
        foreach (var range in pieces.Ranges)
        {
            var (offset, length) = range.GetOffsetAndLength(pieces.Text.Length);
            var piece = pieces.Text.AsSpan(offset, length);
            var from = text.Length;
            var isMarked = scheme == PrependScheme.Always || (scheme == PrependScheme.First && isStart && offset == 0);
            if (isMarked && piece[0] != ' ' && piece[0] != mark)
            {
                text.Append(mark);
            }

            foreach (var unit in piece)
            {
                var isMark = unit == ' ' || unit == mark;
                if (isMark && splits && text.Length > from)
                {
                    ranges.Add(from..text.Length);
                    from = text.Length;
                }

                text.Append(isMark ? mark : unit);
            }

            ranges.Add(from..text.Length);
        }

        return new Pieces(text.ToString(), ranges);
    }
}
