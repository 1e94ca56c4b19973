#pragma warning disable CA1001 // Nothing here holds more than memory, and both sides may outlive each other.
using System.Text;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Testbed;

/// <summary>
/// One request and its reply under way. Deliveries run without a context, see <see cref="SimulatedScheduler"/>.
/// </summary>
internal sealed class SimulatedExchange : IWireResponse
{
    private const int MostBytesUnderWay = 64 << 10;

    private readonly SimulatedNetwork _network;
    private readonly SimulatedScheduler _scheduler;
    private readonly PeerTarget _target;
    private readonly WireRequest _request;
    private readonly TaskCompletionSource<WireReply> _head = new();
    private readonly CancellationTokenSource _aborted = new();
    private readonly SimulatedBody _body;
    private SimulatedListener? _listener;
    private TaskCompletionSource? _room;
    private TimeSpan _lastArrival;
    private TimeSpan? _copyAt;
    private int _bytesUnderWay;
    private bool _isStarted;
    private bool _isReplyLost;
    private bool _isOver;

    public SimulatedExchange(SimulatedNetwork network, PeerTarget target, WireRequest request, TimeSpan idle)
    {
        (_network, _scheduler, _target, _request) = (network, network.Scheduler, target, request);
        _body = new(network.Scheduler, idle, this);
    }

    /// <summary>Told once the client has left.</summary>
    public Action<SimulatedExchange>? Left { get; init; }

    public string Peer => _request.Peer;

    public async Task<WireReply> StartAsync(CancellationToken cancellation)
    {
        Trace("send", $"{_request.Peer} {_target.Endpoint.Authority} {_request.Method} {_request.Path}", _request.Body);
        _network.Witness?.Sent(_target.Endpoint, _request);
        var faults = _network.Faults;
        if (_network.IsCut(_request.Peer, _target.Endpoint))
        {
            LoseBehindCut();
        }
        else if (_network.Random.Happens(faults.RefusedConnection))
        {
            _scheduler.After(_network.NextDelay(), () => Fail(Refused()));
        }
        else if (_network.Random.Happens(faults.LostRequest))
        {
            Trace("lost request", _target.Endpoint.Authority, default);
        }
        else
        {
            _scheduler.After(_network.NextDelay(), Arrive);
            if (faults.DoubledRequest > 0 && _network.Random.Happens(faults.DoubledRequest))
            {
                _copyAt = _scheduler.Elapsed + _network.NextDelay()
                    + _network.Random.Between(TimeSpan.Zero, faults.LatestCopy);
            }
        }

        await using var deadline = _scheduler.Time.CreateTimer(
            static state => ((SimulatedExchange)state!).HeadersTimedOut(),
            this,
            _network.ClientOptions.HeadersTimeout,
            Timeout.InfiniteTimeSpan);
        using var cancelled = cancellation.Register(
            () => _scheduler.After(TimeSpan.Zero, () => _head.TrySetCanceled(cancellation)));
        try
        {
            return await _head.Task;
        }
        catch
        {
            ClientLeaves();
            throw;
        }
    }

    public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
    {
        _aborted.Token.ThrowIfCancellationRequested();
        if (_isStarted)
        {
            throw new InvalidOperationException("A handler started its response twice.");
        }

        _isStarted = true;
        _isReplyLost = _network.Random.Happens(_network.Faults.LostReply);
        var copy = new WireHeaders(headers.Count);
        foreach (var (name, value) in headers)
        {
            copy.Add(name, value);
        }

        _network.Witness?.Answered(_target.Endpoint, _request, status, copy);
        Trace("head", $"{status} {string.Join('\n', copy.Select(h => $"{h.Key}: {h.Value}"))}", default);
        Deliver(TimeSpan.Zero, () => _head.TrySetResult(
            new(status, copy, _body, _network.ClientOptions.MaxReplyBytes)));
        return ValueTask.CompletedTask;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (!_isStarted)
        {
            throw new InvalidOperationException("A handler wrote before it started its response.");
        }

        _aborted.Token.ThrowIfCancellationRequested();
        cancellation.ThrowIfCancellationRequested();
        Send(data.ToArray());
        if (_bytesUnderWay <= MostBytesUnderWay)
        {
            return;
        }

        _room = new();
        await using var deadline = _scheduler.Time.CreateTimer(
            static state => ((SimulatedExchange)state!).Break(),
            this,
            _network.Limits.WriteTimeout,
            Timeout.InfiniteTimeSpan);
        using var cancelled = cancellation.Register(
            () => _scheduler.After(TimeSpan.Zero, () => _room?.TrySetCanceled(cancellation)));
        await _room.Task;
        _aborted.Token.ThrowIfCancellationRequested();
    }

    /// <summary>The client has taken bytes out of the body's buffer.</summary>
    public void Consumed(int bytes)
    {
        _bytesUnderWay -= bytes;
        if (_room is { } room && _bytesUnderWay <= MostBytesUnderWay)
        {
            _room = null;
            _scheduler.After(TimeSpan.Zero, () => room.TrySetResult());
        }
    }

    /// <summary>The client no longer listens; the server learns it a moment later.</summary>
    public void ClientLeaves()
    {
        Left?.Invoke(this);
        _body.End(null);
        if (_listener is not null && !_isOver)
        {
            _scheduler.After(_network.NextDelay(), Abort);
        }

        _isReplyLost = true;
    }

