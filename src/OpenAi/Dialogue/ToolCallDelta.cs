using System.Text.Json;

namespace Souk.OpenAi.Dialogue;

/// <summary>One element of a chunk's <c>tool_calls</c>; what it does not say is empty.</summary>
internal readonly record struct ToolCallDelta(int? Index, string Id, string Name, string Arguments)
{
    private const int MostIndex = 1_024;

    /// <summary>Reads the array; what is malformed in it is passed over, since it is the app's to judge.</summary>
    internal static List<ToolCallDelta> Read(ReadOnlyMemory<byte> json)
    {
        List<ToolCallDelta> deltas = [];
        if (json.IsEmpty)
        {
            return deltas;
        }

        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Array)
        {
            return deltas;
        }

        foreach (var delta in document.RootElement.EnumerateArray())
        {
            if (delta.ValueKind == JsonValueKind.Object)
            {
                var function = delta.TryGetProperty("function", out var found)
                    && found.ValueKind == JsonValueKind.Object ? found : default;
                deltas.Add(new ToolCallDelta(
                    Number(delta), Text(delta, "id"), Text(function, "name"), Text(function, "arguments")));
            }
        }

        return deltas;
    }

    private static int? Number(JsonElement delta) =>
        delta.TryGetProperty("index", out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt32(out var index) && index is >= 0 and < MostIndex ? index : null;

    private static string Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
