namespace Souk.Engines.Tests.Grammar;

/// <summary>A plain recursive reader of JSON objects as an engine writes them, which knows of each text whether it may
/// be the beginning of one. Slow, and without anything in common with the automata that it judges.</summary>
internal sealed class ReferenceJson(byte[] text)
{
    private const int Wrong = -1;
    private const int Over = int.MaxValue;

    /// <summary>Whether some continuation makes the text a whole object.</summary>
    public static bool IsBeginning(byte[] text) =>
        new ReferenceJson(text).Object(0) is var end && (end == Over || end == text.Length);

    public static bool IsWhole(byte[] text) => new ReferenceJson(text).Object(0) == text.Length;

    private int Value(int at)
    {
        if (at >= text.Length)
        {
            return Over;
        }

        return (char)text[at] switch
        {
            '{' => Object(at),
            '[' => Array(at),
            '"' => String(at),
            't' => Word(at, "true"),
            'f' => Word(at, "false"),
            'n' => Word(at, "null"),
            _ => Number(at),
        };
    }

    private int Object(int at) => Items(at, '{', '}', start =>
    {
        int colon = String(start);
        if (colon is Wrong or Over)
        {
            return colon;
        }

        int after = Take(colon, ':');
        return after is Wrong or Over ? after : Blank(after) is var value && value == Over ? Over : Value(value);
    });

    private int Array(int at) => Items(at, '[', ']', Value);

    private int Items(int at, char open, char close, Func<int, int> item)
    {
        at = Take(at, open);
        if (at is Wrong or Over || Blank(at) is not (>= 0 and < Over and var next))
        {
            return at == Wrong ? Wrong : Over;
        }

        if (next < text.Length && text[next] == close)
        {
            return next + 1;
        }

        while (true)
        {
            int end = item(next);
            if (end is Wrong or Over)
            {
                return end;
            }

            if (end >= text.Length)
            {
                return Over;
            }

            if (text[end] == ',')
            {
                next = Blank(end + 1);
                if (next == Over)
                {
                    return Over;
                }

                continue;
            }

            int last = Blank(end);
            return last == Over ? Over : Take(last, close);
        }
    }

    // No blank, one space, or a line end and up to 20 spaces.
    private int Blank(int at)
    {
        if (at >= text.Length)
        {
            return Over;
        }

        if (text[at] == ' ')
        {
            return at + 1 < text.Length ? at + 1 : Over;
        }

        if (text[at] != '\n')
        {
            return at;
        }

        int end = at + 1;
        while (end < text.Length && text[end] == ' ' && end - at <= 20)
        {
            end++;
        }

        return end < text.Length ? end : Over;
    }

    private int String(int at)
    {
        at = Take(at, '"');
        while (at is not (Wrong or Over))
        {
            if (at >= text.Length)
            {
                return Over;
            }

            switch (text[at])
            {
                case (byte)'"':
                    return at + 1;
                case (byte)'\\':
                    at = Escape(at + 1);
                    break;
                case < 0x20:
                    return Wrong;
                default:
                    at = Character(at);
                    break;
            }
        }

        return at;
    }

    private int Escape(int at)
    {
        if (at >= text.Length)
        {
            return Over;
        }

        if (text[at] != 'u')
        {
            return "\"\\/bfnrt".Contains((char)text[at], StringComparison.Ordinal) ? at + 1 : Wrong;
        }

        string hex = "";
        for (int i = at + 1; i < Math.Min(at + 5, text.Length); i++)
        {
            hex += (char)text[i];
        }

        if (!hex.All(char.IsAsciiHexDigit) || (hex.Length >= 2 && Convert.ToInt32(hex[..2], 16) is >= 0xD8 and <= 0xDF))
        {
            return Wrong;
        }

        return hex.Length == 4 ? at + 5 : Over;
    }

    private int Character(int at)
    {
        var status = System.Text.Rune.DecodeFromUtf8(text.AsSpan(at), out _, out int length);
        return status switch
        {
            System.Buffers.OperationStatus.Done => at + length,
            System.Buffers.OperationStatus.NeedMoreData => Over,
            _ => Wrong,
        };
    }

    private int Number(int at)
    {
        int from = at;
        int digits = 0;
        int Digits(int most)
        {
            int count = 0;
            while (at < text.Length && char.IsAsciiDigit((char)text[at]))
            {
                count++;
                at++;
            }

            return count <= most ? count : Wrong;
        }

        at += text[at] == '-' ? 1 : 0;
        if (at >= text.Length)
        {
            return Over;
        }

        bool isZero = text[at] == '0';
        digits = Digits(15);
        if (digits < 1 || (isZero && digits > 1))
        {
            return Wrong;
        }

        if (at < text.Length && text[at] == '.')
        {
            at++;
            int behind = Digits(15 - digits);
            if (behind == 0 && at >= text.Length)
            {
                return digits < 15 ? Over : Wrong;
            }

            if (behind < 1)
            {
                return Wrong;
            }
        }

        if (at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            at += at < text.Length && text[at] is (byte)'+' or (byte)'-' ? 1 : 0;
            int count = Digits(2);
            if (count == 0 && at >= text.Length)
            {
                return Over;
            }

            if (count < 1)
            {
                return Wrong;
            }
        }

        return at >= text.Length && at > from ? Over : at;
    }

    private int Word(int at, string word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            if (at + i >= text.Length)
            {
                return Over;
            }

            if (text[at + i] != word[i])
            {
                return Wrong;
            }
        }

        return at + word.Length;
    }

    private int Take(int at, char expected) =>
        at >= text.Length ? Over : text[at] == expected ? at + 1 : Wrong;
}
