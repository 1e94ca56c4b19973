using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Responses;

/// <summary>Reads <c>instructions</c> and <c>input</c> as the conversation that they are.</summary>
internal sealed class InputReader(FieldReader fields, ChatLimits limits)
{
    private static readonly string[] _roles = ["user", "assistant", "system", "developer"];
    private readonly ConversationBuilder _conversation = new(fields, limits);

    internal IReadOnlyList<ChatMessage> Read()
    {
        if (fields.Text("instructions", limits.MaxTextLength) is { } instructions)
        {
            _conversation.Say("system", [new ContentPart(ContentPart.TextKind, instructions)]);
        }

        switch (fields.Any("input"))
        {
            case null:
                fields.FailMissing("input");
                break;
            case { ValueKind: JsonValueKind.String } text:
                _conversation.Say("user", Texts(fields.Bounded(text, "input", limits.MaxTextLength)));
                break;
            case { ValueKind: JsonValueKind.Array } items when items.GetArrayLength() > limits.MaxMessages:
                fields.FailValue(
                    "input", $"at most {limits.MaxMessages} items are taken.", "array_above_max_length");
                break;
            case { ValueKind: JsonValueKind.Array } items:
                Items(items);
                break;
            case { } other:
                fields.FailType("input", "a string or an array of objects", other.ValueKind);
                break;
        }

        var messages = _conversation.End("input");
        if (messages.Count == 0)
        {
            fields.FailValue("input", "there is nothing to answer in it.", "empty_array");
        }

        return messages;
    }

    private static ContentPart[] Texts(string? text) => [new ContentPart(ContentPart.TextKind, text ?? "")];

    private void Items(JsonElement items)
    {
        var index = 0;
        foreach (var element in items.EnumerateArray())
        {
            var path = $"input[{index++}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                fields.FailType(path, "an object", element.ValueKind);
            }
            else
            {
                Item(fields.Inner(element, path));
            }

            if (fields.Error is not null)
            {
                return;
            }
        }
    }

    private void Item(FieldReader item)
    {
        switch (item.Text("type", limits.MaxNameLength))
        {
            case null or "message":
                Message(item);
                break;
            case "function_call":
                var call = new ToolCall(
                    Required(item, "call_id", limits.MaxNameLength), Required(item, "name", limits.MaxNameLength),
                    Required(item, "arguments", limits.MaxTextLength));
                _conversation.Call(call, item.PathOf("type"));
                break;
            case "function_call_output":
                var callId = Required(item, "call_id", limits.MaxNameLength);
                _conversation.Result(callId, Content(item, "output", takesImages: true));
                break;
            case "reasoning":
                // Earlier reasoning is not shown to the model again.
                break;
            case "item_reference":
                item.Fail(OpenAiError.InvalidRequest(
                    $"Invalid '{item.PathOf("type")}': this gateway keeps no items that could be referred to. Send the "
                    + "items themselves, as SDKs do with 'store': false.", item.PathOf("type"), "unsupported_value"));
                break;
            case var other:
                item.FailValue(
                    item.PathOf("type"),
                    $"'{other}' is not served. Supported values are: 'message', 'function_call', "
                    + "'function_call_output', 'reasoning'.", "unsupported_value");
                break;
        }
    }

    private void Message(FieldReader item)
    {
        var role = Required(item, "role", limits.MaxNameLength);
        if (!_roles.Contains(role))
        {
            item.FailValue(item.PathOf("role"), $"'{role}' is not one of {string.Join(", ", _roles)}.");
        }

        _conversation.Say(role, Content(item, "content", takesImages: role == "user"));
    }

    private List<ContentPart> Content(FieldReader item, string name, bool takesImages)
    {
        List<ContentPart> parts = [];
        var path = item.PathOf(name);
        switch (item.Any(name))
        {
            case null:
                item.FailMissing(name);
                break;
            case { ValueKind: JsonValueKind.String } text:
                parts.Add(new ContentPart(
                    ContentPart.TextKind, item.Bounded(text, path, limits.MaxTextLength) ?? ""));
                break;
            case { ValueKind: JsonValueKind.Array } array when array.GetArrayLength() > limits.MaxParts:
                item.FailValue(path, $"at most {limits.MaxParts} parts are taken.", "array_above_max_length");
                break;
            case { ValueKind: JsonValueKind.Array } array:
                foreach (var element in array.EnumerateArray())
                {
                    var partPath = $"{path}[{parts.Count}]";
                    if (element.ValueKind != JsonValueKind.Object)
                    {
                        item.FailType(partPath, "an object", element.ValueKind);
                        return parts;
                    }

                    if (Part(item.Inner(element, partPath), takesImages) is not { } part)
                    {
                        return parts;
                    }

                    parts.Add(part);
                }

                break;
            case { } other:
                item.FailType(path, "a string or an array of objects", other.ValueKind);
                break;
        }

        return parts;
    }

    private ContentPart? Part(FieldReader part, bool takesImages)
    {
        switch (part.Text("type", limits.MaxNameLength))
        {
            case null:
                part.FailMissing("type");
                return null;
            case "input_text" or "output_text" or "text":
                return new ContentPart(ContentPart.TextKind, Required(part, "text", limits.MaxTextLength));
            case "refusal":
                return new ContentPart(ContentPart.RefusalKind, Required(part, "refusal", limits.MaxTextLength));
            case "input_image" when !takesImages:
                part.FailValue(part.PathOf("type"), "only a user's message or a call's output may carry images.");
                return null;
            case "input_image":
                ForeignRequest.Refuse(part, "file_id", "this gateway keeps no files; send the image as a data: URL.");
                return ImageUrl.Of(part, "image_url", part.Text("detail", 16), _conversation, limits);
            case var other:
                part.FailValue(
                    part.PathOf("type"),
                    $"'{other}' is not served. Supported values are: 'input_text', 'output_text', 'input_image', "
                    + "'refusal'.", "unsupported_value");
                return null;
        }
    }

    private static string Required(FieldReader item, string name, int maxLength)
    {
        if (item.Text(name, maxLength) is { } text)
        {
            return text;
        }

        item.FailMissing(name);
        return "";
    }
}
