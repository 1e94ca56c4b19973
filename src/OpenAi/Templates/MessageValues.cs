using System.Text.Json;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Templates;

/// <summary>
/// Messages as templates see them. Where OpenAI's shape and that of chat templates differ, this follows vLLM, which most
/// sellers run: parts of text are joined by line ends, absent content is empty, and a call's arguments are a mapping.
/// </summary>
internal static class MessageValues
{
    private const int MaxArgumentsDepth = 64;

    /// <param name="knowsDeveloper">
    /// The template names the role developer itself; elsewhere it is the system role under OpenAI's newer name.
    /// </param>
    internal static List<object?> Of(IReadOnlyList<ChatMessage> messages, bool knowsDeveloper)
    {
        var values = new List<object?>(messages.Count);
        foreach (var message in messages)
        {
            var map = new Map
            {
                ["role"] = message.Role == "developer" && !knowsDeveloper ? "system" : message.Role,
                ["content"] = message.Text ?? "",
            };
            Add(map, "name", message.Name);
            Add(map, "reasoning_content", message.Reasoning);
            Add(map, "tool_call_id", message.ToolCallId);
            if (message.ToolCalls.Count > 0)
            {
                map["tool_calls"] = message.ToolCalls.Select(Call).ToList<object?>();
            }

            values.Add(map);
        }

        return values;
    }

    private static Map Call(ToolCall call) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new Map { ["name"] = call.Name, ["arguments"] = Arguments(call.Arguments) },
    };

    private static object? Arguments(string json)
    {
        if (json.Length == 0)
        {
            return new Map();
        }

        try
        {
            using var document = JsonDocument.Parse(json, JsonText.DocumentOptions(MaxArgumentsDepth));
            return ValueJson.From(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // A model may have written arguments that are no JSON; the template shows them as they are.
            return json;
        }
    }

    private static void Add(Map map, string name, string? value)
    {
        if (value is not null)
        {
            map[name] = value;
        }
    }
}
