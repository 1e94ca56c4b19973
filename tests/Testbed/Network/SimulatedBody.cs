using Souk.Protocol;
using Souk.Wire;

namespace Souk.Testbed;

/// <summary>A reply's body as the client reads it, with the real client's idle timeout.</summary>
internal sealed class SimulatedBody(SimulatedScheduler scheduler, TimeSpan idle, SimulatedExchange exchange) : Stream
{
    private readonly Queue<ReadOnlyMemory<byte>> _pieces = new();
    private Waiting? _waiting;
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

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        if (_waiting is not null)
        {
            throw new InvalidOperationException("Reads of one body overlap.");
        }

        var read = new Waiting(buffer);
        if (TryComplete(read))
        {
            return new(read.Task);
        }

        _waiting = read;
        read.Held.Add(scheduler.Time.CreateTimer(
            _ => End(new(Fault.Theirs, WireCodes.IdleTimeout, "The peer stopped sending.")),
            null,
            idle,
            Timeout.InfiniteTimeSpan));
        read.Held.Add(cancellationToken.Register(
            () => scheduler.After(TimeSpan.Zero, () => Cancel(read, cancellationToken))));
        return new(read.Task);
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

    // Completed by a delivery and not by an awaiting method of ours, because a reader of the framework that waits for
    // it would otherwise be resumed on a thread of the pool.
    private void Wake()
    {
        if (_waiting is { } read)
        {
            TryComplete(read);
        }
    }

    private void Cancel(Waiting read, CancellationToken cancellation)
    {
        if (_waiting == read)
        {
            Finish(read);
            read.TrySetCanceled(cancellation);
        }
    }

    private bool TryComplete(Waiting read)
    {
        // What arrived before a break can still be read, as from a socket's buffer.
        if (_pieces.TryDequeue(out var piece))
        {
            var take = Math.Min(piece.Length, read.Buffer.Length);
            piece.Span[..take].CopyTo(read.Buffer.Span);
            if (take < piece.Length)
            {
                PutBack(piece[take..]);
            }

            exchange.Consumed(take);
            Finish(read);
            read.SetResult(take);
            return true;
        }

        if (!_isEnded)
        {
            return false;
        }

        Finish(read);
        if (_failure is null)
        {
            read.SetResult(0);
        }
        else
        {
            read.SetException(new WireException(_failure.Fault, _failure.Code, _failure.Message));
        }

        return true;
    }

    // Before the result is set: setting it may at once start the next read.
    private void Finish(Waiting read)
    {
        _waiting = null;
        read.Release();
    }

    private void PutBack(ReadOnlyMemory<byte> rest)
    {
        _pieces.Enqueue(rest);
        for (var i = _pieces.Count - 1; i > 0; i--)
        {
            _pieces.Enqueue(_pieces.Dequeue());
        }
    }

    private sealed class Waiting(Memory<byte> buffer) : TaskCompletionSource<int>
    {
        public Memory<byte> Buffer { get; } = buffer;

        public List<IDisposable> Held { get; } = [];

        public void Release()
        {
            Held.ForEach(static held => held.Dispose());
            Held.Clear();
        }
    }
}
