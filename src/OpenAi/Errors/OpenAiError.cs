using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Errors;

/// <summary>
/// A failure in the shape that every OpenAI SDK understands:
/// <c>{"error":{"message":…,"type":…,"param":…,"code":…}}</c> with an HTTP status.
/// </summary>
/// <param name="Status">HTTP status; inside a stream, where it cannot be sent any more, it is only a hint.</param>
/// <param name="Type">OpenAI's class of errors, for example <c>invalid_request_error</c>.</param>
/// <param name="Code">A stable word for programs, or null.</param>
/// <param name="Param">The request field at fault, for example <c>messages[0].content</c>, or null.</param>
/// <param name="Message">A sentence that tells a person what to do next.</param>
public sealed record OpenAiError(int Status, string Type, string? Code, string? Param, string Message)
{
    public static OpenAiError InvalidRequest(string message, string? param = null, string? code = null) =>
        new(400, ErrorTypes.InvalidRequest, code, param, message);

    public static OpenAiError Unauthorized(string message, string code = "invalid_api_key") =>
        new(401, ErrorTypes.Authentication, code, null, message);

    /// <summary>No money: SDKs do not retry a 402.</summary>
    public static OpenAiError PaymentRequired(string message, string code = "insufficient_quota") =>
        new(402, ErrorTypes.InsufficientQuota, code, null, message);

    public static OpenAiError Forbidden(string message, string? code = null) =>
        new(403, ErrorTypes.Permission, code, null, message);

    public static OpenAiError NotFound(string message, string? param = null, string? code = null) =>
        new(404, ErrorTypes.InvalidRequest, code, param, message);

    public static OpenAiError ModelNotFound(string model) =>
        NotFound($"The model '{model}' does not exist or nobody offers it now.", "model", "model_not_found");

    public static OpenAiError Timeout(string message, string? code = "timeout") =>
        new(408, ErrorTypes.Timeout, code, null, message);

    public static OpenAiError Conflict(string message, string? code = null) =>
        new(409, ErrorTypes.Conflict, code, null, message);

    public static OpenAiError TooLarge(string message, string? param = null, string code = "request_too_large") =>
        new(413, ErrorTypes.InvalidRequest, code, param, message);

    public static OpenAiError Unprocessable(string message, string? param = null, string? code = null) =>
        new(422, ErrorTypes.InvalidRequest, code, param, message);

    public static OpenAiError RateLimited(string message, string code = "rate_limit_exceeded") =>
        new(429, ErrorTypes.RateLimit, code, null, message);

    public static OpenAiError Server(string message, string? code = "internal_error") =>
        new(500, ErrorTypes.Server, code, null, message);

    public static OpenAiError BadGateway(string message, string? code = "provider_error") =>
        new(502, ErrorTypes.Server, code, null, message);

    public static OpenAiError Unavailable(string message, string? code = "no_provider_available") =>
        new(503, ErrorTypes.Unavailable, code, null, message);

    /// <summary>The body of an error reply, also the payload of an error event inside a stream.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            WriteTo(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteStartObject("error"u8);
        writer.WriteString("message"u8, Message);
        writer.WriteString("type"u8, Type);
        writer.WriteString("param"u8, Param);
        writer.WriteString("code"u8, Code);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>
    /// Reads an error body that some server sent. Servers disagree (a bare string, a numeric code, a top-level
    /// message), so whatever is missing is filled from <paramref name="status"/>; a body that is not JSON gives an
    /// error without the peer's text.
    /// </summary>
    public static OpenAiError Parse(ReadOnlySpan<byte> utf8, int status)
    {
        var reader = new Utf8JsonReader(utf8, JsonText.ReaderOptions(16));
        try
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return FromElement(document.RootElement, status);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return new OpenAiError(status, ErrorTypes.ForStatus(status), null, null, $"The server answered {status}.");
        }
    }

    internal static OpenAiError FromElement(JsonElement root, int status)
    {
        var body = root;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out var inner))
        {
            body = inner;
        }

        if (body.ValueKind == JsonValueKind.String)
        {
            return new OpenAiError(status, ErrorTypes.ForStatus(status), null, null, Bounded(body.GetString()!));
        }

        if (body.ValueKind != JsonValueKind.Object)
        {
            return new OpenAiError(status, ErrorTypes.ForStatus(status), null, null, $"The server answered {status}.");
        }

        var stated = body.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.Number
            && code.TryGetInt32(out var number) && number is >= 400 and < 600 ? number : status;
        return new OpenAiError(
            stated,
            Text(body, "type") ?? ErrorTypes.ForStatus(stated),
            Text(body, "code"),
            Text(body, "param"),
            Text(body, "message") ?? Text(body, "detail") ?? $"The server answered {stated}.");
    }

    private static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? Bounded(value.GetString()!)
            : null;

    private static string Bounded(string text) => text.Length <= 2_000 ? text : text[..2_000];
}
