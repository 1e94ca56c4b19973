using System.Text;
using System.Text.Json;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Templates;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines;

/// <summary>From a model's public files to its prompt encoder. Provider and gateway build it alike, or they would
/// count differently.</summary>
public static class PromptFiles
{
    /// <summary>The files that matter, by name; what is missing may be optional.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja",
            "chat_template.json",
    ];

    /// <summary>Builds the encoder; a refusal names the file or construct that stands in the way.</summary>
    public static Result<PromptEncoder> Build(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (!files.TryGetValue("tokenizer.json", out var vocabulary))
        {
            return Unsupported("The model has no tokenizer.json.");
        }

        files.TryGetValue("tokenizer_config.json", out var config);
        files.TryGetValue("generation_config.json", out var generation);
        var tokenizer = Tokenizer.Load(vocabulary, config, generation);
        if (!tokenizer.IsOk)
        {
            return Refused("tokenizer.json", tokenizer.Refused);
        }

        var source = files.TryGetValue("chat_template.jinja", out var jinja)
            ? Encoding.UTF8.GetString(jinja.Span)
            : files.TryGetValue("chat_template.json", out var json)
                ? FromJson(json) ?? tokenizer.Value.ChatTemplateSource
                : tokenizer.Value.ChatTemplateSource;
        if (source is null)
        {
            // Base and embedding models have none: they take raw texts, and refuse conversations one by one.
            return new PromptEncoder(tokenizer.Value, null);
        }

        var template = ChatTemplate.Compile(source);
        return template.IsOk
            ? new PromptEncoder(tokenizer.Value, template.Value)
            : Refused("chat template", template.Refused);
    }

    /// <summary>Processors' files hold the template as one member of an object.</summary>
    private static string? FromJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("chat_template", out var template)
                && template.ValueKind == JsonValueKind.String ? template.GetString() : null;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static Refusal Refused(string what, ConstructRefused refused) => Unsupported(
        refused.Line > 0
            ? $"The model's {what} needs {refused.Construct} (line {refused.Line}): {refused.Message}"
            : $"The model's {what} needs {refused.Construct}: {refused.Message}");

    private static Refusal Unsupported(string message) => new(Fault.Ours, "model_unsupported", message);
}
