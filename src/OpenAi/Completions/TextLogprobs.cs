using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Completions;

/// <summary>
/// Logprobs as completions tell them: four parallel lists, with each token's place in the text. One of these follows
/// one choice from its first piece to its last; within this network logprobs have the shape that chats have.
/// </summary>
internal sealed class TextLogprobs
{
    private int _offset;

    /// <summary>Text that went before and has no logprobs of its own.</summary>
    internal void Skip(string text) => _offset += Length(text);

    /// <summary>What these tokens are beyond the text, such as a first token that no text has, takes no place in
    /// it.</summary>
    internal void Fit(ReadOnlyMemory<byte> logprobs, string text) =>
        _offset -= Math.Max(0, Length(TextOf(logprobs)) - Length(text));

    /// <summary>One piece in the other shape, as JSON; empty where it holds no token.</summary>
    /// <param name="logprobs">A chat's logprobs object, JSON, or empty.</param>
    internal ReadOnlyMemory<byte> Next(ReadOnlyMemory<byte> logprobs)
    {
        if (logprobs.IsEmpty)
        {
            return default;
        }

        using var document = JsonDocument.Parse(logprobs);
        var tokens = TokensOf(document.RootElement);
        if (tokens.Count == 0)
        {
            return default;
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            Write(writer, "tokens", tokens, token => writer.WriteStringValue(token.GetProperty("token").GetString()));
            Write(writer, "token_logprobs", tokens, token => token.GetProperty("logprob").WriteTo(writer));
            Write(writer, "top_logprobs", tokens, token => WriteTop(writer, token));
            Write(writer, "text_offset", tokens, token =>
            {
                writer.WriteNumberValue(Math.Max(_offset, 0));
                _offset += LengthOf(token);
            });
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>The text that the tokens of a chat's logprobs object make.</summary>
    internal static string TextOf(ReadOnlyMemory<byte> logprobs)
    {
        if (logprobs.IsEmpty)
        {
            return "";
        }

        using var document = JsonDocument.Parse(logprobs);
        var bytes = new MemoryStream();
        foreach (var token in TokensOf(document.RootElement))
        {
            bytes.Write(BytesOf(token) ?? Encoding.UTF8.GetBytes(token.GetProperty("token").GetString()!));
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static List<JsonElement> TokensOf(JsonElement logprobs) =>
        logprobs.ValueKind == JsonValueKind.Object && logprobs.TryGetProperty("content", out var content)
            && content.ValueKind == JsonValueKind.Array
            ? [.. content.EnumerateArray().Where(IsToken)]
            : [];

    private static bool IsToken(JsonElement token) =>
        token.ValueKind == JsonValueKind.Object
        && token.TryGetProperty("token", out var text) && text.ValueKind == JsonValueKind.String
        && token.TryGetProperty("logprob", out var logprob)
        && logprob.ValueKind is JsonValueKind.Number or JsonValueKind.Null;

    private static void Write(
        Utf8JsonWriter writer, string name, List<JsonElement> tokens, Action<JsonElement> write)
    {
        writer.WriteStartArray(name);
        foreach (var token in tokens)
        {
            write(token);
        }

        writer.WriteEndArray();
    }

    // A JSON object by token text: two ids of the same text are one entry, the likelier, which comes first. The token
    // itself is always among them, as OpenAI has it.
    private static void WriteTop(Utf8JsonWriter writer, JsonElement token)
    {
        if (token.GetProperty("logprob").ValueKind == JsonValueKind.Null)
        {
            writer.WriteNullValue();
            return;
        }

        HashSet<string> written = new(StringComparer.Ordinal);
        writer.WriteStartObject();
        if (token.TryGetProperty("top_logprobs", out var top) && top.ValueKind == JsonValueKind.Array)
        {
            foreach (var other in top.EnumerateArray().Where(IsToken))
            {
                WriteEntry(other);
            }
        }

        WriteEntry(token);
        writer.WriteEndObject();

        void WriteEntry(JsonElement entry)
        {
            var text = entry.GetProperty("token").GetString()!;
            if (written.Add(text))
            {
                writer.WritePropertyName(text);
                entry.GetProperty("logprob").WriteTo(writer);
            }
        }
    }

    private static int LengthOf(JsonElement token)
    {
        // A token may hold only a part of a character, which counts with its first byte. One without bytes is no text.
        if (BytesOf(token) is { } bytes)
        {
            return bytes.Count(value => (value & 0xC0) != 0x80);
        }

        return token.TryGetProperty("bytes", out _) ? 0 : Length(token.GetProperty("token").GetString()!);
    }

    private static byte[]? BytesOf(JsonElement token)
    {
        if (!token.TryGetProperty("bytes", out var bytes))
        {
            return null;
        }

        return bytes.ValueKind == JsonValueKind.Array
            && bytes.EnumerateArray().All(value => value.ValueKind == JsonValueKind.Number && value.TryGetByte(out _))
            ? [.. bytes.EnumerateArray().Select(value => value.GetByte())]
            : bytes.ValueKind == JsonValueKind.Null ? [] : null;
    }

    // In characters as Python and the tokenizers count them, not in UTF-16 units.
    private static int Length(string text) => text.EnumerateRunes().Count();
}
