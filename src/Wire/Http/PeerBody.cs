using System.Runtime.CompilerServices;
using Souk.Protocol;

namespace Souk.Wire.Http;

/// <summary>
/// A reply's body from a socket. A peer that goes silent is cut off by one coarse timer per reply rather than one timer
/// per read, because a read happens for every streamed token.
/// </summary>
internal sealed class PeerBody : Stream
{
    private const int ChecksPerTimeout = 8;

    private readonly Stream _body;
    private readonly IDisposable _message;
    private readonly IDisposable _pool;
    private readonly TimeSpan _idle;
    private readonly TimeProvider _time;
    private readonly ITimer _watch;
    private long _waitingSince;
    private bool _isCut;
    private int _isDisposed;

    public PeerBody(Stream body, IDisposable message, IDisposable pool, TimeSpan idle, TimeProvider time)
    {
        (_body, _message, _pool, _idle, _time) = (body, message, pool, idle, time);
        var period = idle / ChecksPerTimeout;
        _watch = time.CreateTimer(static state => ((PeerBody)state!).Check(), this, period, period);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static WireException Broken(Exception e) =>
        new(Fault.Theirs, WireCodes.Disconnected, "The connection to the peer broke.", e);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Zero means that no read waits, so a timestamp of zero is moved by one tick.
        Volatile.Write(ref _waitingSince, _time.GetTimestamp() | 1);
        try
        {
            return await _body.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception) when (Volatile.Read(ref _isCut))
        {
            throw new WireException(Fault.Theirs, WireCodes.IdleTimeout, "The peer stopped sending.");
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Broken(e);
        }
        finally
        {
            Volatile.Write(ref _waitingSince, 0);
        }
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
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _watch.Dispose();
            _body.Dispose();
            _message.Dispose();
            _pool.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Check()
    {
        var since = Volatile.Read(ref _waitingSince);
        if (since != 0 && _time.GetElapsedTime(since) >= _idle)
        {
            Volatile.Write(ref _isCut, true);
            _body.Dispose();
        }
    }
}
