using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Embeddings;

/// <summary>A checked request to <c>/v1/embeddings</c>.</summary>
/// <param name="Chat">What is bought: its <c>Embedding</c> is set.</param>
/// <param name="IsBase64">The app wants each vector as base64 of little-endian float32 rather than as numbers.</param>
public sealed record EmbeddingCall(ChatRequest Chat, bool IsBase64)
{
    /// <summary>As many inputs as OpenAI takes in one request.</summary>
    public const int MostInputs = 2_048;

    /// <summary>As many tokens over all inputs as OpenAI takes in one request.</summary>
    public const int MostTokens = 300_000;

    /// <summary>The longest vector that is ever asked for or read.</summary>
    public const int MostDimensions = 16_384;

    /// <summary>
    /// Reads a request body. Fails with OpenAI's error object: 400 for what is wrong, 413 for a body over the limit.
    /// Never throws on any bytes.
    /// </summary>
    public static ParseResult<EmbeddingCall> Parse(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null) =>
        ChatRequestParser.Read(utf8, limits ?? ChatLimits.Default, Read);

    private static EmbeddingCall Read(FieldReader fields, JsonElement root, ChatLimits limits)
    {
        var model = ChatRequestParser.Model(fields, limits);
        var inputs = Inputs(fields, limits);
        var format = fields.Text("encoding_format", limits.MaxNameLength) ?? "float";
        if (format is not ("float" or "base64"))
        {
            fields.FailValue("encoding_format", "it is 'float' or 'base64'.");
        }

        var dimensions = (int?)fields.Integer("dimensions", 1, MostDimensions);
        var chat = new ChatRequest
        {
            Model = model,
            Messages = [],
            Embedding = new EmbeddingInputs(inputs, dimensions),
            MaxTokens = 0,
            Provider = fields.Of("provider", JsonValueKind.Object, "an object"),
            Root = root,
        };
        return new EmbeddingCall(chat, format == "base64");
    }

    private static List<RawPrompt> Inputs(FieldReader fields, ChatLimits limits)
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
