using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Completions;

/// <summary>The way back: what an upstream's completions tell of logprobs, in the shape that chats have.</summary>
public static class ChatLogprobs
{
    /// <summary>Converts a logprobs object, JSON. One that is already in the other shape, or in none, stays as it
    /// is.</summary>
    public static ReadOnlyMemory<byte> From(ReadOnlyMemory<byte> logprobs)
    {
        if (logprobs.IsEmpty)
        {
            return logprobs;
        }

        using var document = JsonDocument.Parse(logprobs);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !TryList(root, "tokens", out var tokens)
            || !TryList(root, "token_logprobs", out var values) || values.Length != tokens.Length)
        {
            return logprobs;
        }

        var tops = TryList(root, "top_logprobs", out var told) && told.Length == tokens.Length ? told : null;
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("content"u8);
            for (var i = 0; i < tokens.Length; i++)
            {
                if (tokens[i].ValueKind == JsonValueKind.String)
                {
                    WriteToken(writer, tokens[i].GetString()!, values[i], tops?[i]);
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void WriteToken(Utf8JsonWriter writer, string token, JsonElement logprob, JsonElement? top)
    {
        // Without "bytes": their text is all that such a server tells, and it may stand for other bytes.
        writer.WriteStartObject();
        writer.WriteString("token"u8, token);
        writer.WritePropertyName("logprob"u8);
        WriteNumber(writer, logprob);
        writer.WriteStartArray("top_logprobs"u8);
        if (top is { ValueKind: JsonValueKind.Object } entries)
        {
            foreach (var entry in entries.EnumerateObject())
            {
                writer.WriteStartObject();
                writer.WriteString("token"u8, entry.Name);
                writer.WritePropertyName("logprob"u8);
                WriteNumber(writer, entry.Value);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter writer, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number)
        {
            value.WriteTo(writer);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static bool TryList(JsonElement root, string name, out JsonElement[] list)
    {
        list = root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray()] : [];
        return list.Length > 0;
    }
}
