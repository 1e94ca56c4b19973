using System.Buffers.Text;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Dialogue;

/// <summary>Images of the other APIs as a chat carries them: a data: URL, whatever field they came in.</summary>
internal static class ImageUrl
{
    private static readonly string[] _mediaTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];

    /// <summary>The image behind a URL, or null after a failure.</summary>
    internal static ContentPart? Of(
        FieldReader fields, string name, string? detail, ConversationBuilder conversation, ChatLimits limits)
    {
        if (!IsWithin(fields, conversation, limits))
        {
            return null;
        }

        if (fields.Text(name, limits.MaxImageUrlLength) is not { } url)
        {
            fields.FailMissing(name);
            return null;
        }

        // Any other scheme would make the engine fetch it from inside the seller's network.
        if (!url.StartsWith("data:image/", StringComparison.OrdinalIgnoreCase))
        {
            fields.FailValue(fields.PathOf(name), "only data: URLs of images are taken; send the image itself.");
            return null;
        }

        return new ContentPart(ContentPart.ImageKind, url, detail);
    }

    /// <summary>The image that base64 and a media type make, or null after a failure.</summary>
    internal static ContentPart? OfBase64(FieldReader fields, ConversationBuilder conversation, ChatLimits limits)
    {
        if (!IsWithin(fields, conversation, limits))
        {
            return null;
        }

        var mediaType = fields.Text("media_type", limits.MaxNameLength);
        if (!_mediaTypes.Contains(mediaType))
        {
            fields.FailValue(
                fields.PathOf("media_type"), $"'{mediaType}' is not one of {string.Join(", ", _mediaTypes)}.");
            return null;
        }

        var start = $"data:{mediaType};base64,";
        if (fields.Text("data", limits.MaxImageUrlLength - start.Length) is not { Length: > 0 } data)
        {
            fields.FailMissing("data");
            return null;
        }

        if (!Base64.IsValid(data))
        {
            fields.FailValue(fields.PathOf("data"), "it is not base64.");
            return null;
        }

        return new ContentPart(ContentPart.ImageKind, start + data);
    }

    private static bool IsWithin(FieldReader fields, ConversationBuilder conversation, ChatLimits limits)
    {
        if (++conversation.Images <= limits.MaxImages)
        {
            return true;
        }

        fields.FailValue(fields.PathOf("type"), $"at most {limits.MaxImages} images are taken in one request.");
        return false;
    }
}
