namespace Souk.OpenAi.Tokens;

/// <summary>
/// BERT's WordPiece: from the left, the longest token that fits; a word in which none fits somewhere is one unknown
/// token, and so is a word that is too long.
/// </summary>
/// <param name="prefix">What marks a token that goes on within a word, such as "##".</param>
/// <param name="longest">Characters of the longest word that is looked at.</param>
internal sealed class WordPieces(
    Dictionary<string, int> vocabulary, int unknownId, string prefix, int longest) : ITokenModel
{
    private readonly int _longestToken = vocabulary.Keys.Max(token => token.Length);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids =
        vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        var kept = ids.Count;
        if (Length(piece) > longest)
        {
            ids.Add(unknownId);
            return;
        }

        Span<char> candidate = new char[prefix.Length + piece.Length];
        prefix.CopyTo(candidate);
        for (var start = 0; start < piece.Length;)
        {
            var rest = piece[start..];
            rest.CopyTo(candidate[prefix.Length..]);
            var from = start == 0 ? prefix.Length : 0;
            var length = Math.Min(rest.Length, _longestToken);
            length -= char.IsHighSurrogate(rest[length - 1]) ? 1 : 0;
            int id;
            while (length == 0 || !_ids.TryGetValue(candidate[from..(prefix.Length + length)], out id))
            {
                length -= length > 1 && char.IsLowSurrogate(rest[length - 1]) ? 2 : 1;
                if (length <= 0)
                {
                    ids.RemoveRange(kept, ids.Count - kept);
                    ids.Add(unknownId);
                    return;
                }
            }

            ids.Add(id);
            start += length;
        }
    }

    private static int Length(ReadOnlySpan<char> piece)
    {
        var length = 0;
        foreach (var unit in piece)
        {
            length += char.IsLowSurrogate(unit) ? 0 : 1;
        }

        return length;
    }
}
