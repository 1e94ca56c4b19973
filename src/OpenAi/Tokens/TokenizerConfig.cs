using System.Text.Json;

namespace Souk.OpenAi.Tokens;

/// <summary>What tokenizer_config.json and generation_config.json say about the ends of a text.</summary>
internal sealed record TokenizerConfig(
    string? BosToken, string? EosToken, string? ChatTemplate, IReadOnlyList<int> GenerationEosIds)
{
    private const int MaxBytes = 16 * 1024 * 1024;

    internal static TokenizerConfig Read(ReadOnlyMemory<byte> tokenizerConfig, ReadOnlyMemory<byte> generationConfig)
    {
        string? bos = null, eos = null, template = null;
        if (!tokenizerConfig.IsEmpty)
        {
            using var document = Open("tokenizer_config.json", tokenizerConfig);
            bos = TokenText(document.RootElement, "bos_token");
            eos = TokenText(document.RootElement, "eos_token");
            template = Template(document.RootElement);
        }

        var ids = new List<int>();
        if (!generationConfig.IsEmpty)
        {
            using var document = Open("generation_config.json", generationConfig);
            if (TokenizerReader.Section(document.RootElement, "eos_token_id") is { } stated)
            {
                ids.AddRange(stated.ValueKind == JsonValueKind.Array
                    ? stated.EnumerateArray().Select(id => id.GetInt32())
                    : [stated.GetInt32()]);
            }
        }

        return new TokenizerConfig(bos, eos, template, ids);
    }

    internal static JsonDocument Open(string name, ReadOnlyMemory<byte> utf8, int maxBytes = MaxBytes)
    {
        if (utf8.Length > maxBytes)
        {
            throw new TokenizerRefusal(name, $"a file of {utf8.Length} bytes");
        }

        if (JsonGuard.Check(utf8.Span, maxDepth: 64, maxTokens: 8_000_000) is { } malformed)
        {
            throw new TokenizerRefusal(name, malformed.Message);
        }

        var document = JsonDocument.Parse(utf8, JsonText.DocumentOptions(64));
        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return document;
        }

        document.Dispose();
        throw new TokenizerRefusal(name, "a file that is not a JSON object");
    }

    /// <summary>A token is given as its text, or as an object that holds the text.</summary>
    private static string? TokenText(JsonElement root, string name)
    {
        if (TokenizerReader.Section(root, name) is not { } token)
        {
            return null;
        }

        return token.ValueKind == JsonValueKind.Object ? token.GetProperty("content").GetString() : token.GetString();
    }

    /// <summary>A template is given as its text, or as a list of named ones.</summary>
    private static string? Template(JsonElement root)
    {
        if (TokenizerReader.Section(root, "chat_template") is not { } template)
        {
            return null;
        }

        if (template.ValueKind == JsonValueKind.String)
        {
            return template.GetString();
        }

        foreach (var named in template.EnumerateArray())
        {
            if (named.GetProperty("name").GetString() == "default")
            {
                return named.GetProperty("template").GetString();
            }
        }

        return null;
    }
}
