using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Souk.Wire.Http;

/// <summary>
/// Writes a handler's answer to an ASP.NET response. One write is one flush, and no allocation while the peer keeps up.
/// </summary>
internal sealed class HttpWireResponse(
    HttpContext context, PeerGate gate, string peer, WireLimits limits, TimeProvider time)
    : IWireResponse, IDisposable
{
    // A peer's leaving can show in a write before it shows in the request's own token. This source joins both, so that
    // a handler whose write has failed always finds its token cancelled as well.
    private readonly CancellationTokenSource _gone =
        CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);

    private PipeWriter? _writer;
    private ITimer? _deadline;
    private bool _isOverdue;

    /// <summary>Fires when the peer has gone or is too slow to be served.</summary>
    public CancellationToken Aborted => _gone.Token;

    public bool IsStarted => _writer is not null;

    /// <summary>Bytes of the request's body that were counted, to be given back with the rest.</summary>
    public long BufferedBytes { get; private set; }

    public bool HasStream { get; private set; }

    /// <summary>Whether the stream was refused because its peer already holds as many as it may.</summary>
    public bool IsStreamRefused { get; private set; }

    public async ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
    {
        if (IsStarted)
        {
            throw new InvalidOperationException("A handler started its response twice.");
        }

        Aborted.ThrowIfCancellationRequested();
        var isStream = headers["content-type"]?.StartsWith("text/event-stream", StringComparison.Ordinal) == true;
        if (isStream && !(HasStream = gate.TryOpenStream(peer)))
        {
            IsStreamRefused = true;
            throw new OperationCanceledException("The peer holds as many streams as it may.");
        }

        var response = context.Response;
        response.StatusCode = status;
        foreach (var (name, value) in headers)
        {
            response.Headers[name] = StringValues.Concat(response.Headers[name], value);
        }

        _writer = response.BodyWriter;
        if (isStream)
        {
            await response.StartAsync(cancellation);
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (_writer is null)
        {
            throw new InvalidOperationException("A handler wrote before it started its response.");
        }

        Aborted.ThrowIfCancellationRequested();
        var flush = data.IsEmpty ? _writer.FlushAsync(cancellation) : _writer.WriteAsync(data, cancellation);
        if (!flush.IsCompletedSuccessfully)
        {
            return AwaitAsync(flush);
        }

        ThrowIfGone(flush.Result);
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Counts a body that has grown to <paramref name="total"/> bytes; false where there is no more room.
    /// </summary>
    public bool TryBuffer(long total)
    {
        if (!gate.TryBuffer(total - BufferedBytes))
        {
            return false;
        }

        BufferedBytes = total;
        return true;
    }

    /// <summary>Notes that the peer has gone, and gives what to throw for it.</summary>
    public OperationCanceledException Left(Exception? why = null)
    {
        _gone.Cancel();
        return new OperationCanceledException("The peer has gone.", why, Aborted);
    }

    public void Dispose()
    {
        _deadline?.Dispose();
        _gone.Dispose();
    }

    private async ValueTask AwaitAsync(ValueTask<FlushResult> flush)
    {
        if (flush.IsCompleted)
        {
            ThrowIfGone(await flush);
            return;
        }

        _deadline ??= time.CreateTimer(
            static state => ((HttpWireResponse)state!).GiveUp(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _deadline.Change(limits.WriteTimeout, Timeout.InfiniteTimeSpan);
        try
        {
            ThrowIfGone(await flush);
        }
        finally
        {
            _deadline.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private void GiveUp()
    {
        _isOverdue = true;
        context.Abort();
    }

    private void ThrowIfGone(FlushResult result)
    {
        if (_isOverdue || result.IsCompleted || result.IsCanceled)
        {
            throw Left();
        }
    }
}
