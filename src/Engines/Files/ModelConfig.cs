using System.Text.Json;
using Souk.Protocol;

namespace Souk.Engines.Files;

/// <summary>The part of config.json and generation_config.json that running a decoder needs.</summary>
/// <param name="ModelType">"model_type", a label.</param>
/// <param name="Context">"max_position_embeddings", in tokens.</param>
/// <param name="KvHeads">Key/value heads; 0 where the file does not tell.</param>
/// <param name="HeadSize">Numbers per head; 0 where the file does not tell.</param>
/// <param name="Hidden">"hidden_size"; 0 where the file does not tell.</param>
/// <param name="Vocabulary">"vocab_size"; 0 where the file does not tell.</param>
/// <param name="EndIds">Token ids that end an answer: generation_config.json's where it has them, else config.json's.
/// </param>
internal sealed record ModelConfig(
    string ModelType, int Context, int KvHeads, int HeadSize, int Hidden, int Vocabulary, IReadOnlyList<int> EndIds)
{
    private const int GreatestContext = 1 << 24;
    private const int GreatestEndIds = 64;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    /// <exception cref="EngineException">Ours, "model_unsupported": not JSON, or a value out of range.</exception>
    public static ModelConfig Parse(ReadOnlyMemory<byte> config, ReadOnlyMemory<byte>? generation)
    {
        try
        {
            using var document = JsonDocument.Parse(config, Options);
            using var second = generation is { } bytes ? JsonDocument.Parse(bytes, Options) : null;
            return Read(document.RootElement, second?.RootElement);
        }
        catch (JsonException broken)
        {
            throw new EngineException(
                Fault.Ours, "model_unsupported", $"config.json or generation_config.json: {broken.Message}", broken);
        }
    }

    private static ModelConfig Read(JsonElement config, JsonElement? generation)
    {
        RequireObject(config, "config.json");
        if (generation is { } given)
        {
            RequireObject(given, "generation_config.json");
        }

        var ends = generation is { } root ? EndTokens(root) : [];
        ends = ends.Count > 0 ? ends : EndTokens(config);

        // Models that see as well as read keep what matters here one level down; GPT-2 has names of its own.
        config = config.TryGetProperty("text_config", out var text) && text.ValueKind == JsonValueKind.Object
            && !config.TryGetProperty("max_position_embeddings", out _) ? text : config;
        int heads = Integer(config, "num_attention_heads", "n_head");
        int hidden = Integer(config, "hidden_size", "n_embd");
        int kvHeads = Integer(config, "num_key_value_heads");
        int headSize = Integer(config, "head_dim");
        int context = Integer(config, "max_position_embeddings", "n_positions");
        if (context == 0)
        {
            throw Wrong("config.json does not give max_position_embeddings");
        }

        return new ModelConfig(
            config.TryGetProperty("model_type", out var type) && type.ValueKind == JsonValueKind.String
                ? type.GetString()! : "unknown",
            context,
            kvHeads > 0 ? kvHeads : heads,
            headSize > 0 ? headSize : heads > 0 ? hidden / heads : 0,
            hidden,
            Integer(config, "vocab_size"),
            ends.Count > 0 ? ends : EndTokens(config));
    }

    private static List<int> EndTokens(JsonElement root)
    {
        if (!root.TryGetProperty("eos_token_id", out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return [Token(value)];
        }

        return value.GetArrayLength() <= GreatestEndIds
            ? [.. value.EnumerateArray().Select(Token).Distinct().Order()]
            : throw Wrong($"eos_token_id lists more than {GreatestEndIds} tokens");
    }

    private static int Token(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0
            ? id
            : throw Wrong("eos_token_id is not a token id or a list of them");

    private static int Integer(JsonElement root, string name, string? otherName = null)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return otherName is null ? 0 : Integer(root, otherName);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
            && number is > 0 and <= GreatestContext
            ? number
            : throw Wrong($"\"{name}\" is not an integer from 1 to {GreatestContext}");
    }

    private static void RequireObject(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Wrong($"{name} is not a JSON object");
        }
    }

    private static EngineException Wrong(string what) => new(Fault.Ours, "model_unsupported", $"The model: {what}.");
}
