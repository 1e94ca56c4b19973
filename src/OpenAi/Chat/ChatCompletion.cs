using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>An unstreamed reply, <c>chat.completion</c>.</summary>
/// <param name="Id">For example <c>chatcmpl-…</c>.</param>
/// <param name="Created">Unix seconds.</param>
public sealed record ChatCompletion(
    string Id, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage? Usage)
{
    public string? SystemFingerprint { get; init; }

    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, Id);
            writer.WriteString("object"u8, "chat.completion"u8);
            writer.WriteNumber("created"u8, Created);
            writer.WriteString("model"u8, Model);
            writer.WriteStartArray("choices"u8);
            foreach (var choice in Choices)
            {
                WriteChoice(writer, choice);
            }

            writer.WriteEndArray();
            if (Usage is not null)
            {
                writer.WritePropertyName("usage"u8);
                Usage.WriteTo(writer);
            }

            // OpenAI's schema lets it be absent, not null.
            if (SystemFingerprint is not null)
            {
                writer.WriteString("system_fingerprint"u8, SystemFingerprint);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteChoice(Utf8JsonWriter writer, ChatChoice choice)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, choice.Index);
        writer.WriteStartObject("message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, choice.Content);
        if (choice.Reasoning is not null)
        {
            writer.WriteString("reasoning_content"u8, choice.Reasoning);
        }

        if (choice.ToolCalls.Count > 0)
        {
            writer.WriteStartArray("tool_calls"u8);
            foreach (var call in choice.ToolCalls)
            {
                ToolCallJson.Write(writer, call);
            }

            writer.WriteEndArray();
        }

        writer.WriteString("refusal"u8, choice.Refusal);
        writer.WriteEndObject();
        writer.WritePropertyName("logprobs"u8);
        if (choice.Logprobs.IsEmpty)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteRawValue(choice.Logprobs.Span, skipInputValidation: true);
        }

        writer.WriteString("finish_reason"u8, choice.FinishReason);
        if (choice.TokenIds is not null)
        {
            writer.WriteStartArray("token_ids"u8);
            foreach (var id in choice.TokenIds)
            {
                writer.WriteNumberValue(id);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }
}
