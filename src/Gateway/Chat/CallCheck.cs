using System.Globalization;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;

namespace Souk.Gateway.Chat;

/// <summary>Whether calls of tools are what the token ids say, where the model writes calls as JSON: names and
/// arguments appear in the decoded text in order. Servers write arguments anew, so white space and escapes may differ,
/// and numbers by their form.</summary>
internal static class CallCheck
{
    // Decoded text is a stranger's, and may begin like the arguments in very many places.
    private const int MostPlaces = 256;

    /// <summary>Whether all calls appear behind a position of the text.</summary>
    /// <param name="decoded">What the ids say.</param>
    /// <param name="from">Where the content ends, in UTF-16 units.</param>
    /// <param name="calls">As received; the arguments of the last may be cut off.</param>
    public static bool AreIn(string decoded, int from, IReadOnlyList<ToolCall> calls)
    {
        var at = from;
        foreach (var call in calls)
        {
            var name = JsonSerializer.Serialize(call.Name, Relaxed);
            if (decoded.IndexOf(name, at, StringComparison.Ordinal) < 0)
            {
                return false;
            }

            if (call.Arguments.Length == 0)
            {
                continue;
            }

            var end = -1;
            var start = at;
            for (var place = 0; place < MostPlaces && end < 0; place++)
            {
                start = decoded.IndexOf(call.Arguments.TrimStart()[..1], start, StringComparison.Ordinal);
                if (start < 0)
                {
                    return false;
                }

                end = Match(decoded, start++, call.Arguments);
            }

            if (end < 0)
            {
                return false;
            }

            at = end;
        }

        return true;
    }

    private static readonly JsonSerializerOptions Relaxed =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // The end of a JSON value in the text that is the same as another, or begins like one that was cut off; or -1.
    private static int Match(string decoded, int start, string value)
    {
        var at = start;
        var read = 0;
        while (Token(value, ref read) is { Length: > 0 } expected)
        {
            var found = Token(decoded, ref at);
            var isCut = read == value.Length && IsCut(expected);
            if (isCut ? !StartsLike(found, expected) : !IsSame(found, expected))
            {
                return -1;
            }
        }

        return at;
    }

    private static bool IsSame(string found, string expected) => found == expected
        || (expected[0] == '"' && Unescape(found) is { } text && text == Unescape(expected))
        || (IsNumber(found, out var number) && IsNumber(expected, out var other) && number.Equals(other));

    private static bool StartsLike(string found, string expected) => expected[0] == '"'
        ? Unescape(found) is { } whole && Unescape(expected) is { } begun
            && whole.StartsWith(begun, StringComparison.Ordinal)
        : found.StartsWith(expected, StringComparison.Ordinal);

    // Whether what follows might belong to it: a string without its closing quote, or a number or word at the end.
    private static bool IsCut(string token) => token[0] == '"'
        ? token.Length == 1 || token[^1] != '"' || IsEscaped(token) : char.IsLetterOrDigit(token[^1]);

    private static bool IsEscaped(string token)
    {
        var count = 0;
        for (var at = token.Length - 2; at > 0 && token[at] == '\\'; at--)
        {
            count++;
        }

        return count % 2 == 1;
    }

    // The next token: a mark, a string with its quotes, or a run of other characters; "" at the end.
    private static string Token(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\n' or '\r' or '\t')
        {
            at++;
        }

        if (at >= text.Length)
        {
            return "";
        }

        var start = at++;
        if (text[start] == '"')
        {
            while (at < text.Length && text[at] != '"')
            {
                at += text[at] == '\\' ? 2 : 1;
            }

            at = Math.Min(at + 1, text.Length);
        }
        else if (!IsMark(text[start]))
        {
            while (at < text.Length && !IsMark(text[at]) && text[at] is not (' ' or '\n' or '\r' or '\t' or '"'))
            {
                at++;
            }
        }

        return text[start..at];
    }

    private static bool IsMark(char letter) => letter is '{' or '}' or '[' or ']' or ':' or ',';

    private static bool IsNumber(string token, out double number) =>
        double.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out number);

    // The text of a string that may lack its end; null where it is none.
    private static string? Unescape(string token)
    {
        if (token.Length == 0 || token[0] != '"')
        {
            return null;
        }

        var inner = token[1..];
        inner = inner.EndsWith('"') && !IsEscaped(token) ? inner[..^1] : inner;
        var text = new StringBuilder();
        for (var at = 0; at < inner.Length; at++)
        {
            if (inner[at] != '\\')
            {
                text.Append(inner[at]);
                continue;
            }

            if (++at >= inner.Length)
            {
                break;
            }

            if (inner[at] == 'u')
            {
                var digits = inner.AsSpan(Math.Min(at + 1, inner.Length));
                if (digits.Length < 4 || !int.TryParse(
                    digits[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit))
                {
                    break;
                }

                text.Append((char)unit);
                at += 4;
                continue;
            }

            text.Append(inner[at] switch
            {
                'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', var other => other,
            });
        }

        return text.ToString();
    }
}
