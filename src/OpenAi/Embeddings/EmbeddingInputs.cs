using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Embeddings;

/// <summary>What a request to <c>/v1/embeddings</c> wants embedded.</summary>
/// <param name="Inputs">One vector is made of each, in this order; at least one.</param>
/// <param name="Dimensions">Length of the vectors; null for the model's own.</param>
public sealed record EmbeddingInputs(IReadOnlyList<RawPrompt> Inputs, int? Dimensions)
{
    /// <summary>As many inputs as OpenAI takes in one request.</summary>
    public const int MostInputs = 2_048;

    /// <summary>As many tokens over all inputs as OpenAI takes in one request.</summary>
    public const int MostTokens = 300_000;

    /// <summary>The longest vector that is ever asked for or read.</summary>
    public const int MostDimensions = 16_384;

    /// <summary>Each vector is wanted as base64 of little-endian float32 rather than as numbers.</summary>
    public bool IsBase64 { get; init; }

    /// <summary>
    /// Reads a request body; the request's <c>Embedding</c> is set. Fails with OpenAI's error object: 400 for what is
    /// wrong, 413 for a body over the limit. Never throws on any bytes.
    /// </summary>
    public static ParseResult<ChatRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null) =>
        ChatRequestParser.Read(utf8, limits ?? ChatLimits.Default, Read);

    private static ChatRequest Read(FieldReader fields, JsonElement root, ChatLimits limits)
    {
        var model = ChatRequestParser.Model(fields, limits);
        var inputs = Read(fields, limits);
        var format = fields.Text("encoding_format", limits.MaxNameLength) ?? "float";
        if (format is not ("float" or "base64"))
        {
            fields.FailValue("encoding_format", "it is 'float' or 'base64'.");
        }

        var dimensions = (int?)fields.Integer("dimensions", 1, MostDimensions);
        return new ChatRequest
        {
            Model = model,
            Messages = [],
            Embedding = new EmbeddingInputs(inputs, dimensions) { IsBase64 = format == "base64" },
            MaxTokens = 0,
            Provider = fields.Of("provider", JsonValueKind.Object, "an object"),
            Root = root,
        };
    }

    private static List<RawPrompt> Read(FieldReader fields, ChatLimits limits)
    {
        if (fields.Any("input") is not { } input)
        {
            fields.FailMissing("input");
            return [];
        }

        var inputs = RawPromptReader.Read(fields, "input", input, MostInputs, limits);
        if (inputs.FindIndex(given => given.Text is "") is >= 0 and var empty)
        {
            fields.FailValue(inputs.Count == 1 ? "input" : $"input[{empty}]", "it must not be an empty string.");
        }

        return inputs;
    }
}
