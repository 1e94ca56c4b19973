using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Reads the <c>messages</c> array.</summary>
internal static class MessageReader
{
    private static readonly string[] _roles = ["system", "developer", "user", "assistant", "tool", "function"];

    internal static IReadOnlyList<ChatMessage> Read(FieldReader fields, ChatLimits limits)
    {
        if (fields.Any("messages") is null)
        {
            fields.FailMissing("messages");
            return [];
        }

        if (fields.Of("messages", JsonValueKind.Array, "an array of objects") is not { } array)
        {
            return [];
        }

        var count = array.GetArrayLength();
        if (count == 0)
        {
            fields.FailValue(
                "messages",
                "empty array. Expected an array with minimum length 1, but got an empty array instead.",
                "empty_array");
            return [];
        }

        if (count > limits.MaxMessages)
        {
            fields.FailValue(
                "messages",
                $"array too long. Expected an array with maximum length {limits.MaxMessages}, "
                + $"but got an array with length {count} instead.",
                "array_above_max_length");
            return [];
        }

        var messages = new List<ChatMessage>(count);
        var images = 0;
        foreach (var element in array.EnumerateArray())
        {
            var path = $"messages[{messages.Count}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                fields.FailType(path, "an object", element.ValueKind);
                return messages;
            }

            messages.Add(ReadOne(fields.Inner(element, path), limits, ref images));
            if (fields.Error is not null)
            {
                return messages;
            }
        }

        return messages;
    }

    private static ChatMessage ReadOne(FieldReader fields, ChatLimits limits, ref int images)
    {
        var role = fields.Text("role", limits.MaxNameLength);
        if (role is null)
        {
            fields.FailMissing("role");
        }
        else if (!_roles.Contains(role))
        {
            fields.FailValue(
                fields.PathOf("role"), $"'{role}' is not one of {string.Join(", ", _roles)}.");
        }

        var parts = Content(fields, limits, ref images, out var isArray);
        var message = new ChatMessage(role ?? "", parts)
        {
            IsPartArray = isArray,
            Name = fields.Text("name", limits.MaxNameLength),
            Refusal = fields.Text("refusal", limits.MaxTextLength),
            Reasoning = fields.Text("reasoning_content", limits.MaxTextLength),
            ToolCallId = fields.Text("tool_call_id", limits.MaxNameLength),
            ToolCalls = ToolReader.Calls(fields, limits),
        };
        CheckWhole(fields, message);
        return message;
    }

    private static void CheckWhole(FieldReader fields, ChatMessage message)
    {
        if (message.Role == "tool" && message.ToolCallId is null)
        {
            fields.FailMissing("tool_call_id");
        }

        if (message.Role != "assistant" && message is { Parts: [], IsPartArray: false })
        {
            fields.FailMissing("content");
        }

        if (message.Role != "assistant" && message.ToolCalls.Count > 0)
        {
            fields.FailValue(fields.PathOf("tool_calls"), "only an assistant's message may carry it.");
        }

        if (message.Role != "user" && message.HasImage)
        {
            fields.FailValue(fields.PathOf("content"), "only a user's message may carry images.");
        }
    }

    private static List<ContentPart> Content(
        FieldReader fields, ChatLimits limits, ref int images, out bool isArray)
    {
        isArray = false;
        if (fields.Any("content") is not { } content)
        {
            return [];
        }

        var path = fields.PathOf("content");
        if (content.ValueKind == JsonValueKind.String)
        {
            return [new ContentPart(ContentPart.TextKind, fields.Bounded(content, path, limits.MaxTextLength) ?? "")];
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            fields.FailType(path, "a string or an array of objects", content.ValueKind);
            return [];
        }

        isArray = true;
        if (content.GetArrayLength() > limits.MaxParts)
        {
            fields.FailValue(path, $"at most {limits.MaxParts} parts are taken.", "array_above_max_length");
            return [];
        }

        var parts = new List<ContentPart>();
        foreach (var element in content.EnumerateArray())
        {
            var partPath = $"{path}[{parts.Count}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                fields.FailType(partPath, "an object", element.ValueKind);
                return parts;
            }

            if (Part(fields.Inner(element, partPath), limits, ref images) is not { } part)
            {
                return parts;
            }

            parts.Add(part);
        }

        return parts;
    }

    private static ContentPart? Part(FieldReader fields, ChatLimits limits, ref int images)
    {
        switch (fields.Text("type", limits.MaxNameLength))
        {
            case null:
                fields.FailMissing("type");
                return null;
            case ContentPart.TextKind:
                return TextPart(fields, "text", ContentPart.TextKind, limits);
            case ContentPart.RefusalKind:
                return TextPart(fields, "refusal", ContentPart.RefusalKind, limits);
            case ContentPart.ImageKind:
                images++;
                return ImagePart(fields, limits, images);
            case var other:
                fields.FailValue(
                    fields.PathOf("type"), $"'{other}' is not served. Supported values are: 'text', 'image_url', "
                        + $"'refusal'.");
                return null;
        }
    }

    private static ContentPart? TextPart(FieldReader fields, string name, string kind, ChatLimits limits)
    {
        if (fields.Text(name, limits.MaxTextLength) is { } text)
        {
            return new ContentPart(kind, text);
        }

        fields.FailMissing(name);
        return null;
    }

    private static ContentPart? ImagePart(FieldReader fields, ChatLimits limits, int images)
    {
        var path = fields.PathOf("image_url");
        if (images > limits.MaxImages)
        {
            fields.FailValue(path, $"at most {limits.MaxImages} images are taken in one request.");
            return null;
        }

        if (fields.Of("image_url", JsonValueKind.Object, "an object") is not { } image)
        {
            fields.FailMissing("image_url");
            return null;
        }

        var inner = fields.Inner(image, path);
        if (inner.Text("url", limits.MaxImageUrlLength) is not { } url)
        {
            inner.FailMissing("url");
            return null;
        }

        // Any other scheme would make the engine fetch it from inside the seller's network.
        if (!url.StartsWith("data:image/", StringComparison.OrdinalIgnoreCase))
        {
            inner.FailValue(inner.PathOf("url"), "only data: URLs of images are taken; send the image itself.");
            return null;
        }

        return new ContentPart(ContentPart.ImageKind, url, inner.Text("detail", 16));
    }
}
