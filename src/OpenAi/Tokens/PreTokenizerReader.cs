using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.OpenAi.Tokens;

/// <summary>Reads the cuts of a tokenizer.json; throws <see cref="TokenizerRefusal"/>.</summary>
internal sealed class PreTokenizerReader(bool losesStart)
{
    /// <summary>GPT-2's split, which ByteLevel implies where use_regex is on.</summary>
    private const string ByteLevelPattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Unicode's White_Space, and BERT's idea of punctuation; both in .NET's syntax.</summary>
    private const string WhiteSpace = @"[\t-\r\u0085\p{Z}]";
    private const string Punctuation = @"[!-/:-@\[-`{-~\p{P}]";

    private readonly List<ICutStep> _steps = [];

    /// <summary>Pieces end as bytes in GPT-2's alphabet.</summary>
    internal bool IsByteLevel { get; private set; }

    /// <param name="losesStart">The normalizer may drop the beginning of a text.</param>
    internal static (PreTokenizer PreTokenizer, bool IsByteLevel) Read(JsonElement root, bool losesStart)
    {
        var reader = new PreTokenizerReader(losesStart);
        var parts = TokenizerReader.Section(root, "pre_tokenizer") is not { } pre ? []
            : TokenizerReader.TypeOf(pre) == "Sequence"
                ? pre.GetProperty("pretokenizers").EnumerateArray().ToArray()
            : [pre];
        for (var i = 0; i < parts.Length; i++)
        {
            reader.Add(parts[i], isFirst: i == 0, isLast: i == parts.Length - 1);
        }

        return (new PreTokenizer(reader._steps), reader.IsByteLevel);
    }

    private void Add(JsonElement part, bool isFirst, bool isLast)
    {
        switch (TokenizerReader.TypeOf(part))
        {
            case "Split":
                _steps.Add(Split(part));
                break;
            case "Digits":
                var single = TokenizerReader.Flag(part, "individual_digits", false);
                Add(PatternTranslator.Translate(@"\p{N}"),
                    single ? SplitBehavior.Isolated : SplitBehavior.Contiguous);
                break;
            case "ByteLevel":
                AddByteLevel(part, isFirst, isLast);
                break;
            case "Metaspace":
                _steps.Add(Metaspace(part, losesStart));
                break;
            case "WhitespaceSplit":
                Add(Written(WhiteSpace), SplitBehavior.Removed);
                break;
            case "BertPreTokenizer":
                Add(Written(WhiteSpace), SplitBehavior.Removed);
                Add(Written(Punctuation), SplitBehavior.Isolated);
                break;
            case "Punctuation":
                Add(Written(Punctuation), Behavior(part, SplitBehavior.Isolated));
                break;
            case var other:
                throw new TokenizerRefusal($"pre_tokenizer {other}", "this kind of split");
        }
    }

    private void AddByteLevel(JsonElement part, bool isFirst, bool isLast)
    {
        var addsSpace = TokenizerReader.Flag(part, "add_prefix_space", true);
        if (!isLast || (addsSpace && !isFirst))
        {
            throw new TokenizerRefusal("pre_tokenizer ByteLevel", "its place or prefix space in this sequence");
        }

        IsByteLevel = true;
        if (addsSpace)
        {
            _steps.Add(new PrefixSpaceStep());
        }

        if (TokenizerReader.Flag(part, "use_regex", true))
        {
            Add(PatternTranslator.Translate(ByteLevelPattern), SplitBehavior.Isolated);
        }
    }

    private void Add(Regex pattern, SplitBehavior behavior) => _steps.Add(new SplitStep(pattern, behavior, false));

    private static Regex Written(string pattern) => new(pattern, RegexOptions.CultureInvariant);

    private static MetaspaceStep Metaspace(JsonElement part, bool losesStart)
    {
        var scheme = TokenizerReader.Section(part, "prepend_scheme")?.GetString() switch
        {
            null or "always" => PrependScheme.Always,
            "never" => PrependScheme.Never,
            "first" => PrependScheme.First,
            var other => throw new TokenizerRefusal("pre_tokenizer Metaspace", $"the prepend_scheme {other}"),
        };
        if (!TokenizerReader.Flag(part, "add_prefix_space", true) && scheme != PrependScheme.Never)
        {
            throw new TokenizerRefusal(
                "pre_tokenizer Metaspace", "add_prefix_space false with another prepend_scheme than never");
        }

        if (scheme == PrependScheme.First && losesStart)
        {
            throw new TokenizerRefusal(
                "pre_tokenizer Metaspace", "prepend_scheme first after a normalizer that drops characters");
        }

        return new MetaspaceStep(
            MarkOf(part, "pre_tokenizer Metaspace"), scheme, TokenizerReader.Flag(part, "split", true));
    }

    internal static char MarkOf(JsonElement part, string construct) =>
        part.GetProperty("replacement").GetString() is [var mark] && !char.IsSurrogate(mark)
            ? mark
            : throw new TokenizerRefusal(construct, "a replacement of other than one character up to U+FFFF");

    private static SplitBehavior Behavior(JsonElement part, SplitBehavior? whenAbsent)
    {
        if (whenAbsent is { } usual && TokenizerReader.Section(part, "behavior") is null)
        {
            return usual;
        }

        var name = part.GetProperty("behavior").GetString()!;
        return Enum.TryParse<SplitBehavior>(name, out var behavior) && Enum.IsDefined(behavior)
            ? behavior
            : throw new TokenizerRefusal($"pre_tokenizer {TokenizerReader.TypeOf(part)}", $"behavior {name}");
    }

    private static SplitStep Split(JsonElement part)
    {
        var behavior = Behavior(part, null);
        var pattern = part.GetProperty("pattern");
        var inverted = TokenizerReader.Flag(part, "invert", false);
        if (TokenizerReader.Section(pattern, "Regex") is { } regex)
        {
            return new SplitStep(PatternTranslator.Translate(regex.GetString()!), behavior, inverted);
        }

        var literal = pattern.GetProperty("String").GetString()!;
        if (literal.Length == 0 || literal.Any(char.IsSurrogate))
        {
            throw new TokenizerRefusal("pre_tokenizer Split", "an empty pattern or one beyond U+FFFF");
        }

        return new SplitStep(Written(Regex.Escape(literal)), behavior, inverted);
    }
}