    /// <summary>The connection breaks for both sides.</summary>
    public void Break()
    {
        Trace("break", _target.Endpoint.Authority, default);
        _isReplyLost = true;
        Fail(new(Fault.Theirs, WireCodes.Disconnected, "The connection to the peer broke."));
        Abort();
    }

    private void Arrive()
    {
        var listener = _network.Find(_target.Endpoint);
        if (listener is null || listener.IsRefusing)
        {
            Fail(Refused());
        }
        else if (listener.SpkiHash != _target.SpkiHash)
        {
            Fail(new(Fault.Theirs, WireCodes.PinMismatch, "The peer's certificate is not the one its offer states."));
        }
        else
        {
            ArriveOnceMore();
            Accept(listener);
        }
    }

    // Only what has left can be resent: where no connection was made, nobody holds the request.
    private void ArriveOnceMore()
    {
        if (_copyAt is { } at)
        {
            var wait = at > _scheduler.Elapsed ? at - _scheduler.Elapsed : TimeSpan.Zero;
            _scheduler.After(wait, new StrayCopy(_network, _target.Endpoint, _request).Arrive);
        }
    }

    private void Accept(SimulatedListener listener)
    {
        // Otherwise the client gave up while the request was on its way.
        if (!_head.Task.IsCompleted)
        {
            Trace("arrive", $"{_target.Endpoint.Authority} {_request.Method} {_request.Path}", default);
            _network.Witness?.Arrived(_target.Endpoint, _request);
            _listener = listener;
            listener.Opened(this);
            _scheduler.Post(() => Serve(listener.Handler));
        }
    }

    private async void Serve(IWireHandler handler)
    {
        try
        {
            await handler.HandleAsync(_request, this, _aborted.Token);
            if (!_isStarted && !_aborted.IsCancellationRequested)
            {
                throw new InvalidOperationException("A handler returned without starting its response.");
            }

            _isOver = true;
            Deliver(TimeSpan.Zero, () => _body.End(null));
        }
        catch (OperationCanceledException) when (_aborted.IsCancellationRequested)
        {
            // The client has gone and the handler with it.
        }
        catch (Exception e)
        {
            // As the real listener does: a reply where none has begun, a broken connection where one has.
            Trace("handler failed", e.GetType().Name, default);
            _network.Witness?.Failed(_target.Endpoint, _request, e);
            await FailHandlerAsync();
        }
        finally
        {
            _isOver = true;
            _listener?.Closed(this);
        }
    }

    private async Task FailHandlerAsync()
    {
        if (_isStarted)
        {
            Break();
            return;
        }

        var error = new WireError(500, "internal", "This node failed; try again or elsewhere.", Fault.Ours);
        await this.SendErrorAsync(error, CancellationToken.None);
        Deliver(TimeSpan.Zero, () => _body.End(null));
    }

    private void Send(byte[] piece)
    {
        _bytesUnderWay += piece.Length;
        Trace("piece", _target.Endpoint.Authority, piece);
        _network.Witness?.Wrote(_target.Endpoint, _request, piece);
        if (_network.Random.Happens(_network.Faults.BrokenPiece))
        {
            Deliver(TimeSpan.Zero, Break);
            return;
        }

        var stall = _network.Random.Happens(_network.Faults.StalledPiece) ? _network.Faults.StallTime : TimeSpan.Zero;
        Deliver(stall, () => _body.Append(piece));
    }

    /// <summary>Has something arrive at the client, never before what was sent earlier on this connection.</summary>
    private void Deliver(TimeSpan extra, Action arrival)
    {
        if (_isReplyLost)
        {
            return;
        }

        var at = _scheduler.Elapsed + _network.NextDelay() + extra;
        _lastArrival = at > _lastArrival ? at : _lastArrival;
        _scheduler.After(_lastArrival - _scheduler.Elapsed, () =>
        {
            if (!_isReplyLost)
            {
                arrival();
            }
        });
    }

    // A new connection cannot be made; one that is there already takes the request and never answers.
    private void LoseBehindCut()
    {
        Trace("lost behind a cut", _target.Endpoint.Authority, default);
        if (_network.Random.Happens(0.5))
        {
            _scheduler.After(_network.ClientOptions.ConnectTimeout, () => Fail(
                new(Fault.Theirs, WireCodes.ConnectTimeout, "The peer's endpoint did not answer in time.")));
        }
    }

    private void HeadersTimedOut() => Fail(
        new(Fault.Theirs, WireCodes.HeadersTimeout, "The peer took the request but did not answer it in time."));

    private void Fail(WireException failure) => _scheduler.After(TimeSpan.Zero, () =>
    {
        if (!_head.TrySetException(failure))
        {
            _body.End(failure);
        }
    });

    private void Abort()
    {
        if (!_aborted.IsCancellationRequested)
        {
            Trace("abort", _target.Endpoint.Authority, default);
            _aborted.Cancel();
            var room = _room;
            _room = null;
            _scheduler.After(TimeSpan.Zero, () => room?.TrySetCanceled(_aborted.Token));
        }
    }

    private void Trace(string label, string text, ReadOnlyMemory<byte> bytes)
    {
        var content = new byte[Encoding.UTF8.GetByteCount(text) + 1 + bytes.Length];
        content[Encoding.UTF8.GetBytes(text, content)] = (byte)' ';
        bytes.Span.CopyTo(content.AsSpan(content.Length - bytes.Length));
        _scheduler.Trace.Record(label, content);
    }

    private static WireException Refused() =>
        new(Fault.Theirs, WireCodes.ConnectFailed, "The peer's endpoint does not accept connections.");
}
