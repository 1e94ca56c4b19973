using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// The changes to a text that come before it is cut, in order. Categories are those of .NET's Unicode version; the
/// reference library's are older, so it keeps some marks that are dropped here. Safe for concurrent use.
/// </summary>
internal sealed class Normalizer
{
    /// <summary>
    /// A text grows no further, so that a hostile file cannot multiply it step by step; growing beyond counts as a
    /// pattern that takes too long.
    /// </summary>
    private const int MaxGrowth = 16;

    private readonly List<Func<string, string>> _steps = [];

    private Normalizer()
    {
    }

    /// <summary>Characters may be dropped, so that a text's beginning need not be the input's.</summary>
    internal bool Drops { get; private set; }

    internal static Normalizer Read(JsonElement root)
    {
        var normalizer = new Normalizer();
        if (TokenizerReader.Section(root, "normalizer") is { } stated)
        {
            normalizer.Add(stated, depth: 0);
        }

        return normalizer;
    }

    internal string Apply(string text)
    {
        var most = Math.Max(1_024, (long)text.Length * MaxGrowth);
        foreach (var step in _steps)
        {
            text = step(text);
            if (text.Length > most)
            {
                throw new RegexMatchTimeoutException();
            }
        }

        return text;
    }

    private void Add(JsonElement stated, int depth)
    {
        switch (TokenizerReader.TypeOf(stated))
        {
            case "Sequence" when depth < 4:
                foreach (var part in stated.GetProperty("normalizers").EnumerateArray())
                {
                    Add(part, depth + 1);
                }

                break;
            case "NFC":
                _steps.Add(Composition.Compose);
                break;
            case "NFD":
                _steps.Add(Composition.Decompose);
                break;
            case "Prepend":
                var prefix = stated.GetProperty("prepend").GetString()!;
                _steps.Add(text => text.Length > 0 ? prefix + text : text);
                break;
            case "Replace":
                AddReplace(stated);
                break;
            case "Strip":
                AddStrip(stated);
                break;
            case "Lowercase":
                _steps.Add(Lower);
                break;
            case "StripAccents":
                Drops = true;
                _steps.Add(text => Without(text, category => category is UnicodeCategory.NonSpacingMark
                    or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark));
                break;
            case "BertNormalizer":
                AddBert(stated);
                break;
            case var other:
                throw new TokenizerRefusal($"normalizer {other}", "this kind of normalization");
        }
    }

    private void AddReplace(JsonElement stated)
    {
        var pattern = stated.GetProperty("pattern");
        Drops |= stated.GetProperty("content").GetString() is "";
        var content = stated.GetProperty("content").GetString()!;
        if (content.Length > MaxGrowth)
        {
            throw new TokenizerRefusal("normalizer Replace", $"a replacement of {content.Length} characters");
        }

        if (TokenizerReader.Section(pattern, "Regex") is { } regex)
        {
            var translated = PatternTranslator.Translate(regex.GetString()!);
            _steps.Add(text => Replace(text, translated, content));
            return;
        }

        var literal = pattern.GetProperty("String").GetString()!;
        if (literal.Length == 0)
        {
            throw new TokenizerRefusal("normalizer Replace", "an empty pattern");
        }

        _steps.Add(text => text.Replace(literal, content, StringComparison.Ordinal));
    }

    private void AddStrip(JsonElement stated)
    {
        if (TokenizerReader.Flag(stated, "strip_left", false))
        {
            Drops = true;
            _steps.Add(text => text.TrimStart());
        }

        if (TokenizerReader.Flag(stated, "strip_right", false))
        {
            _steps.Add(text => text.TrimEnd());
        }
    }

    private void AddBert(JsonElement stated)
    {
        Drops = true;
        var lowers = TokenizerReader.Flag(stated, "lowercase", true);
        if (TokenizerReader.Flag(stated, "clean_text", true))
        {
            _steps.Add(Clean);
        }

        if (TokenizerReader.Flag(stated, "handle_chinese_chars", true))
        {
            _steps.Add(SetIdeographsApart);
        }

        if (TokenizerReader.Flag(stated, "strip_accents", lowers))
        {
            _steps.Add(text => Without(
                Composition.Decompose(text), category => category is UnicodeCategory.NonSpacingMark));
        }

        if (lowers)
        {
            _steps.Add(Lower);
        }
    }

    private static string Replace(string text, Regex pattern, string content)
    {
        var shadow = ShadowText.Of(text);
        var result = new StringBuilder(text.Length);
        var from = 0;
        foreach (var match in pattern.EnumerateMatches(shadow.Text))
        {
            var start = shadow.Origin(match.Index);
            result.Append(text, from, start - from).Append(content);
            from = shadow.Origin(match.Index + match.Length);
        }

        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Lower case rune by rune, without the final sigma's context. One letter lowers to two.</summary>
    private static string Lower(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            result.Append(rune.Value == 0x130 ? "i\u0307" : Rune.ToLowerInvariant(rune).ToString());
        }

        return result.ToString();
    }

    private static string Without(string text, Func<UnicodeCategory, bool> isDropped)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!isDropped(Rune.GetUnicodeCategory(rune)))
            {
                result.Append(rune.ToString());
            }
        }

        return result.ToString();
    }

    /// <summary>BERT's cleaning: control characters go, every kind of white space becomes a space.</summary>
    private static string Clean(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '\t' or '\n' or '\r')
            {
                result.Append(' ');
            }
            else if (rune.Value != 0xFFFD && !IsControl(Rune.GetUnicodeCategory(rune)))
            {
                result.Append(Rune.IsWhiteSpace(rune) ? " " : rune.ToString());
            }
        }

        return result.ToString();
    }

    private static bool IsControl(UnicodeCategory category) => category is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    private static string SetIdeographsApart(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsIdeograph(rune.Value))
            {
                result.Append(' ').Append(rune.ToString()).Append(' ');
            }
            else
            {
                result.Append(rune.ToString());
            }
        }

        return result.ToString();
    }

    /// <summary>The blocks that BERT's published code lists as CJK ideographs.</summary>
    private static bool IsIdeograph(int code) => code is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
        or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F)
        or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
