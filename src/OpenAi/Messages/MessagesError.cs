using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Messages;

/// <summary>
/// Errors in Anthropic's shape: <c>{"type":"error","error":{"type":…,"message":…},"request_id":…}</c>.
/// </summary>
public static class MessagesError
{
    /// <summary>The body of an error reply.</summary>
    /// <param name="requestId">As the header <c>request-id</c> has it; null where the request has none.</param>
    public static byte[] ToJson(OpenAiError error, string? requestId)
    {
        ArgumentNullException.ThrowIfNull(error);
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "error"u8);
            Write(writer, error, requestId);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The properties that follow <c>type</c>.</summary>
    internal static void Write(Utf8JsonWriter writer, OpenAiError error, string? requestId)
    {
        writer.WriteStartObject("error"u8);
        writer.WriteString("type"u8, TypeOf(error.Status));
        writer.WriteString("message"u8, MessagesRequest.InOwnWords(error).Message);
        writer.WriteEndObject();
        writer.WriteString("request_id"u8, requestId);
    }

    // The types and what each status means are those of Anthropic's list of errors.
    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 or 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 or 529 => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
