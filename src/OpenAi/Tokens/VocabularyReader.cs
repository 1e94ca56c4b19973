using System.Text.Json;

namespace Souk.OpenAi.Tokens;

/// <summary>The vocabulary, merges and added tokens of a tokenizer.json.</summary>
internal sealed class VocabularyReader
{
    /// <summary>
    /// Ids above this could only serve to make a table grow; published vocabularies have about 262,144.
    /// </summary>
    private const int MaxId = 2_000_000;

    internal Dictionary<string, int> Ids { get; } = new(StringComparer.Ordinal);

    internal Dictionary<long, BytePairs.Merge> Merges { get; } = [];

    internal List<AddedToken> EarlyTokens { get; } = [];

    /// <summary>Added tokens that are looked for in the normalized text.</summary>
    internal List<AddedToken> LateTokens { get; } = [];

    internal SortedDictionary<int, string> Texts { get; } = [];

    internal HashSet<int> SpecialIds { get; } = [];

    internal bool TakesWholePieces { get; private set; }

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

    internal int[] ByteIds()
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
        var type = TokenizerReader.Section(model, "type") is { } stated ? stated.GetString()! : "BPE";
        if (type != "BPE")
        {
            throw new TokenizerRefusal($"model {type}", "only BPE");
        }

        if (TokenizerReader.Section(model, "dropout") is { } dropout && dropout.GetDouble() != 0)
        {
            throw new TokenizerRefusal("model dropout", "random merges");
        }

        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (TokenizerReader.Section(model, affix) is { } text && text.GetString()!.Length > 0)
            {
                throw new TokenizerRefusal($"model {affix}", "words marked by an affix");
            }
        }

        if (TokenizerReader.Flag(model, "byte_fallback", false))
        {
            throw new TokenizerRefusal("model byte_fallback", "a vocabulary that is not byte-level");
        }

        TakesWholePieces = TokenizerReader.Flag(model, "ignore_merges", false);
        foreach (var entry in model.GetProperty("vocab").EnumerateObject())
        {
            AddId(entry.Name, entry.Value.GetInt32());
        }

        ReadMerges(model.GetProperty("merges"));
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

            Merges[BytePairs.Key(leftId, rightId)] = new BytePairs.Merge(rank++, mergedId);
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
