#pragma warning disable RS0030 // Sockets live in this adapter; the simulated network replaces it as a whole.
using System.Net;
using System.Net.Http.Headers;

namespace Souk.Wire.Http;

/// <summary>The connections to one peer under one pin.</summary>
internal sealed class PeerPool : IDisposable
{
    private static readonly TimeSpan KeptIdle = TimeSpan.FromSeconds(60);

    private readonly HttpMessageInvoker _invoker;
    private readonly Uri _origin;
    private int _users = 1;

    public PeerPool(PeerTarget target, WireClientOptions options, TimeProvider time)
    {
        _origin = target.Endpoint;
        var connector = new PeerConnector(target, options, time);
        _invoker = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = options.MaxConnectionsPerPeer,
            EnableMultipleHttp2Connections = true,
            MaxResponseHeadersLength = options.MaxHeaderKibibytes,
            // Disposing a reply means that nobody listens: the peer must see that now, not after a drain.
            MaxResponseDrainSize = 0,
            PooledConnectionIdleTimeout = KeptIdle,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            ConnectCallback = (_, cancellation) => connector.ConnectAsync(cancellation),
        });
    }

    public long LastUsed { get; set; }

    /// <summary>Keeps the pool open for one more reply; false when it has been closed.</summary>
    public bool TryUse()
    {
        var users = Volatile.Read(ref _users);
        while (users > 0)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    /// <summary>Gives one use back; the last one closes the connections.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _invoker.Dispose();
        }
    }

    public Task<HttpResponseMessage> SendAsync(WireRequest request, CancellationToken cancellation)
    {
        var path = request.Path;
        if (path.Length == 0 || path[0] != '/' || path.StartsWith("//", StringComparison.Ordinal))
        {
            throw new ArgumentException("A path begins with exactly one slash.", nameof(request));
        }

        var query = request.Query.Length > 0 ? "?" + request.Query : "";
        var message = new HttpRequestMessage(
            new HttpMethod(request.Method), new Uri(_origin.GetLeftPart(UriPartial.Authority) + path + query))
        {
            Version = _origin.Scheme == "https" ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        if (!request.Body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(request.Body);
        }

        foreach (var (name, value) in request.Headers)
        {
            if (name.StartsWith("content-", StringComparison.OrdinalIgnoreCase))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, value);
            }
            else
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return _invoker.SendAsync(message, cancellation);
    }

    public static WireHeaders HeadersOf(HttpResponseMessage reply)
    {
        var headers = new WireHeaders(16);
        Add(headers, reply.Headers.NonValidated);
        Add(headers, reply.Content.Headers.NonValidated);
        return headers;
    }

    private static void Add(WireHeaders headers, HttpHeadersNonValidated received)
    {
        foreach (var (name, values) in received)
        {
            foreach (var value in values)
            {
                headers.Add(name, value);
            }
        }
    }
}
