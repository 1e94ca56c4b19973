using System.Globalization;
using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>
/// Python's string methods, where they differ from .NET's: white space, splitting, and positions that count characters
/// rather than UTF-16 units.
/// </summary>
internal static class PythonText
{
    internal static bool IsSpace(char character) => char.IsWhiteSpace(character)
        || character is >= '\x1c' and <= '\x1f';

    internal static string Strip(string text, string? characters) => StripStart(StripEnd(text, characters), characters);

    internal static string StripStart(string text, string? characters)
    {
        var start = 0;
        while (start < text.Length && IsStripped(text[start], characters))
        {
            start++;
        }

        return text[start..];
    }

    internal static string StripEnd(string text, string? characters)
    {
        var end = text.Length;
        while (end > 0 && IsStripped(text[end - 1], characters))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary>str.split; a negative <paramref name="most"/> means no bound.</summary>
    internal static List<object?> Split(string text, string? separator, long most)
    {
        var parts = new List<object?>();
        if (separator is null)
        {
            var at = 0;
            while (true)
            {
                while (at < text.Length && IsSpace(text[at]))
                {
                    at++;
                }

                if (at == text.Length)
                {
                    return parts;
                }

                if (most >= 0 && parts.Count >= most)
                {
                    parts.Add(StripEnd(text[at..], null));
                    return parts;
                }

                var start = at;
                while (at < text.Length && !IsSpace(text[at]))
                {
                    at++;
                }

                parts.Add(text[start..at]);
            }
        }

        if (separator.Length == 0)
        {
            throw new RenderFailure("the chat template splits by an empty separator");
        }

        var from = 0;
        while (most < 0 || parts.Count < most)
        {
            var found = text.IndexOf(separator, from, StringComparison.Ordinal);
            if (found < 0)
            {
                break;
            }

            parts.Add(text[from..found]);
            from = found + separator.Length;
        }

        parts.Add(text[from..]);
        return parts;
    }

    /// <summary>str.rsplit with a separator.</summary>
    internal static List<object?> SplitFromEnd(string text, string separator, long most)
    {
        var parts = Split(text, separator, -1);
        if (most < 0 || parts.Count <= most + 1)
        {
            return parts;
        }

        var merged = parts.Count - (int)most;
        var head = string.Join(separator, parts.Take(merged));
        return [head, .. parts.Skip(merged)];
    }

    internal static List<object?> SplitLines(string text)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Split('\n').ToList();
        if (lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return [.. lines];
    }

    internal static string Replace(string text, string old, string by, long most)
    {
        if (most < 0 && old.Length > 0)
        {
            return text.Replace(old, by, StringComparison.Ordinal);
        }

        if (old.Length == 0)
        {
            throw new RenderFailure("the chat template replaces an empty string");
        }

        var result = new StringBuilder();
        var from = 0;
        for (var done = 0L; done < most; done++)
        {
            var found = text.IndexOf(old, from, StringComparison.Ordinal);
            if (found < 0)
            {
                break;
            }

            result.Append(text, from, found - from).Append(by);
            from = found + old.Length;
        }

        return result.Append(text, from, text.Length - from).ToString();
    }

    internal static string Capitalize(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    /// <summary>str.title: a letter after anything that is no letter is upper case.</summary>
    internal static string Title(string text)
    {
        var afterLetter = false;
        return string.Create(text.Length, text, (span, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                span[i] = afterLetter ? char.ToLowerInvariant(source[i]) : char.ToUpperInvariant(source[i]);
                afterLetter = char.IsLetter(source[i]);
            }
        });
    }

    internal static int Length(string text)
    {
        var count = text.Length;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            count -= char.IsSurrogatePair(text[i], text[i + 1]) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The characters of a text, each as a string; a text without surrogates needs no decoding.</summary>
    internal static List<string> Characters(string text)
    {
        var characters = new List<string>(text.Length);
        var elements = text.AsSpan();
        while (!elements.IsEmpty)
        {
            var width = Rune.DecodeFromUtf16(elements, out _, out var consumed) == System.Buffers.OperationStatus.Done
                ? consumed
                : 1;
            characters.Add(elements[..width].ToString());
            elements = elements[width..];
        }

        return characters;
    }

    /// <summary>repr of a float: as short as it round-trips, with a point or an exponent.</summary>
    internal static string OfReal(double value)
    {
        if (double.IsNaN(value) || double.IsInfinity(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        var size = Math.Abs(value);
        if (size != 0 && size is >= 1e16 or < 1e-4 && size != 0)
        {
            var text = value.ToString("E16", CultureInfo.InvariantCulture);
            var shortest = value.ToString("R", CultureInfo.InvariantCulture);
            var exponent = int.Parse(text.AsSpan(text.IndexOf('E', StringComparison.Ordinal) + 1),
                CultureInfo.InvariantCulture);
            var digits = shortest.Contains('E', StringComparison.Ordinal)
                ? shortest[..shortest.IndexOf('E', StringComparison.Ordinal)]
                : Mantissa(shortest);
            return $"{digits}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        var plain = value.ToString("R", CultureInfo.InvariantCulture);
        if (plain.Contains('E', StringComparison.Ordinal))
        {
            plain = ((decimal)value).ToString(CultureInfo.InvariantCulture);
        }

        return plain.Contains('.', StringComparison.Ordinal) ? plain : plain + ".0";
    }

    private static string Mantissa(string plain)
    {
        var sign = plain.StartsWith('-') ? "-" : "";
        var digits = plain.TrimStart('-').Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        return sign + (digits.Length == 1 ? digits : digits[0] + "." + digits[1..]);
    }

    private static bool IsStripped(char character, string? characters) =>
        characters is null ? IsSpace(character) : characters.Contains(character, StringComparison.Ordinal);
}
