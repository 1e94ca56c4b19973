using System.Text.Json;

namespace Souk.OpenAi.Responses;

/// <summary>The settings of a request as the reply repeats them, with what holds where the app said nothing.</summary>
internal static class ResponseEcho
{
    internal static void Write(Utf8JsonWriter writer, ResponsesRequest request)
    {
        var (root, chat) = (request.Root, request.Chat);
        Copy(writer, "instructions", root, "null"u8);
        Copy(writer, "max_output_tokens", root, "null"u8);
        Copy(writer, "max_tool_calls", root, "null"u8);
        Copy(writer, "metadata", root, "{}"u8);
        writer.WriteBoolean("parallel_tool_calls"u8, chat.ParallelToolCalls ?? true);
        writer.WriteNull("previous_response_id"u8);
        writer.WriteNull("access_programs"u8);
        writer.WriteBoolean("background"u8, false);
        // Nothing is ever kept, whatever was asked for.
        writer.WriteBoolean("store"u8, false);
        writer.WriteString("truncation"u8, "disabled"u8);
        writer.WriteString("service_tier"u8, "default"u8);
        Number(writer, "temperature", chat.Temperature);
        Number(writer, "top_p", chat.TopP);
        writer.WriteNumber("top_logprobs"u8, chat.TopLogprobs ?? 0);
        Copy(writer, "tool_choice", root, "\"auto\""u8);
        WriteTools(writer, root);
        WriteText(writer, root);
        WriteReasoning(writer, root, chat.ReasoningEffort);
        CopyString(writer, "safety_identifier", root);
        CopyString(writer, "prompt_cache_key", root);
        CopyString(writer, "user", root);
    }

    private static void WriteTools(Utf8JsonWriter writer, JsonElement root)
    {
        writer.WriteStartArray("tools"u8);
        foreach (var tool in root.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array
            ? tools.EnumerateArray() : default)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "function"u8);
            Copy(writer, "name", tool, "null"u8);
            Copy(writer, "description", tool, "null"u8);
            Copy(writer, "parameters", tool, "null"u8);
            Copy(writer, "strict", tool, "null"u8);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteText(Utf8JsonWriter writer, JsonElement root)
    {
        var text = root.TryGetProperty("text", out var given) && given.ValueKind == JsonValueKind.Object
            ? given : default;
        writer.WriteStartObject("text"u8);
        Copy(writer, "format", text, "{\"type\":\"text\"}"u8);
        if (text.ValueKind == JsonValueKind.Object && text.TryGetProperty("verbosity", out var verbosity)
            && verbosity.ValueKind == JsonValueKind.String)
        {
            writer.WritePropertyName("verbosity"u8);
            verbosity.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private static void WriteReasoning(Utf8JsonWriter writer, JsonElement root, string? effort)
    {
        writer.WriteStartObject("reasoning"u8);
        writer.WriteString("effort"u8, effort);
        // No summary is ever written: reasoning that the provider separates comes as it is.
        writer.WriteNull("summary"u8);
        writer.WriteEndObject();
    }

    private static void Copy(Utf8JsonWriter writer, string name, JsonElement parent, ReadOnlySpan<byte> otherwise)
    {
        writer.WritePropertyName(name);
        if (parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind != JsonValueKind.Null)
        {
            value.WriteTo(writer);
        }
        else
        {
            writer.WriteRawValue(otherwise, skipInputValidation: true);
        }
    }

    // Ignored fields are not checked, so what is of another type is not repeated.
    private static void CopyString(Utf8JsonWriter writer, string name, JsonElement root)
    {
        if (root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }
    }

    private static void Number(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
