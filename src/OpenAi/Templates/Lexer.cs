using System.Globalization;
using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>
/// Cuts a template into tokens as Jinja does with trim_blocks and lstrip_blocks on, which is how chat templates are
/// meant to be read: the line end after a block tag goes, and so do blanks before a block tag that begins its line.
/// </summary>
internal sealed class Lexer
{
    private static readonly string[] _operators =
    [
        "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}",
        ",", ":", ".", "|",
    ];

    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private bool _startsLine = true;

    private Lexer(string source)
    {
        _source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (_source.EndsWith('\n'))
        {
            // Jinja drops one line end at the end of the file.
            _source = _source[..^1];
        }
    }

    internal static List<Token> Scan(string source)
    {
        var lexer = new Lexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _source.Length)
        {
            var tag = NextTag(_at);
            if (tag < 0)
            {
                AddData(_source[_at..]);
                break;
            }

            var text = _source[_at..tag];
            var kind = _source[tag + 1];
            var sign = tag + 2 < _source.Length ? _source[tag + 2] : '\0';
            var kept = Left(text, kind, sign);
            AddData(kept);
            _line += text.AsSpan(kept.Length).Count('\n');
            _at = tag + 2 + (sign is '-' or '+' ? 1 : 0);
            switch (kind)
            {
                case '#':
                    Comment();
                    break;
                case '%' when IsRaw(out var bodyStart):
                    Raw(bodyStart);
                    break;
                default:
                    Tag(kind);
                    break;
            }
        }

