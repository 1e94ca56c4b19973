using System.Buffers;
using System.Runtime.CompilerServices;
using Souk.Protocol;

namespace Souk.Wire;

/// <summary>
/// The head of a reply and its body as it arrives. Disposing before the end tells the peer that nobody listens any
/// more.
/// </summary>
public sealed class WireReply : IAsyncDisposable
{
    /// <summary>The most body bytes that are read unless the caller says otherwise.</summary>
    public const long DefaultMostBodyBytes = 256L << 20;

    private const int ReadBytes = 16 << 10;
    private long _remaining;

    /// <summary>
    /// Wraps a body; <paramref name="body"/> is disposed with the reply, which is how a read is abandoned.
    /// </summary>
    public WireReply(int status, WireHeaders headers, Stream body, long mostBodyBytes = DefaultMostBodyBytes)
    {
        (Status, Headers, Body) = (status, headers, body);
        _remaining = mostBodyBytes;
    }

    /// <summary>The HTTP status.</summary>
    public int Status { get; }

    /// <summary>The reply's headers.</summary>
    public WireHeaders Headers { get; }

    /// <summary>The body itself, for readers with bounds of their own.</summary>
    public Stream Body { get; }

    /// <summary>The body piece by piece; each piece is valid until the next is asked for.</summary>
    /// <exception cref="WireException">The body is larger than allowed, or the connection broke.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            int read;
            while ((read = await Body.ReadAsync(buffer, cancellation)) > 0)
            {
                if ((_remaining -= read) < 0)
                {
                    throw TooLarge();
                }

                yield return buffer.AsMemory(0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The whole body.</summary>
    /// <exception cref="WireException">The body has more than <paramref name="maxBytes"/>, or the connection
    /// broke.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAllAsync(int maxBytes, CancellationToken cancellation)
    {
        var body = new ArrayBufferWriter<byte>(Math.Min(maxBytes, 4096) + 1);
        while (true)
        {
            var read = await Body.ReadAsync(body.GetMemory(1024), cancellation);
            if (read == 0)
            {
                return body.WrittenMemory;
            }

            body.Advance(read);
            if (body.WrittenCount > maxBytes)
            {
                throw TooLarge();
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Body.DisposeAsync();

    private static WireException TooLarge() =>
        new(Fault.Theirs, WireCodes.TooLarge, "The peer's reply is larger than allowed; it was not read to the end.");
}
