namespace Souk.OpenAi.Streaming;

public enum SseItemKind
{
    /// <summary>A dispatched event; the bytes are its data, lines joined by LF.</summary>
    Data,

    /// <summary>A comment line; the bytes are its text without the colon and one space after it.</summary>
    Comment,
}

/// <summary>Something that arrived on an event stream.</summary>
/// <param name="Bytes">Valid only until the next item is asked for.</param>
/// <param name="Event">The event's type, or null for the default type.</param>
public readonly record struct SseItem(SseItemKind Kind, ReadOnlyMemory<byte> Bytes, string? Event);

/// <summary>How much a peer may send on one event stream; each bound is in bytes.</summary>
public sealed record SseLimits
{
    public static SseLimits Default { get; } = new();

    /// <summary>One line, comments included. Default 1 MiB.</summary>
    public int MaxLineBytes { get; init; } = 1024 * 1024;

    /// <summary>The data of one event. Default 2 MiB.</summary>
    public int MaxEventBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>The whole stream. Default 256 MiB.</summary>
    public long MaxTotalBytes { get; init; } = 256L * 1024 * 1024;
}

/// <summary>
/// The peer broke a bound of <see cref="SseLimits"/>: its fault, and the stream is of no further use.
/// </summary>
public sealed class SseException(string code, string message) : Exception(message)
{
    /// <summary><c>sse_line_too_long</c>, <c>sse_event_too_long</c> or <c>sse_stream_too_long</c>.</summary>
    public string Code { get; } = code;
}
