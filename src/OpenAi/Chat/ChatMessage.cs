namespace Souk.OpenAi.Chat;

/// <summary>One message of a conversation, already bounded and checked.</summary>
/// <param name="Role">system, developer, user, assistant, tool or function.</param>
/// <param name="Parts">The content in order; empty when the content is null.</param>
public sealed record ChatMessage(string Role, IReadOnlyList<ContentPart> Parts)
{
    /// <summary>Whether <c>content</c> was a JSON array of parts rather than a string or null.</summary>
    public bool IsPartArray { get; init; }

    public string? Name { get; init; }

    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    public string? ToolCallId { get; init; }

    public string? Refusal { get; init; }

    /// <summary>
    /// The reasoning of an earlier answer (<c>reasoning_content</c>), which some templates show again.
    /// </summary>
    public string? Reasoning { get; init; }

    /// <summary>
    /// All text of the content, its parts joined by line ends as vLLM does before it fills a template; null when the
    /// content is null.
    /// </summary>
    public string? Text => Parts switch
    {
        [] => IsPartArray ? "" : null,
        _ => string.Join('\n', Parts.Where(part => part.Kind != ContentPart.ImageKind).Select(part => part.Text)),
    };

    public bool HasImage => Parts.Any(part => part.Kind == ContentPart.ImageKind);

    public static ChatMessage OfText(string role, string text) =>
        new(role, [new ContentPart(ContentPart.TextKind, text)]);
}

/// <summary>A piece of a message's content.</summary>
/// <param name="Kind"><see cref="TextKind"/>, <see cref="ImageKind"/> or <see cref="RefusalKind"/>.</param>
/// <param name="Text">The text, or the image's data: URL.</param>
/// <param name="Detail">OpenAI's detail hint of an image, or null.</param>
public sealed record ContentPart(string Kind, string Text, string? Detail = null)
{
    public const string TextKind = "text";
    public const string ImageKind = "image_url";
    public const string RefusalKind = "refusal";
}

/// <summary>A call of a function that the model asked for.</summary>
/// <param name="Id">Pairs the call with the tool message that answers it.</param>
/// <param name="Name">The function's name.</param>
/// <param name="Arguments">JSON text as the model wrote it, which need not be valid JSON.</param>
public sealed record ToolCall(string Id, string Name, string Arguments);
