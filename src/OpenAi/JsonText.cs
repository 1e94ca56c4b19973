using System.Text.Encodings.Web;
using System.Text.Json;

namespace Souk.OpenAi;

/// <summary>JSON settings that every reader and writer of this room shares.</summary>
internal static class JsonText
{
    /// <summary>
    /// The relaxed encoder leaves non-ASCII text as it is, as OpenAI does; replies are served as application/json or
    /// text/event-stream and never embedded in HTML.
    /// </summary>
    internal static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    internal static JsonReaderOptions ReaderOptions(int maxDepth) => new()
    {
        MaxDepth = maxDepth,
        CommentHandling = JsonCommentHandling.Disallow,
    };

    internal static JsonDocumentOptions DocumentOptions(int maxDepth) => new()
    {
        MaxDepth = maxDepth,
        CommentHandling = JsonCommentHandling.Disallow,
    };
}
