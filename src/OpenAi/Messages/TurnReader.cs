using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;

namespace Souk.OpenAi.Messages;

/// <summary>Reads <c>system</c> and <c>messages</c> as the conversation that they are.</summary>
internal sealed class TurnReader(FieldReader fields, ChatLimits limits)
{
    private static readonly string[] _roles = ["user", "assistant", "system"];
    private readonly ConversationBuilder _conversation = new(fields, limits);

    internal IReadOnlyList<ChatMessage> Read()
    {
        if (fields.Any("system") is not null && Parts(fields, "system", TextOnly) is { Count: > 0 } system)
        {
            _conversation.Say("system", system);
        }

        if (fields.Any("messages") is null)
        {
            fields.FailMissing("messages");
        }
        else if (fields.Of("messages", JsonValueKind.Array, "an array of objects") is { } turns)
        {
            Turns(turns);
        }

        return _conversation.End("messages");
    }

    private void Turns(JsonElement turns)
    {
        var count = turns.GetArrayLength();
        if (count == 0 || count > limits.MaxMessages)
        {
            fields.FailValue("messages", $"from 1 to {limits.MaxMessages} messages are taken.");
            return;
        }

        var index = 0;
        var role = "";
        foreach (var element in turns.EnumerateArray())
        {
            var path = $"messages[{index++}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                fields.FailType(path, "an object", element.ValueKind);
            }
            else
            {
                Turn(fields.Inner(element, path), out role);
            }

            if (fields.Error is not null)
            {
                return;
            }
        }

        if (role == "assistant")
        {
            // Chat templates begin a new turn, so the answer would not continue the one that was begun.
            fields.FailValue(
                "messages", "the last message must be the user's; an answer that was begun is not continued here.");
        }
    }

    private void Turn(FieldReader turn, out string role)
    {
        var given = role = turn.Text("role", limits.MaxNameLength) ?? "";
        if (!_roles.Contains(role))
        {
            turn.FailValue(turn.PathOf("role"), $"'{role}' is not one of {string.Join(", ", _roles)}.");
            return;
        }

        List<(ToolCall Call, string Path)> calls = [];
        var hasResults = false;
        var parts = Parts(turn, "content", (part, type) => type switch
        {
            "image" when given == "user" => Image(part),
            "tool_use" when given == "assistant" => Call(part),
            "tool_result" when given == "user" => Result(part),
            // Earlier reasoning is not shown to the model again.
            "thinking" or "redacted_thinking" when given == "assistant" => [],
            _ => TextOnly(part, type),
        });
        if (fields.Error is not null)
        {
            return;
        }

        // Results go before what the user says besides, since they belong to the calls of the turn before.
        if (parts.Count > 0 || (calls.Count == 0 && !hasResults))
        {
            _conversation.Say(given, parts, joins: true);
        }

        foreach (var (call, path) in calls)
        {
            _conversation.Call(call, path);
        }

        ContentPart[] Call(FieldReader part)
        {
            var input = part.Any("input");
            if (input is not { ValueKind: JsonValueKind.Object })
            {
                part.FailType(part.PathOf("input"), "an object", input?.ValueKind ?? JsonValueKind.Null);
            }

            var arguments = input?.GetRawText() ?? "";
            if (arguments.Length > limits.MaxTextLength)
            {
                part.FailValue(part.PathOf("input"), $"at most {limits.MaxTextLength} characters are taken.");
            }

            var call = new ToolCall(
                Required(part, "id", limits.MaxNameLength), Required(part, "name", limits.MaxNameLength), arguments);
            calls.Add((call, part.PathOf("type")));
            return [];
        }

        ContentPart[] Result(FieldReader part)
        {
            hasResults = true;
            var content = part.Any("content") is null ? [] : Parts(part, "content", (inner, type) =>
                type == "image" ? Image(inner) : TextOnly(inner, type));
            _conversation.Result(Required(part, "tool_use_id", limits.MaxNameLength), content);
            return [];
        }
    }

    private List<ContentPart> Parts(
        FieldReader owner, string name, Func<FieldReader, string?, IReadOnlyList<ContentPart>> read)
    {
        List<ContentPart> parts = [];
        var path = owner.PathOf(name);
        switch (owner.Any(name))
        {
            case null:
                owner.FailMissing(name);
                break;
            case { ValueKind: JsonValueKind.String } text:
                parts.Add(new ContentPart(
                    ContentPart.TextKind, owner.Bounded(text, path, limits.MaxTextLength) ?? ""));
                break;
            case { ValueKind: JsonValueKind.Array } blocks when blocks.GetArrayLength() > limits.MaxParts:
                owner.FailValue(path, $"at most {limits.MaxParts} blocks are taken.", "array_above_max_length");
                break;
            case { ValueKind: JsonValueKind.Array } blocks:
                var index = 0;
                foreach (var element in blocks.EnumerateArray())
                {
                    var blockPath = $"{path}[{index++}]";
                    if (element.ValueKind != JsonValueKind.Object)
                    {
                        owner.FailType(blockPath, "an object", element.ValueKind);
                        break;
                    }

                    var block = owner.Inner(element, blockPath);
                    parts.AddRange(read(block, block.Text("type", limits.MaxNameLength)));
                    if (fields.Error is not null)
                    {
                        break;
                    }
                }

                break;
            case { } other:
                owner.FailType(path, "a string or an array of objects", other.ValueKind);
                break;
        }

        return parts;
    }

    private ContentPart[] TextOnly(FieldReader block, string? type)
    {
        switch (type)
        {
            case null:
                block.FailMissing("type");
                return [];
            case "text":
                return [new ContentPart(ContentPart.TextKind, Required(block, "text", limits.MaxTextLength))];
            default:
                block.FailValue(block.PathOf("type"), $"a block of type '{type}' is not served here.");
                return [];
        }
    }

    private ContentPart[] Image(FieldReader block)
    {
        if (block.Of("source", JsonValueKind.Object, "an object") is not { } source)
        {
            block.FailMissing("source");
            return [];
        }

        var inner = block.Inner(source, block.PathOf("source"));
        switch (inner.Text("type", limits.MaxNameLength))
        {
            case "base64":
                return ImageUrl.OfBase64(inner, _conversation, limits) is { } image ? [image] : [];
            case "url":
                return ImageUrl.Of(inner, "url", null, _conversation, limits) is { } told ? [told] : [];
            case var other:
                inner.FailValue(
                    inner.PathOf("type"), $"'{other}' is not served. Supported values are: 'base64'; 'url' for data:.");
                return [];
        }
    }

    private static string Required(FieldReader block, string name, int maxLength)
    {
        if (block.Text(name, maxLength) is { } text)
        {
            return text;
        }

        block.FailMissing(name);
        return "";
    }
}
