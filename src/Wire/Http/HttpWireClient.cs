using System.Collections.Concurrent;
using Souk.Protocol;

namespace Souk.Wire.Http;

/// <summary>
/// Sends requests over sockets: pinned TLS 1.3, or plain HTTP on loopback. Connections are kept per endpoint and pin,
/// so a peer that changes its certificate is never spoken to over a connection made under the old one.
/// </summary>
public sealed class HttpWireClient(WireClientOptions options, TimeProvider time) : IWireClient, IDisposable
{
    private readonly ConcurrentDictionary<PeerTarget, PeerPool> _pools = new();
    private readonly Lock _making = new();

    /// <inheritdoc/>
    public async Task<WireReply> SendAsync(PeerTarget target, WireRequest request, CancellationToken cancellation)
    {
        var checkedTarget = target.Checked();
        if (checkedTarget.Refusal is { } refusal)
        {
            throw new WireException(refusal.Fault, refusal.Code, refusal.Message);
        }

        var pool = Use(checkedTarget.Value);
        try
        {
            var message = await SendAsync(pool, request, cancellation);
            try
            {
                var status = (int)message.StatusCode;
                if (status is >= 300 and < 400)
                {
                    throw new WireException(
                        Fault.Theirs,
                        WireCodes.Redirected,
                        "The peer answered with a redirect, which is not followed.");
                }

                var body = await message.Content.ReadAsStreamAsync(cancellation);
                var bounded = new PeerBody(body, message, pool, options.IdleTimeout, time);
                return new(status, PeerPool.HeadersOf(message), bounded, options.MaxReplyBytes);
            }
            catch
            {
                message.Dispose();
                throw;
            }
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (target, _) in _pools)
        {
            if (_pools.TryRemove(target, out var pool))
            {
                pool.Dispose();
            }
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        PeerPool pool, WireRequest request, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(request.Patience ?? options.HeadersTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            return await pool.SendAsync(request, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new WireException(
                Fault.Theirs, WireCodes.HeadersTimeout, "The peer took the request but did not answer it in time.");
        }
        catch (HttpRequestException e)
        {
            throw e.InnerException as WireException ?? Translate(e);
        }
        catch (WireException)
        {
            throw;
        }
        catch (IOException e)
        {
            throw PeerBody.Broken(e);
        }
    }

    private static WireException Translate(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.ConfigurationLimitExceeded => new(
            Fault.Theirs, WireCodes.TooLarge, "The peer's reply headers are larger than allowed.", e),
        HttpRequestError.InvalidResponse => new(
            Fault.Theirs, WireCodes.Malformed, "The peer did not answer with HTTP.", e),
        _ => PeerBody.Broken(e),
    };

    private PeerPool Use(PeerTarget target)
    {
        while (true)
        {
            if (_pools.TryGetValue(target, out var pool) && pool.TryUse())
            {
                pool.LastUsed = time.GetTimestamp();
                return pool;
            }

            Make(target);
        }
    }

    private void Make(PeerTarget target)
    {
        lock (_making)
        {
            if (_pools.TryGetValue(target, out _))
            {
                return;
            }

            if (_pools.Count >= options.MaxPeers)
            {
                var oldest = _pools.MinBy(p => p.Value.LastUsed).Key;
                if (_pools.TryRemove(oldest, out var evicted))
                {
                    evicted.Dispose();
                }
            }

            _pools[target] = new(target, options, time) { LastUsed = time.GetTimestamp() };
        }
    }
}
