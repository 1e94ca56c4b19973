using System.Text.Json;

namespace Souk.OpenAi.Tokens;

/// <summary>The vocabulary, merges and added tokens of a tokenizer.json.</summary>
internal sealed class VocabularyReader
{
    /// <summary>
    /// Ids above this could only serve to make a table grow; published vocabularies have about 262,144.
    /// </summary>
    private const int MaxId = 2_000_000;

    /// <summary>Characters of a word or unigram token; longer ones could only serve to take time.</summary>
    private const int MaxWord = 512;

    private readonly Dictionary<long, PairMerges.Merge> _merges = [];
    private readonly List<double> _scores = [];
    private string _kind = "";

    internal Dictionary<string, int> Ids { get; } = new(StringComparer.Ordinal);

    internal List<AddedToken> EarlyTokens { get; } = [];

    /// <summary>Added tokens that are looked for in the normalized text.</summary>
    internal List<AddedToken> LateTokens { get; } = [];

    internal SortedDictionary<int, string> Texts { get; } = [];

    internal HashSet<int> SpecialIds { get; } = [];

    internal static VocabularyReader Read(JsonElement root)
    {
        var reader = new VocabularyReader();
        if (TokenizerReader.Section(root, "model") is not { ValueKind: JsonValueKind.Object } model)
        {
            throw new TokenizerRefusal("model", "a file without a model");
        }

        reader.ReadModel(model);
        reader.ReadAddedTokens(root);
        return reader;
    }

    /// <summary>The model that the file describes.</summary>
    /// <param name="isByteLevel">Pieces come as bytes in GPT-2's alphabet.</param>
    internal ITokenModel Model(JsonElement root, bool isByteLevel)
    {
        var model = root.GetProperty("model");
        switch (_kind)
        {
            case "WordPiece" when !isByteLevel:
                return new WordPieces(
                    Ids, Id(model.GetProperty("unk_token").GetString()!),
                    model.GetProperty("continuing_subword_prefix").GetString()!, LongestWord(model));
            case "Unigram" when !isByteLevel:
                return new Unigram(Ids, [.. _scores], UnknownIndex(model), FallbackIds(model));
            case "BPE" when isByteLevel:
                return new ByteLevelPairs(ByteIds(), new PairMerges(_merges), Ids, TakesWholePieces(model));
            case "BPE":
                int? unknown = TokenizerReader.Section(model, "unk_token") is { } token ? Id(token.GetString()!) : null;
                return new CharacterPairs(
                    Ids, new PairMerges(_merges), FallbackIds(model), unknown,
                    TokenizerReader.Flag(model, "fuse_unk", false), TakesWholePieces(model));
            default:
                throw new TokenizerRefusal($"model {_kind}", "this kind of model over bytes");
        }
    }

    private static bool TakesWholePieces(JsonElement model) => TokenizerReader.Flag(model, "ignore_merges", false);

    private static int LongestWord(JsonElement model)
    {
        var longest = TokenizerReader.Section(model, "max_input_chars_per_word")?.GetInt32() ?? 100;
        return longest is > 0 and <= MaxWord
            ? longest
            : throw new TokenizerRefusal("model max_input_chars_per_word", $"a word of {longest} characters");
    }

    private int UnknownIndex(JsonElement model) =>
        TokenizerReader.Section(model, "unk_id")?.GetInt32() is { } id && id >= 0 && id < _scores.Count
            ? id
            : throw new TokenizerRefusal("model unk_id", "a unigram model without an unknown token");

    private int Id(string token) => Ids.TryGetValue(token, out var id)
        ? id
        : throw new TokenizerRefusal("model unk_token", $"the unknown token '{token}' outside the vocabulary");

    private int[]? FallbackIds(JsonElement model)
    {
        if (!TokenizerReader.Flag(model, "byte_fallback", false))
        {
            return null;
        }

        return [.. Enumerable.Range(0, 256).Select(value => Ids.TryGetValue($"<0x{value:X2}>", out var id)
            ? id
            : throw new TokenizerRefusal("model byte_fallback", $"a vocabulary without <0x{value:X2}>"))];
    }

    private int[] ByteIds()
    {
        var ids = new int[256];
        for (var value = 0; value < 256; value++)
        {
            if (!Ids.TryGetValue(ByteAlphabet.Of((byte)value).ToString(), out ids[value]))
            {
                throw new TokenizerRefusal("vocab", $"a vocabulary without byte 0x{value:x2}");
            }
        }

        return ids;
    }

