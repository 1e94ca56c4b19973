using System.Text.Json;

namespace Souk.OpenAi.Chat;

internal static class ToolCallJson
{
    internal static void Write(Utf8JsonWriter writer, ToolCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, call.Id);
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WriteString("name"u8, call.Name);
        writer.WriteString("arguments"u8, call.Arguments);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
