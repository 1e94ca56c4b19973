using Souk.Protocol;
using Souk.Wire;

namespace Souk.Testbed;

/// <summary>What goes wrong between nodes, each per message and by its probability; all zero by default.</summary>
public sealed record NetworkFaults
{
    /// <summary>The least time that anything takes one way.</summary>
    public TimeSpan LeastDelay { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>The greatest time that anything takes one way.</summary>
    public TimeSpan MostDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>A connection is refused.</summary>
    public double RefusedConnection { get; init; }

    /// <summary>A request vanishes before the peer sees it; the client runs into its headers timeout.</summary>
    public double LostRequest { get; init; }

    /// <summary>A request arrives twice, up to <see cref="LatestCopy"/> later: something between resent it. Not where
    /// the connection was refused, since then the request never left.</summary>
    public double DoubledRequest { get; init; }

    /// <summary>How much later the copy arrives at most. A gateway that hears of no such request for 10 seconds takes
    /// it for lost, so what arrives later than that costs it a channel, and at most a slice.</summary>
    public TimeSpan LatestCopy { get; init; } = TimeSpan.FromSeconds(9);

    /// <summary>The peer works, but nothing of its reply arrives.</summary>
    public double LostReply { get; init; }

    /// <summary>The connection breaks at a piece of a reply's body, which is lost with all after it.</summary>
    public double BrokenPiece { get; init; }

    /// <summary>A piece of a reply's body takes <see cref="StallTime"/> longer.</summary>
    public double StalledPiece { get; init; }

    /// <summary>How long a stalled piece takes.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// Carries requests from clients to handlers in one process: every message is delayed by the seed, pieces of one reply
/// stay in order, and either side may vanish. Time limits are the real client's and the real listener's.
/// </summary>
public sealed class SimulatedNetwork : IWireClient
{
    private readonly Dictionary<string, SimulatedListener> _listeners = [];
    private readonly SimulatedClient _anonymous;
    private readonly HashSet<(string Peer, string Authority)> _cuts = [];

    public SimulatedNetwork(
        SimulatedScheduler scheduler,
        NetworkFaults? faults = null,
        WireClientOptions? clientOptions = null,
        WireLimits? limits = null)
    {
        Scheduler = scheduler;
        Faults = faults ?? new();
        ClientOptions = clientOptions ?? new();
        Limits = limits ?? new();
        Random = scheduler.Randomness.Fork("network");
        _anonymous = ClientFor("anonymous");
    }

    /// <summary>What goes wrong from now on.</summary>
    public NetworkFaults Faults { get; set; }

    /// <summary>Sees everything that is sent and received.</summary>
    public IWireWitness? Witness { get; set; }

    internal SimulatedScheduler Scheduler { get; }

    internal SeededRandomness Random { get; }

    internal WireClientOptions ClientOptions { get; }

    internal WireLimits Limits { get; }

    /// <summary>Has a handler answer at an endpoint until the listener is closed.</summary>
    /// <param name="spkiHash">The pin that clients must expect; null for plain HTTP.</param>
    public SimulatedListener Listen(Uri endpoint, IWireHandler handler, Bytes32? spkiHash = null)
    {
        var listener = new SimulatedListener(this, endpoint, handler, spkiHash);
        _listeners.Add(endpoint.Authority, listener);
        return listener;
    }

    /// <summary>A client that handlers see under a name of its own.</summary>
    /// <param name="peer">The name.</param>
    /// <param name="idle">How long it waits for a reply to go on; null for as long as nodes do.</param>
    public SimulatedClient ClientFor(string peer, TimeSpan? idle = null) =>
        new(this, peer, idle ?? ClientOptions.IdleTimeout);

    /// <summary>Parts a client from an endpoint: what is open breaks, and nothing new gets through.</summary>
    public void Cut(string peer, Uri endpoint)
    {
        if (_cuts.Add((peer, endpoint.Authority)))
        {
            Find(endpoint)?.Disconnect(peer);
        }
    }

    /// <summary>Ends the parting.</summary>
    public void Heal(string peer, Uri endpoint) => _cuts.Remove((peer, endpoint.Authority));

    internal bool IsCut(string peer, Uri endpoint) => _cuts.Contains((peer, endpoint.Authority));

    /// <inheritdoc/>
    public Task<WireReply> SendAsync(PeerTarget target, WireRequest request, CancellationToken cancellation) =>
        _anonymous.SendAsync(target, request, cancellation);

    internal SimulatedListener? Find(Uri endpoint) => _listeners.GetValueOrDefault(endpoint.Authority);

    internal void Remove(SimulatedListener listener)
    {
        if (_listeners.GetValueOrDefault(listener.Endpoint.Authority) == listener)
        {
            _listeners.Remove(listener.Endpoint.Authority);
        }
    }

    internal TimeSpan NextDelay() => Random.Between(Faults.LeastDelay, Faults.MostDelay);
}

/// <summary>A handler's place on the network.</summary>
public sealed class SimulatedListener : IDisposable
{
    private readonly SimulatedNetwork _network;
    private readonly List<SimulatedExchange> _open = [];

    internal SimulatedListener(SimulatedNetwork network, Uri endpoint, IWireHandler handler, Bytes32? spkiHash) =>
        (_network, Endpoint, Handler, SpkiHash) = (network, endpoint, handler, spkiHash);

    /// <summary>Where it listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>The pin that clients must expect.</summary>
    public Bytes32? SpkiHash { get; set; }

    /// <summary>
    /// While true, new connections are refused and open ones stay: a full node, or one shutting down.
    /// </summary>
    public bool IsRefusing { get; set; }

    internal IWireHandler Handler { get; }

    /// <summary>Breaks every open connection, as a cut cable would.</summary>
    public void Disconnect() => Disconnect(null);

    internal void Disconnect(string? peer)
    {
        foreach (var exchange in _open.ToArray())
        {
            if (peer is null || exchange.Peer == peer)
            {
                exchange.Break();
            }
        }
    }

    /// <summary>Stops listening and breaks every open connection, as a killed process would.</summary>
    public void Dispose()
    {
        _network.Remove(this);
        Disconnect();
    }

    internal void Opened(SimulatedExchange exchange) => _open.Add(exchange);

    internal void Closed(SimulatedExchange exchange) => _open.Remove(exchange);
}
