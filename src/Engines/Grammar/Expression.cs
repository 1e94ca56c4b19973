namespace Souk.Engines.Grammar;

/// <summary>A regular expression as a tree.</summary>
internal abstract record Expression
{
    public sealed record Characters(CharacterSet Set) : Expression;

    public sealed record Sequence(IReadOnlyList<Expression> Items) : Expression;

    public sealed record Either(IReadOnlyList<Expression> Items) : Expression;

    /// <summary><see cref="int.MaxValue"/> as the greatest number is none.</summary>
    public sealed record Repeat(Expression Item, int Least, int Most) : Expression;

    /// <summary>The start of the text, or its end.</summary>
    public sealed record Anchor(bool IsStart) : Expression;
}

/// <summary>Reads the regular expressions of schemas: ECMAScript's, without what is not regular in them.</summary>
internal sealed class ExpressionReader
{
    private const int MostNesting = 32;
    private const int MostRepeats = 1_000;
    private readonly string source;
    private int at;
    private int depth;

    private ExpressionReader(string source) => this.source = source;

    private bool IsOver => at == source.Length;

    /// <exception cref="GrammarRefusal">Malformed, or it needs a construct that is not supported, which the message
    /// names.</exception>
    public static Expression Read(string source)
    {
        var reader = new ExpressionReader(source);
        var read = reader.ReadEither();
        return reader.IsOver ? read : throw reader.Refuse("an unmatched ')'");
    }

    private Expression ReadEither()
    {
        if (++depth > MostNesting)
        {
            throw Refuse("groups nested so deeply");
        }

        List<Expression> items = [ReadSequence()];
        while (Take('|'))
        {
            items.Add(ReadSequence());
        }

        depth--;
        return items.Count == 1 ? items[0] : new Expression.Either(items);
    }

    private Expression.Sequence ReadSequence()
    {
        List<Expression> items = [];
        while (!IsOver && source[at] is not ('|' or ')'))
        {
            items.Add(ReadRepeat());
        }

        return new Expression.Sequence(items);
    }

    private Expression ReadRepeat()
    {
        var item = ReadItem();
        while (!IsOver)
        {
            (int Least, int Most)? count = source[at] switch
            {
                '*' => (0, int.MaxValue),
                '+' => (1, int.MaxValue),
                '?' => (0, 1),
                '{' => ReadCount(),
                _ => null,
            };
            if (count is not { } times)
            {
                break;
            }

            if (item is Expression.Anchor or Expression.Repeat)
            {
                throw Refuse("a repetition of nothing");
            }

            at++;

            // A lazy repetition matches the same texts.
            Take('?');
            item = new Expression.Repeat(item, times.Least, times.Most);
        }

        return item;
    }

    // Leaves the position on the closing brace.
    private (int Least, int Most) ReadCount()
    {
        int end = source.IndexOf('}', at);
        string[] parts = end < 0 ? [] : source[(at + 1)..end].Split(',');
        if (parts.Length is 1 or 2 && Number(parts[0], out int least))
        {
            int most = least;
            if (parts.Length == 1 || parts[1].Length == 0 || Number(parts[1], out most))
            {
                at = end;
                most = parts is [_, ""] ? int.MaxValue : most;
                return least <= most ? (least, most) : throw Refuse("a repetition whose bounds are crossed");
            }
        }

        throw Refuse("'{' that is no repetition of up to 1,000");

        static bool Number(string text, out int value) =>
            int.TryParse(text, System.Globalization.NumberStyles.None,
                System.Globalization.CultureInfo.InvariantCulture, out value) && value <= MostRepeats;
    }

    private Expression ReadItem()
    {
        char first = source[at++];
        switch (first)
        {
            case '(':
                return ReadGroup();
            case '[':
                return new Expression.Characters(ReadClass());
            case '.':
                return new Expression.Characters(CharacterSet.Dot);
            case '^':
                return new Expression.Anchor(true);
            case '$':
                return new Expression.Anchor(false);
            case '*' or '+' or '?' or '{':
                at--;
                throw Refuse("a repetition of nothing");
            case '\\':
                return new Expression.Characters(ReadEscape(isInClass: false).Set);
            default:
                at--;
                int point = ReadPoint();
                return new Expression.Characters(CharacterSet.Of((point, point)));
        }
    }

