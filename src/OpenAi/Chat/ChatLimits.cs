namespace Souk.OpenAi.Chat;

/// <summary>
/// How much one chat request may ask for. Everything in a request is hostile, and each bound here is checked before
/// memory or time is spent in proportion. Exceeding a bound gives OpenAI's error for it, 413 for the whole body.
/// </summary>
public sealed record ChatLimits
{
    public static ChatLimits Default { get; } = new();

    /// <summary>Bytes of the whole body. Default 8 MiB: a long context of text, or a few images.</summary>
    public int MaxBodyBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Nesting of JSON values. Default 64, enough for published tool schemas.</summary>
    public int MaxDepth { get; init; } = 64;

    /// <summary>JSON tokens in the whole body, since each costs memory beyond its bytes. Default 1,000,000.</summary>
    public int MaxJsonTokens { get; init; } = 1_000_000;

    /// <summary>Messages in a conversation. Default 2,048, as OpenAI.</summary>
    public int MaxMessages { get; init; } = 2_048;

    /// <summary>Parts in one message. Default 256.</summary>
    public int MaxParts { get; init; } = 256;

    /// <summary>UTF-16 units in one text. Default 4 Mi.</summary>
    public int MaxTextLength { get; init; } = 4 * 1024 * 1024;

    /// <summary>UTF-16 units in names and identifiers (model, role, name, tool names). Default 256.</summary>
    public int MaxNameLength { get; init; } = 256;

    /// <summary>Choices (n). OpenAI allows 128, and so does the default; sellers set their own.</summary>
    public int MaxChoices { get; init; } = 128;

    /// <summary>Stop sequences. Default 4, as OpenAI.</summary>
    public int MaxStops { get; init; } = 4;

    /// <summary>UTF-16 units in one stop sequence: the engine withholds that much text. Default 512.</summary>
    public int MaxStopLength { get; init; } = 512;

    /// <summary>Tools offered. Default 128, as OpenAI.</summary>
    public int MaxTools { get; init; } = 128;

    /// <summary>Bytes of the tools array as JSON. Default 512 KiB.</summary>
    public int MaxToolsBytes { get; init; } = 512 * 1024;

    /// <summary>Tool calls in one assistant message. Default 128.</summary>
    public int MaxToolCalls { get; init; } = 128;

    /// <summary>Bytes of response_format: a schema becomes a grammar that must finish. Default 256 KiB; OpenAI's own
    /// limit is 120,000 characters of names and values.</summary>
    public int MaxSchemaBytes { get; init; } = 256 * 1024;

    /// <summary>Nesting of JSON inside response_format. Default 48: ten levels of objects in arrays, as OpenAI allows,
    /// take about 40.</summary>
    public int MaxSchemaDepth { get; init; } = 48;

    /// <summary>Entries of logit_bias. Default 1,024.</summary>
    public int MaxLogitBias { get; init; } = 1_024;

    /// <summary>Entries of chat_template_kwargs. Default 32.</summary>
    public int MaxTemplateVariables { get; init; } = 32;

    /// <summary>UTF-16 units of one image's data: URL. Default 6 Mi.</summary>
    public int MaxImageUrlLength { get; init; } = 6 * 1024 * 1024;

    /// <summary>Images over all messages. Default 16; 0 refuses images.</summary>
    public int MaxImages { get; init; } = 16;
}
