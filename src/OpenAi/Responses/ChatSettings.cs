using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;

namespace Souk.OpenAi.Responses;

/// <summary>Everything in a request but the conversation, said in the fields of a chat request.</summary>
internal sealed class ChatSettings
{
    // These mean something else in a chat, are said there in another field, or are only repeated in the reply.
    private static readonly HashSet<string> _ownFields =
    [
        "input", "instructions", "tools", "tool_choice", "text", "reasoning", "max_output_tokens", "top_logprobs",
        "include", "metadata", "stream_options", "messages", "prompt", "n", "max_tokens", "max_completion_tokens",
        "response_format", "logprobs", "reasoning_effort", "return_token_ids",
    ];

    private JsonElement? _tools;
    private JsonElement? _choice;
    private JsonElement? _format;
    private HashSet<string>? _allowed;
    private string? _effort;
    private long? _limit;
    private long? _topLogprobs;
    private bool _withLogprobs;

    internal static ChatSettings Read(FieldReader fields, ChatLimits limits)
    {
        var settings = new ChatSettings
        {
            _limit = fields.Integer("max_output_tokens", 1, int.MaxValue),
            _topLogprobs = fields.Integer("top_logprobs", 0, 20),
            _withLogprobs = Includes(fields, "message.output_text.logprobs"),
        };
        if (fields.Of("reasoning", JsonValueKind.Object, "an object") is { } reasoning)
        {
            settings._effort = fields.Inner(reasoning, "reasoning").Text("effort", limits.MaxNameLength);
        }

        settings.ReadText(fields, limits);
        settings.ReadTools(fields, limits);
        settings.ReadChoice(fields, limits);
        return settings;
    }

    internal void Write(Utf8JsonWriter writer, JsonElement root)
    {
        foreach (var property in root.EnumerateObject().Where(property => !_ownFields.Contains(property.Name)))
        {
            property.WriteTo(writer);
        }

        if (_limit is { } limit)
        {
            writer.WriteNumber("max_completion_tokens"u8, limit);
        }

        if (_withLogprobs || _topLogprobs > 0)
        {
            writer.WriteBoolean("logprobs"u8, true);
            writer.WriteNumber("top_logprobs"u8, _topLogprobs ?? 0);
        }

        if (_effort is not null)
        {
            writer.WriteString("reasoning_effort"u8, _effort);
        }

        WriteFormat(writer);
        WriteTools(writer);
        WriteChoice(writer);
    }

    private static bool Includes(FieldReader fields, string wanted)
    {
        if (fields.Of("include", JsonValueKind.Array, "an array of strings") is not { } include)
        {
            return false;
        }

        var index = 0;
        var isFound = false;
        foreach (var element in include.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.String)
            {
                fields.FailType($"include[{index}]", "a string", element.ValueKind);
                return false;
            }

            index++;
            isFound |= element.ValueEquals(wanted);
        }

        return isFound;
    }

    private void ReadText(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("text", JsonValueKind.Object, "an object") is not { } text)
        {
            return;
        }

        var inner = fields.Inner(text, "text");
        _format = inner.Of("format", JsonValueKind.Object, "an object");
        if (_format is { } format && inner.Inner(format, "text.format").Text("type", limits.MaxNameLength) is null)
        {
            inner.Inner(format, "text.format").FailMissing("type");
        }
    }

    private void ReadTools(FieldReader fields, ChatLimits limits)
    {
        _tools = fields.Of("tools", JsonValueKind.Array, "an array of objects");
        if (_tools?.GetArrayLength() > limits.MaxTools)
        {
            fields.FailValue("tools", $"at most {limits.MaxTools} tools are taken.", "array_above_max_length");
            return;
        }

        var index = 0;
        foreach (var tool in _tools?.EnumerateArray() ?? default)
        {
            var path = $"tools[{index++}]";
            if (tool.ValueKind != JsonValueKind.Object)
            {
                fields.FailType(path, "an object", tool.ValueKind);
                return;
            }

            var inner = fields.Inner(tool, path);
            if (inner.Text("type", limits.MaxNameLength) is var type && type != "function")
            {
                inner.FailValue(
                    inner.PathOf("type"),
                    $"the tool '{type}' is not served, since nothing but the model runs here. Supported values are: "
                    + "'function'.", "unsupported_value");
            }

            _ = inner.Flag("strict");
            _ = inner.Of("parameters", JsonValueKind.Object, "an object");
        }
    }

    private void ReadChoice(FieldReader fields, ChatLimits limits)
    {
        _choice = fields.Any("tool_choice");
        if (_choice is not { ValueKind: JsonValueKind.Object } choice)
        {
            return;
        }

        var inner = fields.Inner(choice, "tool_choice");
        switch (inner.Text("type", limits.MaxNameLength))
        {
            case "function" when inner.Text("name", limits.MaxNameLength) is null:
                inner.FailMissing("name");
                break;
            case "function":
                break;
            case "allowed_tools":
                ReadAllowed(inner, limits);
                break;
            case var type:
                inner.FailValue(
                    inner.PathOf("type"),
                    $"'{type}' is not served. Supported values are: 'function', 'allowed_tools'.", "unsupported_value");
                break;
        }
    }

    // Fewer tools and a plain choice are the same thing.
    private void ReadAllowed(FieldReader choice, ChatLimits limits)
    {
        _choice = choice.Any("mode");
        _allowed = [];
        if (choice.Of("tools", JsonValueKind.Array, "an array of objects") is not { } tools)
        {
            choice.FailMissing("tools");
            return;
        }

        foreach (var tool in tools.EnumerateArray().Take(limits.MaxTools))
        {
            if (tool.ValueKind == JsonValueKind.Object
                && choice.Inner(tool, choice.PathOf("tools")).Text("name", limits.MaxNameLength) is { } name)
            {
                _allowed.Add(name);
            }
        }
    }

    private void WriteFormat(Utf8JsonWriter writer)
    {
        if (_format is not { } format)
        {
            return;
        }

        writer.WriteStartObject("response_format"u8);
        ForeignRequest.Copy(writer, "type", Property(format, "type"));
        if (Property(format, "type") is { } type && type.ValueEquals("json_schema"u8))
        {
            writer.WriteStartObject("json_schema"u8);
            foreach (var name in (string[])["name", "description", "schema", "strict"])
            {
                ForeignRequest.Copy(writer, name, Property(format, name));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private void WriteTools(Utf8JsonWriter writer)
    {
        if (_tools is not { } tools)
        {
            return;
        }

        writer.WriteStartArray("tools"u8);
        foreach (var tool in tools.EnumerateArray().Where(IsAllowed))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "function"u8);
            writer.WriteStartObject("function"u8);
            foreach (var name in (string[])["name", "description", "parameters", "strict"])
            {
                ForeignRequest.Copy(writer, name, Property(tool, name));
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private bool IsAllowed(JsonElement tool) =>
        _allowed is null
        || (Property(tool, "name") is { ValueKind: JsonValueKind.String } name && _allowed.Contains(name.GetString()!));

    private void WriteChoice(Utf8JsonWriter writer)
    {
        if (_choice is not { ValueKind: JsonValueKind.Object } choice)
        {
            ForeignRequest.Copy(writer, "tool_choice", _choice);
            return;
        }

        writer.WriteStartObject("tool_choice"u8);
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        ForeignRequest.Copy(writer, "name", Property(choice, "name"));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static JsonElement? Property(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
