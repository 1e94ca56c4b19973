using System.Text.Json;
using Souk.Engines.Files;
using Souk.Protocol;

namespace Souk.Engines.Embedding;

/// <summary>How the states of a text's tokens become its one vector.</summary>
internal enum PoolingMode
{
    /// <summary>The model's own output is the vector already.</summary>
    None,
    Mean,
    FirstToken,
    LastToken,
    Greatest,
}

/// <summary>What the files beside an embedding model say, as sentence-transformers publishes them: modules.json,
/// 1_Pooling/config.json, sentence_bert_config.json.</summary>
/// <param name="Normalizes">Vectors are brought to length one.</param>
/// <param name="MaxTokens">Tokens of one input, special ones included.</param>
/// <param name="PadId">What fills a shorter input's row.</param>
/// <param name="Files">The files read, by path: they decide what the model answers.</param>
internal sealed record PoolingConfig(
    PoolingMode Mode, bool Normalizes, int MaxTokens, int PadId, IReadOnlyList<string> Files)
{
    private const int MaxBytes = 1024 * 1024;
    private const string Modules = "modules.json";
    private const string Sentence = "sentence_bert_config.json";
    private const string Prompts = "config_sentence_transformers.json";
    private const string ModePrefix = "pooling_mode_";

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    /// <summary>Encoders that generate nothing, by config.json's model_type.</summary>
    private static readonly HashSet<string> Encoders = new(StringComparer.Ordinal)
    {
        "bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "camembert", "electra", "albert", "nomic_bert",
        "modernbert",
    };

    /// <summary>Whether a directory holds a model that makes embeddings rather than text.</summary>
    public static bool IsFor(ModelRoot root, ModelConfig config) =>
        root.Has(Modules) || root.Has("1_Pooling/config.json") || Encoders.Contains(config.ModelType);

    /// <exception cref="EngineException">Ours, "model_unsupported", naming what is not implemented.</exception>
    public static async Task<PoolingConfig> ReadAsync(
        ModelRoot root, ModelConfig config, ReadOnlyMemory<byte> configJson, CancellationToken cancellationToken)
    {
        List<string> files = [];
        var mode = PoolingMode.None;
        bool normalizes = false;
        string pooling = "1_Pooling";
        try
        {
            if (await ReadAsync(root, Modules, files, cancellationToken) is { } modules)
            {
                (string? folder, normalizes) = ReadModules(modules);
                pooling = folder ?? "";
            }

            if (pooling.Length > 0
                && await ReadAsync(root, $"{pooling}/config.json", files, cancellationToken) is { } stated)
            {
                mode = ReadMode(stated);
            }

            var sentence = await ReadAsync(root, Sentence, files, cancellationToken);
            var prompts = await ReadAsync(root, Prompts, files, cancellationToken);
            using var parsed = JsonDocument.Parse(configJson, Options);
            return new PoolingConfig(
                mode, normalizes, Limit(config, sentence, prompts), PadIdOf(parsed.RootElement), files);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException)
        {
            throw Wrong($"its pooling files are not as published: {broken.Message}");
        }
    }

    public static EngineException Wrong(string what) =>
        new(Fault.Ours, "model_unsupported", $"The embedding model cannot be used: {what}.");

    private static (string? Pooling, bool Normalizes) ReadModules(JsonElement modules)
    {
        string? pooling = null;
        bool normalizes = false;
        foreach (var module in modules.EnumerateArray())
        {
            string type = module.GetProperty("type").GetString()!;
            switch (type[(type.LastIndexOf('.') + 1)..])
            {
                case "Transformer":
                    break;
                case "Pooling":
                    pooling = module.GetProperty("path").GetString()!;
                    break;
                case "Normalize":
                    normalizes = true;
                    break;
                default:
                    throw Wrong($"modules.json has the module {type}");
            }
        }

        return (pooling, normalizes);
    }

    private static PoolingMode ReadMode(JsonElement stated)
    {
        List<string> modes = [.. stated.EnumerateObject()
            .Where(entry => entry.Name.StartsWith(ModePrefix, StringComparison.Ordinal)
                && entry.Value.ValueKind == JsonValueKind.True)
            .Select(entry => entry.Name[ModePrefix.Length..])];
        return modes switch
        {
            ["mean_tokens"] => PoolingMode.Mean,
            ["cls_token"] => PoolingMode.FirstToken,
            ["lasttoken"] => PoolingMode.LastToken,
            ["max_tokens"] => PoolingMode.Greatest,
            _ => throw Wrong($"its pooling is \"{string.Join(" and ", modes)}\", not mean, cls, max or last token"),
        };
    }

    private static int Limit(ModelConfig config, JsonElement? sentence, JsonElement? prompts)
    {
        // These families number positions from the padding id on, which takes two of them.
        int most = config.ModelType is "roberta" or "xlm-roberta" or "mpnet" or "camembert"
            ? config.Context - 2 : config.Context;
        if (sentence is { } root)
        {
            if (root.TryGetProperty("do_lower_case", out var lowers) && lowers.ValueKind == JsonValueKind.True)
            {
                throw Wrong($"{Sentence} has do_lower_case beside the tokenizer's own normalization");
            }

            if (root.TryGetProperty("max_seq_length", out var length) && length.ValueKind == JsonValueKind.Number)
            {
                most = Math.Min(most, length.GetInt32());
            }
        }

        if (prompts is { } named && named.TryGetProperty("default_prompt_name", out var prompt)
            && prompt.ValueKind != JsonValueKind.Null)
        {
            throw Wrong($"{Prompts} puts a prompt before every text");
        }

        return most > 0 ? most : throw Wrong("it takes no tokens");
    }

    private static int PadIdOf(JsonElement config) =>
        config.TryGetProperty("pad_token_id", out var id) && id.ValueKind == JsonValueKind.Number
            && id.TryGetInt32(out int pad) && pad >= 0 ? pad : 0;

    private static async Task<JsonElement?> ReadAsync(
        ModelRoot root, string path, List<string> files, CancellationToken cancellationToken)
    {
        if (await root.ReadIfAnyAsync(path, MaxBytes, cancellationToken) is not { } bytes)
        {
            return null;
        }

        files.Add(path);
        using var document = JsonDocument.Parse(bytes, Options);
        return document.RootElement.Clone();
    }
}