        _tokens.Add(new Token(TokenKind.End, "", _line));
    }

    private int NextTag(int from)
    {
        while (true)
        {
            var brace = _source.IndexOf('{', from);
            if (brace < 0 || brace + 1 >= _source.Length)
            {
                return -1;
            }

            if (_source[brace + 1] is '{' or '%' or '#')
            {
                return brace;
            }

            from = brace + 1;
        }
    }

    /// <summary>What remains of the text before a tag.</summary>
    private string Left(string text, char kind, char sign)
    {
        if (sign == '-')
        {
            return PythonText.StripEnd(text, null);
        }

        if (kind == '{' || sign == '+')
        {
            return text;
        }

        var lineStart = text.LastIndexOf('\n') + 1;
        var isBlank = lineStart < text.Length && text.AsSpan(lineStart).IsWhiteSpace();
        return (lineStart > 0 || _startsLine) && isBlank ? text[..lineStart] : text;
    }

    private void AddData(string text)
    {
        if (text.Length > 0)
        {
            _tokens.Add(new Token(TokenKind.Data, text, _line));
            _line += text.AsSpan().Count('\n');
        }
    }

    /// <summary>Passes over a tag's end; the sign and the kind say how much white space goes with it.</summary>
    private void Right(char sign, bool trimsLine)
    {
        var from = _at;
        if (sign == '-')
        {
            while (_at < _source.Length && PythonText.IsSpace(_source[_at]))
            {
                _at++;
            }
        }
        else if (trimsLine && sign != '+' && _at < _source.Length && _source[_at] == '\n')
        {
            _at++;
        }

        _line += _source.AsSpan(from, _at - from).Count('\n');
        _startsLine = _at > from && _source[_at - 1] == '\n';
    }

    private void Comment()
    {
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new TemplateRefusal("a comment without an end", _line);
        }

        _line += _source.AsSpan(_at, end - _at).Count('\n');
        var sign = _source[end - 1] is '-' or '+' && end > _at ? _source[end - 1] : '\0';
        _at = end + 2;
        Right(sign, trimsLine: true);
    }

    private bool IsRaw(out int bodyStart)
    {
        bodyStart = 0;
        var close = _source.IndexOf("%}", _at, StringComparison.Ordinal);
        if (close < 0 || _source[_at..close].Trim(' ', '\t', '\n', '-', '+') != "raw")
        {
            return false;
        }

        bodyStart = close + 2;
        return true;
    }

    private void Raw(int bodyStart)
    {
        _line += _source.AsSpan(_at, bodyStart - _at).Count('\n');
        var sign = _source[bodyStart - 3];
        _at = bodyStart;
        Right(sign, trimsLine: true);
        var search = _at;
        while (true)
        {
            var open = _source.IndexOf("{%", search, StringComparison.Ordinal);
            var close = open < 0 ? -1 : _source.IndexOf("%}", open, StringComparison.Ordinal);
            if (close < 0)
            {
                throw new TemplateRefusal("raw without endraw", _line);
            }

            if (_source[(open + 2)..close].Trim(' ', '\t', '\n', '-', '+') == "endraw")
            {
                var text = _source[_at..open];
                var kept = Left(text, '%', _source[open + 2]);
                AddData(kept);
                _line += text.AsSpan(kept.Length).Count('\n');
                _at = close + 2;
                Right(_source[close - 1], trimsLine: true);
                return;
            }

            search = open + 2;
        }
    }

    private void Tag(char kind)
    {
        var isBlock = kind == '%';
        _tokens.Add(new Token(isBlock ? TokenKind.BlockBegin : TokenKind.OutputBegin, "", _line));
        var end = isBlock ? "%}" : "}}";
        var open = new Stack<char>();
        while (true)
        {
            SkipBlanks();
            if (_at >= _source.Length)
            {
                throw new TemplateRefusal("a tag without an end", _line);
            }

            var sign = _source[_at] is '-' or '+' ? _source[_at] : '\0';
            var width = sign == '\0' ? 0 : 1;
            if (open.Count == 0 && string.CompareOrdinal(_source, _at + width, end, 0, 2) == 0)
            {
                _at += width + 2;
                _tokens.Add(new Token(isBlock ? TokenKind.BlockEnd : TokenKind.OutputEnd, "", _line));
                Right(sign, trimsLine: isBlock);
                return;
            }

            Next(open);
        }
    }

    private void SkipBlanks()
    {
        while (_at < _source.Length && PythonText.IsSpace(_source[_at]))
        {
            _line += _source[_at] == '\n' ? 1 : 0;
            _at++;
        }
    }

    private void Next(Stack<char> open)
    {
        var first = _source[_at];
        if (char.IsAsciiLetter(first) || first == '_')
        {
            var end = _at + 1;
            while (end < _source.Length && (char.IsAsciiLetterOrDigit(_source[end]) || _source[end] == '_'))
            {
                end++;
            }

            Add(TokenKind.Name, _source[_at..end]);
            _at = end;
        }
        else if (char.IsAsciiDigit(first))
        {
            Number();
        }
        else if (first is '"' or '\'')
        {
            Text(first);
        }
        else
        {
            Operator(open);
        }
    }

    private void Add(TokenKind kind, string value) => _tokens.Add(new Token(kind, value, _line));

    private void Number()
    {
        var end = _at;
        while (end < _source.Length && (char.IsAsciiDigit(_source[end]) || _source[end] == '_'))
        {
            end++;
        }

        var isReal = end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1])
            && !(_tokens.Count > 0 && _tokens[^1].IsOperator("."));
        if (isReal)
        {
            end++;
            while (end < _source.Length && char.IsAsciiDigit(_source[end]))
            {
                end++;
            }
        }

        if (end < _source.Length && char.IsAsciiLetter(_source[end]))
        {
            throw new TemplateRefusal("a number with letters", _line);
        }

        Add(isReal ? TokenKind.Real : TokenKind.Integer, _source[_at..end].Replace("_", "", StringComparison.Ordinal));
        _at = end;
    }

    private void Operator(Stack<char> open)
    {
        var found = Array.Find(_operators, o => string.CompareOrdinal(_source, _at, o, 0, o.Length) == 0)
            ?? throw new TemplateRefusal($"the character '{_source[_at]}'", _line);
        switch (found)
        {
            case "(" or "[" or "{":
                open.Push(found[0] switch { '(' => ')', '[' => ']', _ => '}' });
                break;
            case ")" or "]" or "}":
                if (!open.TryPop(out var expected) || expected != found[0])
                {
                    throw new TemplateRefusal($"an unbalanced '{found}'", _line);
                }

                break;
        }

        Add(TokenKind.Operator, found);
        _at += found.Length;
    }

    private void Text(char quote)
    {
        var start = _line;
        var text = new StringBuilder();
        _at++;
        while (true)
        {
            if (_at >= _source.Length)
            {
                throw new TemplateRefusal("a string without an end", start);
            }

            var character = _source[_at++];
            if (character == quote)
            {
                break;
            }

            _line += character == '\n' ? 1 : 0;
            if (character == '\\' && _at < _source.Length)
            {
                Escape(text);
            }
            else
            {
                text.Append(character);
            }
        }

        _tokens.Add(new Token(TokenKind.Text, text.ToString(), start));
    }

    private void Escape(StringBuilder text)
    {
        var escaped = _source[_at++];
        switch (escaped)
        {
            case 'n':
                text.Append('\n');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'r':
                text.Append('\r');
                break;
            case '\\' or '\'' or '"':
                text.Append(escaped);
                break;
            case '\n':
                _line++;
                break;
            case 'x' or 'u':
                var digits = escaped == 'x' ? 2 : 4;
                if (_at + digits > _source.Length || !ushort.TryParse(
                    _source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                        out var code))
                {
                    throw new TemplateRefusal("a broken escape in a string", _line);
                }

                text.Append((char)code);
                _at += digits;
                break;
            case 'a' or 'b' or 'f' or 'v' or 'N' or 'U' or (>= '0' and <= '7'):
                throw new TemplateRefusal($"the string escape \\{escaped}", _line);
            default:
                // Python keeps the backslash of an escape that it does not know.
                text.Append('\\').Append(escaped);
                break;
        }
    }
}
