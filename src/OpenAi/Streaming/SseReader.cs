using System.Runtime.CompilerServices;

namespace Souk.OpenAi.Streaming;

/// <summary>
/// Reads an event stream item by item. An item's bytes are valid until the next one is asked for. Bounds are those of
/// <see cref="SseLimits"/>; a peer that breaks them causes <see cref="SseException"/>.
/// </summary>
public static class SseReader
{
    public static async IAsyncEnumerable<SseItem> ReadAsync(
        Stream stream, SseLimits? limits = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var parser = new SseParser(limits);
        var piece = new byte[8_192];
        while (true)
        {
            var count = await stream.ReadAsync(piece, cancellationToken);
            if (count == 0)
            {
                yield break;
            }

            parser.Append(piece.AsSpan(0, count));
            while (parser.TryRead(out var item))
            {
                yield return item;
            }
        }
    }

    public static async IAsyncEnumerable<SseItem> ReadAsync(
        IAsyncEnumerable<ReadOnlyMemory<byte>> pieces,
        SseLimits? limits = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        var parser = new SseParser(limits);
        await foreach (var piece in pieces.WithCancellation(cancellationToken))
        {
            parser.Append(piece.Span);
            while (parser.TryRead(out var item))
            {
                yield return item;
            }
        }
    }
}
