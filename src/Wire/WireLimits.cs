using System.Net;

namespace Souk.Wire;

/// <summary>
/// What a listener grants its peers. One instance per role; every limit ends the offending request only.
/// </summary>
public sealed record WireLimits
{
    /// <summary>Bytes of a request body, 8 MiB by default; more is answered 413.</summary>
    public int MaxBodyBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Bytes of all request bodies held at once for all peers, 512 MiB by default; more are answered 503. Without it,
    /// many peers that each stay within their own bounds could fill the memory.
    /// </summary>
    public long MaxBufferedBytes { get; init; } = 512L << 20;

    /// <summary>Bytes of all request headers together, 32 KiB by default; more is answered 431.</summary>
    public int MaxHeaderBytes { get; init; } = 32 << 10;

    /// <summary>Number of request headers, 64 by default; more is answered 431.</summary>
    public int MaxHeaders { get; init; } = 64;

    /// <summary>Time from the headers to the end of the body, 30 s by default; a slower body is answered 408.</summary>
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time for the headers to arrive, 10 s by default; a slower peer is disconnected.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Time that one write may wait for the peer to drain its connection, 30 s by default; then it is cut.
    /// </summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time an idle connection is kept, 2 min by default.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Requests served at once for all peers, 4,096 by default; more are answered 503.</summary>
    public int MaxRequests { get; init; } = 4096;

    /// <summary>
    /// Requests served at once for one peer (an IPv4 address or an IPv6 /64), 256 by default; more are answered 429.
    /// </summary>
    public int MaxRequestsPerPeer { get; init; } = 256;

    /// <summary>Event streams open at once for one peer, 128 by default; more are answered 429.</summary>
    public int MaxStreamsPerPeer { get; init; } = 128;

    /// <summary>Connections open at once for all peers, 4,096 by default; more are closed.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>HTTP/2 streams on one connection, 128 by default.</summary>
    public int MaxStreamsPerConnection { get; init; } = 128;
}

/// <summary>How long a client waits for a peer, each wait counted apart, and how much it takes from it.</summary>
public sealed record WireClientOptions
{
    /// <summary>Name resolution, TCP and TLS together, 5 s by default.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From the request to the reply's headers, 60 s by default (a paid request may queue).</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Between two pieces of a reply's body, 60 s by default.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes of one reply body, 256 MiB by default.</summary>
    public long MaxReplyBytes { get; init; } = WireReply.DefaultMostBodyBytes;

    /// <summary>Bytes of a reply's headers, in KiB, 32 by default.</summary>
    public int MaxHeaderKibibytes { get; init; } = 32;

    /// <summary>Peers whose connections are kept, 1,024 by default; the longest unused go first.</summary>
    public int MaxPeers { get; init; } = 1024;

    /// <summary>Connections to one peer, 64 by default; further requests wait within the headers timeout.</summary>
    public int MaxConnectionsPerPeer { get; init; } = 64;

    /// <summary>
    /// Whether private, loopback and link-local addresses may be connected to. False by default; true only on a
    /// development chain, where the whole network runs on one machine. Otherwise an offer could aim the node at its own
    /// private network.
    /// </summary>
    public bool AllowsPrivateAddresses { get; init; }

    /// <summary>What a name's addresses are; null, the default, asks this machine's resolver.</summary>
    public Func<string, CancellationToken, Task<IPAddress[]>>? Resolve { get; init; }
}
