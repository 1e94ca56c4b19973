using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;

namespace Souk.OpenAi.Messages;

/// <summary>Everything in a request but the conversation, said in the fields of a chat request.</summary>
internal sealed class ChatSettings
{
    // What means the same in both, and the routing preferences that every API of this gateway takes.
    private static readonly string[] _sameFields = ["model", "stream", "temperature", "top_p", "top_k", "provider"];
    private readonly List<(string Name, JsonElement Value)> _same = [];
    private JsonElement? _tools;
    private JsonElement? _schema;
    private JsonElement? _stops;
    private string? _choice;
    private string? _chosen;
    private string? _effort;
    private long? _limit;
    private bool? _isSerial;

    internal static ChatSettings Read(FieldReader fields, ChatLimits limits, bool isCounted)
    {
        var settings = new ChatSettings
        {
            _limit = fields.Integer("max_tokens", 1, int.MaxValue),
            _stops = fields.Of("stop_sequences", JsonValueKind.Array, "an array of strings"),
        };
        if (settings._limit is null && !isCounted)
        {
            fields.FailMissing("max_tokens");
        }

        foreach (var name in _sameFields)
        {
            if (fields.Any(name) is { } value)
            {
                settings._same.Add((name, value));
            }
        }

        settings.ReadTools(fields, limits);
        settings.ReadChoice(fields, limits);
        settings.ReadOutput(fields, limits);
        return settings;
    }

    internal void Write(Utf8JsonWriter writer)
    {
        foreach (var (name, value) in _same)
        {
            ForeignRequest.Copy(writer, name, value);
        }

        if (_limit is { } limit)
        {
            writer.WriteNumber("max_completion_tokens"u8, limit);
        }

        ForeignRequest.Copy(writer, "stop", _stops);
        if (_effort is not null)
        {
            writer.WriteString("reasoning_effort"u8, _effort);
        }

        if (_isSerial is { } isSerial)
        {
            writer.WriteBoolean("parallel_tool_calls"u8, !isSerial);
        }

        WriteTools(writer);
        WriteChoice(writer);
        WriteFormat(writer);
    }

    private void ReadTools(FieldReader fields, ChatLimits limits)
    {
        _tools = fields.Of("tools", JsonValueKind.Array, "an array of objects");
        if (_tools?.GetArrayLength() > limits.MaxTools)
        {
            fields.FailValue("tools", $"at most {limits.MaxTools} tools are taken.");
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
            if (inner.Text("type", limits.MaxNameLength) is { } type and not "custom")
            {
                inner.FailValue(
                    inner.PathOf("type"),
                    $"the tool '{type}' is not served, since nothing but the model runs here; only tools of your own "
                    + "are.");
            }

            _ = inner.Flag("strict");
            if (inner.Of("input_schema", JsonValueKind.Object, "an object") is null)
            {
                inner.FailMissing("input_schema");
            }
        }
    }

    private void ReadChoice(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("tool_choice", JsonValueKind.Object, "an object") is not { } choice)
        {
            return;
        }

        var inner = fields.Inner(choice, "tool_choice");
        _isSerial = inner.Flag("disable_parallel_tool_use");
        switch (inner.Text("type", limits.MaxNameLength))
        {
            case "auto":
                _choice = "auto";
                break;
            case "none":
                _choice = "none";
                break;
            case "any":
                _choice = "required";
                break;
            case "tool" when inner.Text("name", limits.MaxNameLength) is { } name:
                _chosen = name;
                break;
            case "tool":
                inner.FailMissing("name");
                break;
            case var other:
                inner.FailValue(inner.PathOf("type"), $"'{other}' is not one of auto, any, tool, none.");
                break;
        }
    }

    private void ReadOutput(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("output_config", JsonValueKind.Object, "an object") is not { } output)
        {
            return;
        }

        var inner = fields.Inner(output, "output_config");
        _effort = inner.Text("effort", limits.MaxNameLength);
        if (inner.Of("format", JsonValueKind.Object, "an object") is not { } format)
        {
            return;
        }

        var schema = inner.Inner(format, "output_config.format");
        if (schema.Text("type", limits.MaxNameLength) is var type && type != "json_schema")
        {
            schema.FailValue("output_config.format.type", $"'{type}' is not 'json_schema'.");
        }

        _schema = schema.Of("schema", JsonValueKind.Object, "an object");
        if (_schema is null)
        {
            schema.FailMissing("schema");
        }
    }

    private void WriteTools(Utf8JsonWriter writer)
    {
        if (_tools is not { } tools)
        {
            return;
        }

        writer.WriteStartArray("tools"u8);
        foreach (var tool in tools.EnumerateArray())
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "function"u8);
            writer.WriteStartObject("function"u8);
            Copy("name", "name");
            Copy("description", "description");
            Copy("input_schema", "parameters");
            Copy("strict", "strict");
            writer.WriteEndObject();
            writer.WriteEndObject();

            void Copy(string from, string to)
            {
                if (tool.TryGetProperty(from, out var value) && value.ValueKind != JsonValueKind.Null)
                {
                    ForeignRequest.Copy(writer, to, value);
                }
            }
        }

        writer.WriteEndArray();
    }

    private void WriteChoice(Utf8JsonWriter writer)
    {
        if (_choice is not null)
        {
            writer.WriteString("tool_choice"u8, _choice);
        }
        else if (_chosen is not null)
        {
            writer.WriteStartObject("tool_choice"u8);
            writer.WriteString("type"u8, "function"u8);
            writer.WriteStartObject("function"u8);
            writer.WriteString("name"u8, _chosen);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
    }

    private void WriteFormat(Utf8JsonWriter writer)
    {
        if (_schema is { } schema)
        {
            writer.WriteStartObject("response_format"u8);
            writer.WriteString("type"u8, "json_schema"u8);
            writer.WriteStartObject("json_schema"u8);
            writer.WriteString("name"u8, "output"u8);
            writer.WriteBoolean("strict"u8, true);
            ForeignRequest.Copy(writer, "schema", schema);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
    }
}
