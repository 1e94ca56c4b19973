using System.Buffers;

namespace Souk.OpenAi.Tokens;

/// <summary>A token that is found in the text before anything else is cut.</summary>
internal sealed record AddedToken(int Id, string Content, bool IsSpecial, bool StripsLeft, bool StripsRight);

/// <summary>
/// Finds added tokens in a text: leftmost first, the longest of those that start together, as Hugging Face's
/// added vocabulary does. Safe for concurrent use.
/// </summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<string, AddedToken>.AlternateLookup<ReadOnlySpan<char>> _byContent;

    /// <summary>Lengths of the tokens that start with a character, longest first: thousands of tokens have few lengths.
    /// </summary>
    private readonly Dictionary<char, int[]> _lengths;
    private readonly SearchValues<char> _firsts;

    internal AddedTokens(IEnumerable<AddedToken> tokens)
    {
        var byContent = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        foreach (var token in tokens)
        {
            byContent.TryAdd(token.Content, token);
        }

        _byContent = byContent.GetAlternateLookup<ReadOnlySpan<char>>();
        _lengths = byContent.Keys.GroupBy(content => content[0]).ToDictionary(
            group => group.Key,
            group => group.Select(content => content.Length).Distinct().OrderDescending().ToArray());
        _firsts = SearchValues.Create([.. _lengths.Keys]);
    }

    internal bool IsEmpty => _lengths.Count == 0;

    /// <summary>Calls back with each stretch of ordinary text and each token, in order.</summary>
    internal void Split(string text, bool parseSpecial, Action<Range> onText, Action<AddedToken> onToken)
    {
        var from = 0;
        var at = 0;
        while (Next(text, at) is (var start, { } token))
        {
            var end = start + token.Content.Length;
            at = end;
            if (token.IsSpecial && !parseSpecial)
            {
                continue;
            }

            if (token.StripsLeft)
            {
                start = Math.Max(text.AsSpan(0, start).TrimEnd().Length, from);
            }

            if (token.StripsRight)
            {
                end = text.Length - text.AsSpan(end).TrimStart().Length;
            }

            if (from < start)
            {
                onText(from..start);
            }

            onToken(token);
            from = end;
        }

        if (from < text.Length)
        {
            onText(from..text.Length);
        }
    }

    private (int Start, AddedToken? Token) Next(string text, int from)
    {
        for (var at = from; at < text.Length; at++)
        {
            var skip = text.AsSpan(at).IndexOfAny(_firsts);
            if (skip < 0)
            {
                break;
            }

            at += skip;
            foreach (var length in _lengths[text[at]])
            {
                if (at + length <= text.Length && _byContent.TryGetValue(text.AsSpan(at, length), out var token))
                {
                    return (at, token);
                }
            }
        }

        return (0, null);
    }
}
