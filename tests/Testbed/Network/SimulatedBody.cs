using Souk.Protocol;
using Souk.Wire;

namespace Souk.Testbed;

/// <summary>A reply's body as the client reads it, with the real client's idle timeout.</summary>
internal sealed class SimulatedBody(SimulatedScheduler scheduler, TimeSpan idle, SimulatedExchange exchange) : Stream
{
    private readonly Queue<ReadOnlyMemory<byte>> _pieces = new();
    private TaskCompletionSource? _arrival;
    private WireException? _failure;
    private bool _isEnded;
    private bool _isDisposed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Bytes arrive. Called from a delivery, that is without a context.</summary>
    public void Append(byte[] piece)
    {
        if (!_isEnded && piece.Length > 0)
        {
            _pieces.Enqueue(piece);
            Wake();
        }
    }

    /// <summary>Nothing more will come.</summary>
    public void End(WireException? failure)
    {
        if (!_isEnded)
        {
            (_isEnded, _failure) = (true, failure);
            scheduler.After(TimeSpan.Zero, Wake);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_pieces.Count == 0 && !_isEnded)
        {
            await AwaitArrivalAsync(cancellationToken);
        }

        // What arrived before a break can still be read, as from a socket's buffer.
        if (_pieces.TryDequeue(out var piece))
        {
            var take = Math.Min(piece.Length, buffer.Length);
            piece.Span[..take].CopyTo(buffer.Span);
            if (take < piece.Length)
            {
                PutBack(piece[take..]);
            }

            exchange.Consumed(take);
            return take;
        }

        return _failure is null ? 0 : throw new WireException(_failure.Fault, _failure.Code, _failure.Message);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            exchange.ClientLeaves();
        }

        base.Dispose(disposing);
    }

    private async Task AwaitArrivalAsync(CancellationToken cancellation)
    {
        var arrival = _arrival = new();
        await using var deadline = scheduler.Time.CreateTimer(
            _ => End(new(Fault.Theirs, WireCodes.IdleTimeout, "The peer stopped sending.")),
            null,
            idle,
            Timeout.InfiniteTimeSpan);
        using var cancelled = cancellation.Register(
            () => scheduler.After(TimeSpan.Zero, () => arrival.TrySetCanceled(cancellation)));
        await arrival.Task;
    }

    private void Wake()
    {
        var arrival = _arrival;
        _arrival = null;
        arrival?.TrySetResult();
    }

    private void PutBack(ReadOnlyMemory<byte> rest)
    {
        _pieces.Enqueue(rest);
        for (var i = _pieces.Count - 1; i > 0; i--)
        {
            _pieces.Enqueue(_pieces.Dequeue());
        }
    }
}
