using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// The decoder of a tokenizer.json: which bytes a token stands for. Every kind that is read here looks at one token at
/// a time and at whether it is the first, apart from the strip of the whole text's beginning.
/// </summary>
internal sealed class TokenBytes
{
    /// <summary>Characters put in for one; more would let a small file take much memory.</summary>
    private const int MaxContent = 4;

    private readonly List<Func<string, bool, string>> _steps = [];
    private Func<string, byte[]> _last = Encoding.UTF8.GetBytes;
    private bool _isFused;
    private bool _isByteLevel;

    private TokenBytes()
    {
    }

    /// <summary>How many bytes <see cref="StrippedByte"/> at the beginning of the text are dropped at most.</summary>
    internal int StripCount { get; private set; }

    internal byte StrippedByte { get; private set; }

    /// <summary>Whether a first token may decode otherwise than a later one.</summary>
    internal bool TellsFirst { get; private set; }

    /// <summary>Pieces decode from GPT-2's alphabet.</summary>
    internal bool IsByteLevel => _isByteLevel;

    internal static TokenBytes Read(JsonElement root)
    {
        var reader = new TokenBytes();
        if (TokenizerReader.Section(root, "decoder") is not { } decoder)
        {
            throw new TokenizerRefusal("decoder", "a file without one");
        }

        var parts = TokenizerReader.TypeOf(decoder) == "Sequence"
            ? decoder.GetProperty("decoders").EnumerateArray().ToArray()
            : [decoder];
        foreach (var part in parts)
        {
            reader.Add(part, parts.Length);
        }

        return reader;
    }

    internal byte[] Of(string token, bool isFirst)
    {
        foreach (var step in _steps)
        {
            token = step(token, isFirst);
        }

        return _last(token);
    }

    private void Add(JsonElement part, int parts)
    {
        var type = TokenizerReader.TypeOf(part);
        switch (type)
        {
            case "ByteLevel" when parts == 1:
                _isByteLevel = true;
                _last = ByteAlphabet.BytesOf;
                break;
            case "Metaspace" when !_isFused:
                AddMetaspace(part);
                break;
            case "WordPiece" when parts == 1:
                AddWordPiece(part);
                break;
            case "Replace" when !_isFused && _last == Encoding.UTF8.GetBytes:
                AddReplace(part);
                break;
            case "ByteFallback" when !_isFused:
                _last = FallbackBytes;
                break;
            case "Fuse" when !_isFused:
                _isFused = true;
                break;
            case "Strip" when _isFused && StripCount == 0:
                AddStrip(part);
                break;
            default:
                throw new TokenizerRefusal($"decoder {type}", "this kind of decoder, or in this place,");
        }
    }

    private void AddMetaspace(JsonElement part)
    {
        var mark = PreTokenizerReader.MarkOf(part, "decoder Metaspace").ToString();
        var drops = TokenizerReader.Section(part, "prepend_scheme")?.GetString() != "never"
            && TokenizerReader.Flag(part, "add_prefix_space", true);
        TellsFirst = drops;
        _steps.Add((token, isFirst) => token.Replace(
            mark, isFirst && drops ? "" : " ", StringComparison.Ordinal));
    }

    private void AddReplace(JsonElement part)
    {
        if (TokenizerReader.Section(part.GetProperty("pattern"), "String")?.GetString() is not { Length: > 0 } pattern)
        {
            throw new TokenizerRefusal("decoder Replace", "a pattern that is not a plain text");
        }

        var content = part.GetProperty("content").GetString()!;
        if (content.Length > MaxContent || _steps.Count > 4)
        {
            throw new TokenizerRefusal("decoder Replace", "a replacement that makes texts much longer");
        }

        _steps.Add((token, _) => token.Replace(pattern, content, StringComparison.Ordinal));
    }

    private void AddStrip(JsonElement part)
    {
        var content = part.GetProperty("content").GetString()!;
        var start = part.GetProperty("start").GetInt32();
        if (part.GetProperty("stop").GetInt32() != 0 || start < 0 || content is not [< '\u0080'])
        {
            throw new TokenizerRefusal("decoder Strip", "other than ASCII at the beginning");
        }

        (StrippedByte, StripCount) = ((byte)content[0], start);
    }

    private void AddWordPiece(JsonElement part)
    {
        var prefix = part.GetProperty("prefix").GetString()!;
        var cleans = TokenizerReader.Flag(part, "cleanup", true);
        TellsFirst = true;
        _steps.Add((token, isFirst) =>
        {
            var text = isFirst ? token
                : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..]
                : " " + token;
            return cleans ? CleanUp(text) : text;
        });
    }

    /// <summary>Undoes, token by token, the spaces that BERT's splitting leaves in English.</summary>
    private static string CleanUp(string text)
    {
        (string Spaced, string Plain)[] pairs =
        [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ];
        foreach (var (spaced, plain) in pairs)
        {
            text = text.Replace(spaced, plain, StringComparison.Ordinal);
        }

        return text;
    }

    private static byte[] FallbackBytes(string token) =>
        token is ['<', '0', 'x', _, _, '>']
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
            out var value)
            ? [value]
            : Encoding.UTF8.GetBytes(token);
}
