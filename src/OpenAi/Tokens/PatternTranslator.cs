using System.Text;
using System.Text.RegularExpressions;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// Carries a split pattern over from Oniguruma's syntax, in which tokenizer files are written, to .NET's. Only what
/// means
/// the same in both passes; the rest is refused by name, because a wrong split is a wrong count. Repetitions of
/// something that itself repeats without bound are refused too, since they can take exponential time.
/// </summary>
internal sealed class PatternTranslator
{
    private const int MaxLength = 8_192;
    private const int MaxDepth = 32;

    private static readonly HashSet<string> _categories =
    [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No",
        "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc",
    ];

    private readonly string _source;
    private readonly StringBuilder _output = new();
    private int _at;

    private PatternTranslator(string source) => _source = source;

    /// <summary>The compiled pattern. Throws <see cref="TokenizerRefusal"/>.</summary>
    internal static Regex Translate(string source)
    {
        if (source.Length is 0 or > MaxLength)
        {
            throw new TokenizerRefusal("regex", $"a pattern of {source.Length} characters");
        }

        var translator = new PatternTranslator(source);
        translator.Alternatives(0);
        if (translator._at < source.Length)
        {
            throw Refuse("unbalanced )");
        }

        try
        {
            // The time limit is the last resort against a hostile pattern; ordinary ones never come near it.
            return new Regex(
                translator._output.ToString(), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
        }
        catch (ArgumentException)
        {
            throw Refuse(source);
        }
    }

    private static TokenizerRefusal Refuse(string what) => new("regex", $"the pattern construct {what}");

    private char Peek(int ahead = 0) => _at + ahead < _source.Length ? _source[_at + ahead] : '\0';

    private char Take() => _at < _source.Length ? _source[_at++] : throw Refuse("cut off");

    /// <summary>
    /// Translates up to a closing parenthesis or the end; true when something inside repeats without bound.
    /// </summary>
    private bool Alternatives(int depth)
    {
        if (depth > MaxDepth)
        {
            throw Refuse("nested too deep");
        }

        var repeats = false;
        while (_at < _source.Length && Peek() != ')')
        {
            if (Peek() == '|')
            {
                _output.Append(Take());
                continue;
            }

            repeats |= Quantified(depth);
        }

        return repeats;
    }

    private bool Quantified(int depth)
    {
        var start = _output.Length;
        var innerRepeats = Atom(depth);
        var unbounded = false;
        switch (Peek())
        {
            case '*' or '+':
                unbounded = true;
                _output.Append(Take());
                break;
            case '?':
                _output.Append(Take());
                break;
            case '{':
                unbounded = Braces();
                break;
            default:
                return innerRepeats;
        }

        if (innerRepeats && unbounded)
        {
            throw Refuse("repetition of a repetition");
        }

        if (Peek() == '+' && _source[_at - 1] != '}')
        {
            // A possessive quantifier; .NET writes it as an atomic group.
            _at++;
            _output.Insert(start, "(?>").Append(')');
        }
        else if (Peek() == '?')
        {
            _output.Append(Take());
        }
        else if (Peek() is '*' or '+' or '{')
        {
            throw Refuse("stacked quantifiers");
        }

        return innerRepeats || unbounded;
    }

    private bool Braces()
    {
        var close = _source.IndexOf('}', _at);
        var body = close < 0 ? "" : _source[(_at + 1)..close];
        var parts = body.Split(',');
        if (parts.Length > 2 || parts[0].Length is 0 or > 3 || !parts.All(part => part.All(char.IsAsciiDigit)))
        {
            throw Refuse("{" + body);
        }

        _output.Append('{').Append(body).Append('}');
        _at = close + 1;
        return parts is [_, ""];
    }

    private bool Atom(int depth)
    {
        switch (Take())
        {
            case '(':
                return Group(depth);
            case '[':
                Class();
                return false;
            case '\\':
                Escape(inClass: false);
                return false;
            case '.':
                _output.Append('.');
                return false;
            case '^' or '$':
                throw Refuse("anchor");
            case '*' or '+' or '?' or '{':
                throw Refuse("a quantifier without an operand");
            case var literal:
                Literal(literal);
                return false;
        }
    }

    private bool Group(int depth)
    {
        string[] known = ["?:", "?i:", "?=", "?!", "?<=", "?<!", "?>"];
        if (Peek() == '?')
        {
            var kind = known.FirstOrDefault(k => string.CompareOrdinal(_source, _at, k, 0, k.Length) == 0)
                ?? throw Refuse("group (" + _source.AsSpan(_at, Math.Min(3, _source.Length - _at)).ToString());
            _output.Append('(').Append(kind);
            _at += kind.Length;
        }
        else
        {
            // Captures are never read, so a plain group costs less without one.
            _output.Append("(?:");
        }

        var repeats = Alternatives(depth + 1);
        if (Take() != ')')
        {
            throw Refuse("unbalanced (");
        }

        _output.Append(')');
        return repeats;
    }

    private void Class()
    {
        _output.Append('[');
        if (Peek() == '^')
        {
            _output.Append(Take());
        }

        if (Peek() == ']')
        {
            throw Refuse("empty class");
        }

        while (true)
        {
            switch (Take())
            {
                case ']':
                    _output.Append(']');
                    return;
                case '[':
                    throw Refuse("nested class");
                case '&' when Peek() == '&':
                    throw Refuse("class intersection");
                case '\\':
                    Escape(inClass: true);
                    break;
                case '-':
                    // Between two ends it is a range; .NET could read it as a subtraction only before '['.
                    _output.Append('-');
                    break;
                case var literal:
                    Literal(literal);
                    break;
            }
        }
    }

    private void Literal(char literal)
    {
        if (char.IsSurrogate(literal))
        {
            throw Refuse("a character beyond U+FFFF");
        }

        // Hexadecimal keeps white space and every punctuation mark literal in .NET, inside and outside of a class.
        if (char.IsAsciiLetterOrDigit(literal))
        {
            _output.Append(literal);
        }
        else
        {
            _output.Append($"\\u{(int)literal:x4}");
        }
    }

    private void Escape(bool inClass)
    {
        var escaped = Take();
        switch (escaped)
        {
            case 'p' or 'P':
                Category(escaped);
                break;
            case 's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v':
                _output.Append('\\').Append(escaped);
                break;
            case 'u' or 'x':
                Hexadecimal(escaped);
                break;
            case var other when !char.IsAsciiLetterOrDigit(other):
                Literal(other);
                break;
            default:
                throw Refuse($"\\{escaped}{(inClass ? " in a class" : "")}");
        }
    }

    private void Category(char escaped)
    {
        var close = _source.IndexOf('}', _at);
        if (Peek() != '{' || close < 0 || !_categories.Contains(_source[(_at + 1)..close]))
        {
            throw Refuse($"\\{escaped}{_source.AsSpan(_at, Math.Min(12, _source.Length - _at))}");
        }

        _output.Append('\\').Append(escaped).Append(_source, _at, close + 1 - _at);
        _at = close + 1;
    }

    private void Hexadecimal(char escaped)
    {
        var digits = escaped == 'u' ? 4 : 2;
        var text = _at + digits <= _source.Length ? _source.Substring(_at, digits) : "";
        if (text.Length == 0 || !text.All(char.IsAsciiHexDigit))
        {
            throw Refuse($"\\{escaped}");
        }

        _at += digits;
        var value = Convert.ToInt32(text, 16);
        if (escaped == 'x' && value > 0x7F)
        {
            // Oniguruma would read a raw byte here.
            throw Refuse("\\x above 7F");
        }

        Literal((char)value);
    }
}