    private void ReadModel(JsonElement model)
    {
        _kind = KindOf(model);
        if (TokenizerReader.Section(model, "dropout") is { } dropout && dropout.GetDouble() != 0)
        {
            throw new TokenizerRefusal("model dropout", "random merges");
        }

        var vocabulary = model.GetProperty("vocab");
        switch (_kind)
        {
            case "BPE":
                RefuseAffixes(model);
                ReadIds(vocabulary);
                ReadMerges(model.GetProperty("merges"));
                break;
            case "WordPiece":
                ReadIds(vocabulary);
                break;
            case "Unigram":
                ReadScores(vocabulary);
                break;
            default:
                throw new TokenizerRefusal($"model {_kind}", "other than BPE, Unigram and WordPiece");
        }
    }

    /// <summary>Old files do not name the kind; each kind has a member of its own.</summary>
    private static string KindOf(JsonElement model) =>
        TokenizerReader.Section(model, "type") is { } stated ? stated.GetString()!
        : model.TryGetProperty("merges", out _) ? "BPE"
        : model.TryGetProperty("unk_id", out _) ? "Unigram"
        : model.TryGetProperty("max_input_chars_per_word", out _) ? "WordPiece"
        : "BPE";

    private static void RefuseAffixes(JsonElement model)
    {
        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (TokenizerReader.Section(model, affix) is { } text && text.GetString()!.Length > 0)
            {
                throw new TokenizerRefusal($"model {affix}", "words marked by an affix");
            }
        }
    }

    private void ReadIds(JsonElement vocabulary)
    {
        foreach (var entry in vocabulary.EnumerateObject())
        {
            AddId(entry.Name, entry.Value.GetInt32());
        }

        RequireSome();
    }

    private void ReadScores(JsonElement vocabulary)
    {
        foreach (var entry in vocabulary.EnumerateArray())
        {
            var token = entry[0].GetString()!;
            var score = entry[1].GetDouble();
            if (token.Length > MaxWord || !double.IsFinite(score))
            {
                throw new TokenizerRefusal("vocab", $"token {_scores.Count}, which is too long or has no score");
            }

            AddId(token, _scores.Count);
            _scores.Add(score);
        }

        RequireSome();
    }

    private void RequireSome()
    {
        if (Ids.Count == 0)
        {
            throw new TokenizerRefusal("vocab", "an empty vocabulary");
        }
    }

    private void AddId(string token, int id)
    {
        if (id is < 0 or > MaxId)
        {
            throw new TokenizerRefusal("vocab", $"the id {id}");
        }

        if (!Texts.TryAdd(id, token) || !Ids.TryAdd(token, id))
        {
            throw new TokenizerRefusal("vocab", $"the id {id} or its token given twice");
        }
    }

    private void ReadMerges(JsonElement merges)
    {
        var rank = 0;
        foreach (var merge in merges.EnumerateArray())
        {
            string left, right;
            if (merge.ValueKind == JsonValueKind.Array)
            {
                (left, right) = merge.GetArrayLength() == 2
                    ? (merge[0].GetString()!, merge[1].GetString()!)
                    : throw new TokenizerRefusal("merges", $"merge {rank} of another number than two");
            }
            else
            {
                var text = merge.GetString()!;
                var space = text.IndexOf(' ', StringComparison.Ordinal);
                (left, right) = space > 0
                    ? (text[..space], text[(space + 1)..])
                    : throw new TokenizerRefusal("merges", $"merge {rank} without a space");
            }

            if (!Ids.TryGetValue(left, out var leftId)
                || !Ids.TryGetValue(right, out var rightId)
                || !Ids.TryGetValue(left + right, out var mergedId))
            {
                throw new TokenizerRefusal("merges", $"merge {rank} of tokens outside the vocabulary");
            }

            _merges[PairMerges.Key(leftId, rightId)] = new PairMerges.Merge(rank++, mergedId);
        }
    }

    private void ReadAddedTokens(JsonElement root)
    {
        if (TokenizerReader.Section(root, "added_tokens") is not { } tokens)
        {
            return;
        }

        foreach (var token in tokens.EnumerateArray())
        {
            var content = token.GetProperty("content").GetString()!;
            var id = token.GetProperty("id").GetInt32();
            if (content.Length == 0 || TokenizerReader.Flag(token, "single_word", false))
            {
                throw new TokenizerRefusal("added_tokens", $"token {id}, which is empty or a single word");
            }

            if (!Ids.TryGetValue(content, out var known))
            {
                AddId(content, id);
            }
            else if (known != id)
            {
                throw new TokenizerRefusal("added_tokens", $"token {id}, which the vocabulary calls {known}");
            }

            var isSpecial = TokenizerReader.Flag(token, "special", false);
            var added = new AddedToken(
                id,
                content,
                isSpecial,
                TokenizerReader.Flag(token, "lstrip", false),
                TokenizerReader.Flag(token, "rstrip", false));
            (TokenizerReader.Flag(token, "normalized", !isSpecial) ? LateTokens : EarlyTokens).Add(added);
            if (isSpecial)
            {
                SpecialIds.Add(id);
            }
        }
    }
}
