using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;

namespace Souk.OpenAi.Messages;

/// <summary>Writes the objects of Anthropic's Messages API.</summary>
internal static class MessageJson
{
    /// <summary>The properties of a message; one without blocks has only begun.</summary>
    internal static void Message(
        Utf8JsonWriter writer, string id, string model, AnswerBlocks? blocks, string? stopSequence, Usage usage)
    {
        writer.WriteString("id"u8, "msg_" + id);
        writer.WriteString("type"u8, "message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("model"u8, model);
        writer.WriteStartArray("content"u8);
        foreach (var block in blocks?.All ?? [])
        {
            Block(writer, block, isEmpty: false);
        }

        writer.WriteEndArray();
        Stop(writer, blocks, stopSequence);
        Usage(writer, usage);
    }

    /// <summary>The properties that say why an answer ended; null while it has only begun.</summary>
    internal static void Stop(Utf8JsonWriter writer, AnswerBlocks? blocks, string? stopSequence)
    {
        var hasCalls = blocks?.All.Any(block => block.Kind == BlockKind.Call) == true;
        var reason = blocks is null ? null : FinishReasons.Accepted(blocks.FinishReason ?? FinishReasons.Length) switch
        {
            FinishReasons.Length => "max_tokens",
            FinishReasons.ContentFilter => "refusal",
            FinishReasons.ToolCalls or FinishReasons.FunctionCall => "tool_use",
            // Some engines say only that they stopped.
            _ when hasCalls => "tool_use",
            _ when stopSequence is not null => "stop_sequence",
            _ => "end_turn",
        };
        writer.WriteString("stop_reason"u8, reason);
        writer.WriteString("stop_sequence"u8, reason == "stop_sequence" ? stopSequence : null);
        writer.WriteNull("stop_details"u8);
        writer.WriteNull("container"u8);
    }

    internal static void Block(Utf8JsonWriter writer, AnswerBlock block, bool isEmpty)
    {
        var text = isEmpty ? "" : block.Text.ToString();
        writer.WriteStartObject();
        switch (block.Kind)
        {
            case BlockKind.Call:
                writer.WriteString("type"u8, "tool_use"u8);
                writer.WriteString("id"u8, block.CallId);
                writer.WriteString("name"u8, block.Name);
                writer.WritePropertyName("input"u8);
                Input(writer, text);
                writer.WriteStartObject("caller"u8);
                writer.WriteString("type"u8, "direct"u8);
                writer.WriteEndObject();
                break;
            case BlockKind.Reasoning:
                writer.WriteString("type"u8, "thinking"u8);
                writer.WriteString("thinking"u8, text);
                // There is none: whoever sends the block back is not asked for one.
                writer.WriteString("signature"u8, ""u8);
                break;
            default:
                writer.WriteString("type"u8, "text"u8);
                writer.WriteString("text"u8, text);
                writer.WriteNull("citations"u8);
                break;
        }

        writer.WriteEndObject();
    }

    /// <summary>The property <c>usage</c>.</summary>
    internal static void Usage(Utf8JsonWriter writer, Usage usage)
    {
        writer.WriteStartObject("usage"u8);
        // Here the cached tokens are not part of the input's.
        writer.WriteNumber("input_tokens"u8, usage.PromptTokens - usage.CachedTokens);
        writer.WriteNumber("cache_creation_input_tokens"u8, 0);
        writer.WriteNumber("cache_read_input_tokens"u8, usage.CachedTokens);
        writer.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        usage.WriteCost(writer);
        writer.WriteEndObject();
    }

    // The arguments as the model wrote them; what is not JSON is told as the text that it is.
    private static void Input(Utf8JsonWriter writer, string arguments)
    {
        if (string.IsNullOrWhiteSpace(arguments))
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
            return;
        }

        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(arguments));
        try
        {
            reader.Read();
            reader.Skip();
            if (!reader.Read())
            {
                writer.WriteRawValue(arguments, skipInputValidation: true);
                return;
            }
        }
        catch (JsonException)
        {
            // Told as text below.
        }

        writer.WriteStringValue(arguments);
    }
}