    private Expression ReadGroup()
    {
        if (Take('?') && !Take(':'))
        {
            throw Refuse("a group that looks around or has a name");
        }

        var inner = ReadEither();
        return Take(')') ? inner : throw Refuse("an unmatched '('");
    }

    private CharacterSet ReadClass()
    {
        bool isNegated = Take('^');
        List<(int, int)> ranges = [];
        while (true)
        {
            if (IsOver)
            {
                throw Refuse("an unmatched '['");
            }

            if (Take(']'))
            {
                break;
            }

            var low = ReadMember();
            if (!IsOver && source[at] == '-' && at + 1 < source.Length && source[at + 1] != ']')
            {
                at++;
                var high = ReadMember();
                if (low.Single is not { } from || high.Single is not { } to || from > to)
                {
                    throw Refuse("a range that is none");
                }

                ranges.Add((from, to));
            }
            else
            {
                ranges.AddRange(low.Set.Ranges);
            }
        }

        var set = CharacterSet.Of([.. ranges]);
        return isNegated ? set.Complement : set;
    }

    private (CharacterSet Set, int? Single) ReadMember()
    {
        if (IsOver)
        {
            throw Refuse("an unmatched '['");
        }

        if (!Take('\\'))
        {
            int point = ReadPoint();
            return (CharacterSet.Of((point, point)), point);
        }

        return ReadEscape(isInClass: true);
    }

    // A character that no answer may hold is an empty set, and still one end of a range.
    private (CharacterSet Set, int? Single) ReadEscape(bool isInClass)
    {
        if (IsOver)
        {
            throw Refuse("a '\\' at the end");
        }

        char letter = source[at++];
        switch (letter)
        {
            case 'd':
                return (CharacterSet.Digits, null);
            case 'D':
                return (CharacterSet.Digits.Complement, null);
            case 'w':
                return (CharacterSet.Word, null);
            case 'W':
                return (CharacterSet.Word.Complement, null);
            case 's':
                return (CharacterSet.Blank, null);
            case 'S':
                return (CharacterSet.Blank.Complement, null);
            default:
                int point = letter switch
                {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'f' => '\f',
                    'v' => '\v',
                    'b' when isInClass => '\b',
                    'x' => ReadHex(2),
                    'u' => ReadUnicode(),
                    _ when char.IsAscii(letter) && !char.IsLetterOrDigit(letter) => letter,
                    '0' when !(at < source.Length && char.IsAsciiDigit(source[at])) => 0,
                    _ => throw Refuse($"'\\{letter}'"),
                };
                return (CharacterSet.Of((point, point)), point);
        }
    }

    private int ReadUnicode()
    {
        if (Take('{'))
        {
            int end = source.IndexOf('}', at);
            int length = end - at;
            if (length is < 1 or > 6)
            {
                throw Refuse("'\\u{' without its end");
            }

            int point = ReadHex(length);
            at++;
            return point;
        }

        int unit = ReadHex(4);
        if (char.IsHighSurrogate((char)unit) && source.AsSpan(at).StartsWith("\\u"))
        {
            at += 2;
            int low = ReadHex(4);
            return char.IsLowSurrogate((char)low)
                ? char.ConvertToUtf32((char)unit, (char)low) : throw Refuse("half of a surrogate pair");
        }

        return unit;
    }

    private int ReadHex(int length)
    {
        int value = 0;
        if (at + length > source.Length
            || !int.TryParse(source.AsSpan(at, length), System.Globalization.NumberStyles.AllowHexSpecifier,
                System.Globalization.CultureInfo.InvariantCulture, out value))
        {
            throw Refuse("an escape without its digits");
        }

        at += length;
        return value;
    }

    private int ReadPoint()
    {
        bool isPair = char.IsHighSurrogate(source[at]) && at + 1 < source.Length
            && char.IsLowSurrogate(source[at + 1]);
        int point = isPair ? char.ConvertToUtf32(source[at], source[at + 1]) : source[at];
        at += isPair ? 2 : 1;
        return point;
    }

    private bool Take(char expected)
    {
        if (IsOver || source[at] != expected)
        {
            return false;
        }

        at++;
        return true;
    }

    private GrammarRefusal Refuse(string what) =>
        new($"a pattern needs {what} at position {at}, which is not supported.");
}
