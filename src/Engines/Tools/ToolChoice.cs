using System.Text.Json;
using Souk.OpenAi.Chat;

namespace Souk.Engines.Tools;

/// <summary>A function that a request offers.</summary>
/// <param name="Name">As the model calls it.</param>
/// <param name="Parameters">The schema of its arguments, or null where it takes none.</param>
/// <param name="IsStrict">Whether arguments must satisfy the schema, or it is refused.</param>
/// <param name="Path">Where it stands in the request.</param>
internal sealed record OfferedTool(string Name, JsonElement? Parameters, bool IsStrict, string Path);

/// <summary>What a request says about calls.</summary>
/// <param name="Tools">Those that may be called; empty where none may.</param>
/// <param name="IsRequired">Whether the answer must be a call.</param>
/// <param name="IsParallel">Whether it may be several.</param>
internal sealed record ToolChoice(IReadOnlyList<OfferedTool> Tools, bool IsRequired, bool IsParallel)
{
    /// <summary>Reads what a parsed request says; null where it offers no tools.</summary>
    public static ToolChoice? Of(ChatRequest chat)
    {
        if (chat.Tools is not { } offered)
        {
            return null;
        }

        List<OfferedTool> tools = [.. offered.EnumerateArray().Select(Read)];
        bool isParallel = chat.ParallelToolCalls ?? true;
        switch (chat.ToolChoice)
        {
            case { ValueKind: JsonValueKind.String } word when word.ValueEquals("none"u8):
                return new ToolChoice([], false, isParallel);
            case { ValueKind: JsonValueKind.String } word:
                return new ToolChoice(tools, word.ValueEquals("required"u8), isParallel);
            case { ValueKind: JsonValueKind.Object } named:
                string? name = named.GetProperty("function").GetProperty("name").GetString();
                return new ToolChoice([.. tools.Where(tool => tool.Name == name)], true, false);
            default:
                return new ToolChoice(tools, false, isParallel);
        }
    }

    private static OfferedTool Read(JsonElement tool, int index)
    {
        var function = tool.GetProperty("function");
        bool hasParameters = function.TryGetProperty("parameters", out var parameters)
            && parameters.ValueKind != JsonValueKind.Null;
        bool isStrict = function.TryGetProperty("strict", out var strict) && strict.ValueKind == JsonValueKind.True;
        return new OfferedTool(
            function.GetProperty("name").GetString()!, hasParameters ? parameters : null, isStrict,
            $"tools[{index}].function.parameters");
    }
}
