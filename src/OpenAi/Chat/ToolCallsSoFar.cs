using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Puts tool calls together from the deltas of a stream.</summary>
public sealed class ToolCallsSoFar
{
    private const int MostCalls = 128;
    private readonly SortedDictionary<int, (string Id, string Name, StringBuilder Arguments)> _calls = [];

    /// <summary>The calls, in the order of their index.</summary>
    public IReadOnlyList<ToolCall> All =>
        [.. _calls.Values.Select(call => new ToolCall(call.Id, call.Name, call.Arguments.ToString()))];

    /// <summary>Takes an array of deltas; what is malformed in it is passed over, since it is the app's to
    /// judge.</summary>
    public void Take(ReadOnlyMemory<byte> json)
    {
        if (json.IsEmpty)
        {
            return;
        }

        using var document = JsonDocument.Parse(json);
        foreach (var delta in document.RootElement.ValueKind == JsonValueKind.Array
            ? document.RootElement.EnumerateArray().ToList() : [])
        {
            if (delta.ValueKind == JsonValueKind.Object && _calls.Count < MostCalls)
            {
                Take(delta);
            }
        }
    }

    private void Take(JsonElement delta)
    {
        var index = delta.TryGetProperty("index", out var number)
            && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var given) ? given : _calls.Count;
        if (!_calls.TryGetValue(index, out var call))
        {
            call = ("", "", new StringBuilder());
        }

        if (delta.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String)
        {
            call.Id = id.GetString()!;
        }

        if (delta.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object)
        {
            if (function.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String)
            {
                call.Name += name.GetString();
            }

            if (function.TryGetProperty("arguments", out var arguments) && arguments.ValueKind == JsonValueKind.String)
            {
                call.Arguments.Append(arguments.GetString());
            }
        }

        _calls[index] = call;
    }
}
