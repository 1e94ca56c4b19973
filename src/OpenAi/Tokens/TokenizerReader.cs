using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.OpenAi.Tokens;

/// <summary>Reads the parts of tokenizer.json around the model; throws <see cref="TokenizerRefusal"/>.</summary>
internal static class TokenizerReader
{
    /// <summary>GPT-2's split, which ByteLevel implies where use_regex is on.</summary>
    private const string ByteLevelPattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    internal static bool NeedsComposition(JsonElement root)
    {
        if (Section(root, "normalizer") is not { } normalizer)
        {
            return false;
        }

        var kinds = TypeOf(normalizer) == "Sequence"
            ? normalizer.GetProperty("normalizers").EnumerateArray().Select(TypeOf).ToArray()
            : [TypeOf(normalizer)];
        if (kinds.FirstOrDefault(kind => kind != "NFC") is { } other)
        {
            throw new TokenizerRefusal($"normalizer {other}", "only NFC");
        }

        return kinds.Length > 0;
    }

    internal static PreTokenizer ReadPreTokenizer(JsonElement root)
    {
        var steps = new List<SplitStep>();
        var addsPrefixSpace = false;
        var parts = Section(root, "pre_tokenizer") is not { } pre ? []
            : TypeOf(pre) == "Sequence" ? pre.GetProperty("pretokenizers").EnumerateArray().ToArray()
            : [pre];
        if (parts.Length == 0 || TypeOf(parts[^1]) != "ByteLevel")
        {
            throw new TokenizerRefusal("pre_tokenizer", "a sequence that does not end with ByteLevel");
        }

        foreach (var part in parts)
        {
            switch (TypeOf(part))
            {
                case "Split":
                    steps.Add(Split(part));
                    break;
                case "Digits":
                    var single = Flag(part, "individual_digits", false);
                    steps.Add(Step(@"\p{N}", single ? SplitBehavior.Isolated : SplitBehavior.Contiguous, false));
                    break;
                case "ByteLevel" when steps.Count < parts.Length:
                    addsPrefixSpace = Flag(part, "add_prefix_space", true);
                    if (Flag(part, "use_regex", true))
                    {
                        steps.Add(Step(ByteLevelPattern, SplitBehavior.Isolated, false));
                    }

                    break;
                case var other:
                    throw new TokenizerRefusal($"pre_tokenizer {other}", "this kind of split");
            }
        }

        if (parts[..^1].Any(part => TypeOf(part) == "ByteLevel") || (addsPrefixSpace && parts.Length > 1))
        {
            throw new TokenizerRefusal("pre_tokenizer ByteLevel", "its place or prefix space in this sequence");
        }

        return new PreTokenizer(steps, addsPrefixSpace);
    }

    internal static void CheckDecoder(JsonElement root)
    {
        var kinds = Section(root, "decoder") is not { } decoder ? []
            : TypeOf(decoder) == "Sequence" ? decoder.GetProperty("decoders").EnumerateArray().Select(TypeOf).ToArray()
            : [TypeOf(decoder)];
        if (kinds is not ["ByteLevel"])
        {
            throw new TokenizerRefusal($"decoder {string.Join('+', kinds)}", "only ByteLevel");
        }
    }

    /// <summary>Texts of the special tokens that the post-processor would put in front of a single text.</summary>
    internal static List<string> PrefixTokens(JsonElement root)
    {
        var prefix = new List<string>();
        if (Section(root, "post_processor") is not { } post)
        {
            return prefix;
        }

        var parts = TypeOf(post) == "Sequence" ? post.GetProperty("processors").EnumerateArray().ToArray() : [post];
        foreach (var part in parts)
        {
            var kind = TypeOf(part);
            if (kind == "TemplateProcessing")
            {
                foreach (var piece in part.GetProperty("single").EnumerateArray())
                {
                    if (!piece.TryGetProperty("SpecialToken", out var special))
                    {
                        break;
                    }

                    prefix.Add(special.GetProperty("id").GetString()!);
                }
            }
            else if (kind != "ByteLevel")
            {
                throw new TokenizerRefusal($"post_processor {kind}", "this kind of template");
            }
        }

        return prefix;
    }

    internal static JsonElement? Section(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    internal static bool Flag(JsonElement element, string name, bool whenAbsent) =>
        Section(element, name) is { } value ? value.GetBoolean() : whenAbsent;

    internal static string TypeOf(JsonElement element) =>
        Section(element, "type") is { } type ? type.GetString()! : "without a type";

    private static SplitStep Split(JsonElement part)
    {
        var behaviorName = part.GetProperty("behavior").GetString()!;
        if (!Enum.TryParse<SplitBehavior>(behaviorName, out var behavior) || !Enum.IsDefined(behavior))
        {
            throw new TokenizerRefusal("pre_tokenizer Split", $"behavior {behaviorName}");
        }

        var pattern = part.GetProperty("pattern");
        var inverted = Flag(part, "invert", false);
        if (Section(pattern, "Regex") is { } regex)
        {
            return Step(regex.GetString()!, behavior, inverted);
        }

        var literal = pattern.GetProperty("String").GetString()!;
        if (literal.Length == 0 || literal.Any(char.IsSurrogate))
        {
            throw new TokenizerRefusal("pre_tokenizer Split", "an empty pattern or one beyond U+FFFF");
        }

        return new SplitStep(new Regex(Regex.Escape(literal), RegexOptions.CultureInvariant), behavior, inverted);
    }

    private static SplitStep Step(string pattern, SplitBehavior behavior, bool inverted) =>
        new(PatternTranslator.Translate(pattern), behavior, inverted);
}
