using System.Runtime.InteropServices;
using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Reads tools, tool calls and the response format, which all end up in prompts or grammars.</summary>
internal static class ToolReader
{
    internal static JsonElement? Tools(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("tools", JsonValueKind.Array, "an array of objects") is not { } tools)
        {
            return null;
        }

        var count = tools.GetArrayLength();
        if (count > limits.MaxTools)
        {
            fields.FailValue("tools", $"at most {limits.MaxTools} tools are taken.", "array_above_max_length");
            return null;
        }

        if (!IsWithin(fields, "tools", tools, limits.MaxToolsBytes))
        {
            return null;
        }

        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            CheckTool(fields, tool, $"tools[{index++}]", limits);
        }

        return count == 0 ? null : tools;
    }

    internal static JsonElement? Choice(FieldReader fields, ChatLimits limits)
    {
        if (fields.Any("tool_choice") is not { } choice)
        {
            return null;
        }

        if (choice.ValueKind == JsonValueKind.String)
        {
            var word = fields.Bounded(choice, "tool_choice", limits.MaxNameLength);
            if (word is not (null or "none" or "auto" or "required"))
            {
                fields.FailValue("tool_choice", $"'{word}' is not one of none, auto, required.");
            }

            return choice;
        }

        if (choice.ValueKind != JsonValueKind.Object)
        {
            fields.FailType("tool_choice", "a string or an object", choice.ValueKind);
            return null;
        }

        return IsWithin(fields, "tool_choice", choice, limits.MaxToolsBytes) ? choice : null;
    }

    /// <summary>What is asked of tools must be among the tools that are there.</summary>
    internal static void CheckChoice(FieldReader fields, JsonElement? choice, JsonElement? tools, ChatLimits limits)
    {
        if (choice is not { } given || fields.Error is not null)
        {
            return;
        }

        if (given.ValueKind == JsonValueKind.String)
        {
            if (tools is null && given.ValueEquals("required"u8))
            {
                fields.FailValue("tool_choice", "it is only allowed when 'tools' are specified.");
            }

            return;
        }

        var inner = fields.Inner(given, "tool_choice");
        if (inner.Text("type", limits.MaxNameLength) is not "function")
        {
            fields.FailValue("tool_choice.type", "only 'function' is served.", "unsupported_value");
            return;
        }

        if (inner.Of("function", JsonValueKind.Object, "an object") is not { } function)
        {
            inner.FailMissing("function");
            return;
        }

        var name = Required(fields.Inner(function, "tool_choice.function"), "name", limits.MaxNameLength);
        var isOffered = tools is { } offered && offered.EnumerateArray()
            .Any(tool => tool.GetProperty("function").GetProperty("name").ValueEquals(name));
        if (fields.Error is null && !isOffered)
        {
            fields.FailValue("tool_choice", $"'tools' has no function '{name}'.");
        }
    }

    internal static JsonElement? ResponseFormat(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("response_format", JsonValueKind.Object, "an object") is not { } format)
        {
            return null;
        }

        var inner = fields.Inner(format, "response_format");
        switch (inner.Text("type", limits.MaxNameLength))
        {
            case null:
                inner.FailMissing("type");
                return null;
            case "text" or "json_object":
                break;
            case "json_schema":
                if (inner.Of("json_schema", JsonValueKind.Object, "an object") is null)
                {
                    inner.FailMissing("json_schema");
                }

                break;
            case var other:
                inner.FailValue("response_format.type", $"'{other}' is not one of text, json_object, json_schema.");
                return null;
        }

        if (!IsWithin(fields, "response_format", format, limits.MaxSchemaBytes))
        {
            return null;
        }

        if (Depth(format) > limits.MaxSchemaDepth)
        {
            fields.FailValue("response_format", $"it may be nested at most {limits.MaxSchemaDepth} deep.");
            return null;
        }

        return format;
    }

    internal static IReadOnlyList<ToolCall> Calls(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("tool_calls", JsonValueKind.Array, "an array of objects") is not { } array)
        {
            return [];
        }

        var path = fields.PathOf("tool_calls");
        if (array.GetArrayLength() > limits.MaxToolCalls)
        {
            fields.FailValue(path, $"at most {limits.MaxToolCalls} calls are taken.", "array_above_max_length");
            return [];
        }

        var calls = new List<ToolCall>();
        foreach (var element in array.EnumerateArray())
        {
            var callPath = $"{path}[{calls.Count}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                fields.FailType(callPath, "an object", element.ValueKind);
                return calls;
            }

            var call = fields.Inner(element, callPath);
            if (call.Of("function", JsonValueKind.Object, "an object") is not { } function)
            {
                call.FailMissing("function");
                return calls;
            }

            var inner = call.Inner(function, callPath + ".function");
            calls.Add(new ToolCall(
                Required(call, "id", limits.MaxNameLength),
                Required(inner, "name", limits.MaxNameLength),
                Required(inner, "arguments", limits.MaxTextLength)));
        }

        return calls;
    }

    private static string Required(FieldReader fields, string name, int maxLength)
    {
        if (fields.Text(name, maxLength) is { } text)
        {
            return text;
        }

        fields.FailMissing(name);
        return "";
    }

    private static void CheckTool(FieldReader fields, JsonElement tool, string path, ChatLimits limits)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            fields.FailType(path, "an object", tool.ValueKind);
            return;
        }

        var inner = fields.Inner(tool, path);
        var type = inner.Text("type", limits.MaxNameLength);
        if (type != "function")
        {
            inner.FailValue(inner.PathOf("type"), $"'{type}' is not served. Supported values are: 'function'.");
            return;
        }

        if (inner.Of("function", JsonValueKind.Object, "an object") is not { } function)
        {
            inner.FailMissing("function");
            return;
        }

        _ = Required(inner.Inner(function, path + ".function"), "name", limits.MaxNameLength);
    }

    private static bool IsWithin(FieldReader fields, string name, JsonElement value, int maxBytes)
    {
        if (JsonMarshal.GetRawUtf8Value(value).Length <= maxBytes)
        {
            return true;
        }

        fields.FailValue(name, $"it may have at most {maxBytes} bytes of JSON.");
        return false;
    }

    private static int Depth(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => 1 + value.EnumerateObject().Select(entry => Depth(entry.Value)).DefaultIfEmpty().Max(),
        JsonValueKind.Array => 1 + value.EnumerateArray().Select(Depth).DefaultIfEmpty().Max(),
        _ => 0,
    };
}
