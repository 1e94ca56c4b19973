using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Dialogue;

/// <summary>
/// What reading a request of another API has in common: the guards before it, and the chat's own checks of everything
/// that means the same in both, so that the doors never differ in what they let through.
/// </summary>
internal static class ForeignRequest
{
    /// <summary>Tools are nested one level deeper in a chat, and the result must pass the same limit there.</summary>
    private const int SpareDepth = 2;

    /// <summary>The body's root object, or what is wrong with it.</summary>
    internal static ParseResult<JsonElement> Open(ReadOnlyMemory<byte> utf8, ChatLimits limits)
    {
        if (utf8.Length > limits.MaxBodyBytes)
        {
            return OpenAiError.TooLarge(
                $"The request has {utf8.Length} bytes; at most {limits.MaxBodyBytes} are taken.");
        }

        var depth = limits.MaxDepth - SpareDepth;
        if (JsonGuard.Check(utf8.Span, depth, limits.MaxJsonTokens) is { } malformed)
        {
            return malformed;
        }

        using var document = JsonDocument.Parse(utf8, JsonText.DocumentOptions(depth));
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document.RootElement.Clone()
            : OpenAiError.InvalidRequest("The request body must be a JSON object.");
    }

    /// <summary>The chat that these messages and settings are; the settings in the words of a chat request.</summary>
    internal static ParseResult<ChatRequest> ToChat(
        IReadOnlyList<ChatMessage> messages, Action<Utf8JsonWriter> settings, ChatLimits limits)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            settings(writer);
            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.WrittenMemory, JsonText.DocumentOptions(limits.MaxDepth));
        return ChatRequestParser.Read(document.RootElement.Clone(), limits, messages);
    }

    /// <summary>Refuses a field that would need something kept between requests, or a service not here.</summary>
    internal static void Refuse(FieldReader fields, string name, string why)
    {
        if (fields.Any(name) is { ValueKind: not JsonValueKind.False })
        {
            fields.Fail(OpenAiError.InvalidRequest(
                $"Unsupported parameter: '{fields.PathOf(name)}' is not served: {why}", fields.PathOf(name),
                "unsupported_parameter"));
        }
    }

    internal static void Copy(Utf8JsonWriter writer, string name, JsonElement? value)
    {
        if (value is { } element)
        {
            writer.WritePropertyName(name);
            element.WriteTo(writer);
        }
    }

    /// <summary>The error with a field's name in the app's own words, also where the message quotes it.</summary>
    internal static OpenAiError Renamed(OpenAiError error, string param, string path) => error with
    {
        Param = path,
        Message = error.Message.Replace($"'{param}", $"'{path}", StringComparison.Ordinal),
    };

    /// <summary>The error about an answer's format, which the other APIs hold in fields that are nested less.</summary>
    internal static OpenAiError RenamedFormat(OpenAiError error, string format) => Renamed(
        error, error.Param!,
        format + error.Param!["response_format".Length..].Replace(".json_schema", "", StringComparison.Ordinal));
}
