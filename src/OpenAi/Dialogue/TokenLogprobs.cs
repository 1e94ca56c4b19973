using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Dialogue;

/// <summary>
/// Logprobs as Responses tells them: a plain array of tokens, where <c>bytes</c> and <c>top_logprobs</c> are always
/// there.
/// </summary>
internal static class TokenLogprobs
{
    /// <summary>The tokens of a chat's <c>logprobs</c> object; none where it is of another shape.</summary>
    internal static List<byte[]> Read(ReadOnlyMemory<byte> logprobs)
    {
        List<byte[]> tokens = [];
        if (logprobs.IsEmpty)
        {
            return tokens;
        }

        using var document = JsonDocument.Parse(logprobs);
        if (document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty("content", out var content)
            && content.ValueKind == JsonValueKind.Array)
        {
            foreach (var token in content.EnumerateArray().Where(IsToken))
            {
                var buffer = new ArrayBufferWriter<byte>(128);
                using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
                {
                    Write(writer, token, withTop: true);
                }

                tokens.Add(buffer.WrittenSpan.ToArray());
            }
        }

        return tokens;
    }

    private static bool IsToken(JsonElement token) =>
        token.ValueKind == JsonValueKind.Object
        && token.TryGetProperty("token", out var text) && text.ValueKind == JsonValueKind.String
        && token.TryGetProperty("logprob", out var logprob) && logprob.ValueKind == JsonValueKind.Number;

    private static void Write(Utf8JsonWriter writer, JsonElement token, bool withTop)
    {
        writer.WriteStartObject();
        token.GetProperty("token").WriteTo(writer, "token"u8);
        token.GetProperty("logprob").WriteTo(writer, "logprob"u8);
        if (token.TryGetProperty("bytes", out var bytes) && bytes.ValueKind == JsonValueKind.Array)
        {
            bytes.WriteTo(writer, "bytes"u8);
        }
        else
        {
            writer.WriteStartArray("bytes"u8);
            foreach (var value in Encoding.UTF8.GetBytes(token.GetProperty("token").GetString()!))
            {
                writer.WriteNumberValue(value);
            }

            writer.WriteEndArray();
        }

        if (withTop)
        {
            writer.WriteStartArray("top_logprobs"u8);
            if (token.TryGetProperty("top_logprobs", out var top) && top.ValueKind == JsonValueKind.Array)
            {
                foreach (var other in top.EnumerateArray().Where(IsToken))
                {
                    Write(writer, other, withTop: false);
                }
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteTo(this JsonElement value, Utf8JsonWriter writer, ReadOnlySpan<byte> name)
    {
        writer.WritePropertyName(name);
        value.WriteTo(writer);
    }
}
