using System.Text.Json;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Templates;

/// <summary>
/// What a template expects of messages, told from its source, since templates have no other way to say it.
/// </summary>
/// <param name="KnowsDeveloper">It names the role developer; elsewhere that is the system role by a newer name.</param>
/// <param name="KnowsNullContent">It tells absent content from empty content.</param>
/// <param name="TakesTextArguments">It joins a call's arguments to text, so they stay the text that they are.</param>
internal sealed record TemplateTraits(bool KnowsDeveloper, bool KnowsNullContent, bool TakesTextArguments)
{
    internal static TemplateTraits Of(string source) => new(
        source.Contains("developer", StringComparison.Ordinal),
        source.Contains("content'] is none", StringComparison.Ordinal),
        source.Contains("['arguments'] +", StringComparison.Ordinal));
}

/// <summary>
/// Messages as templates see them. Where OpenAI's shape and that of chat templates differ, this follows vLLM, which
/// most
/// sellers run: parts of text are joined by line ends, absent content is empty, and a call's arguments are a mapping.
/// </summary>
internal static class MessageValues
{
    private const int MaxArgumentsDepth = 64;

    internal static List<object?> Of(IReadOnlyList<ChatMessage> messages, TemplateTraits traits)
    {
        var values = new List<object?>(messages.Count);
        foreach (var message in messages)
        {
            var map = new Map
            {
                ["role"] = message.Role == "developer" && !traits.KnowsDeveloper ? "system" : message.Role,
                ["content"] = message.Text ?? (traits.KnowsNullContent ? null : ""),
            };
            Add(map, "name", message.Name);
            Add(map, "reasoning_content", message.Reasoning);
            Add(map, "tool_call_id", message.ToolCallId);
            if (message.ToolCalls.Count > 0)
            {
                map["tool_calls"] = message.ToolCalls.Select(call => Call(call, traits)).ToList<object?>();
            }

            values.Add(map);
        }

        return values;
    }

    private static Map Call(ToolCall call, TemplateTraits traits) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new Map
        {
            ["name"] = call.Name,
            ["arguments"] = traits.TakesTextArguments ? call.Arguments : Arguments(call.Arguments),
        },
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
