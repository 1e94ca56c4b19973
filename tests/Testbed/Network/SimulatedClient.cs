using Souk.Wire;

namespace Souk.Testbed;

/// <summary>A process's way out, which ends with it.</summary>
public sealed class SimulatedClient : IWireClient
{
    private readonly SimulatedNetwork _network;
    private readonly string _peer;
    private readonly TimeSpan _idle;
    private readonly HashSet<SimulatedExchange> _open = [];
    private bool _isDead;

    internal SimulatedClient(SimulatedNetwork network, string peer, TimeSpan idle) =>
        (_network, _peer, _idle) = (network, peer, idle);

    /// <inheritdoc/>
    public Task<WireReply> SendAsync(PeerTarget target, WireRequest request, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_isDead)
        {
            return new TaskCompletionSource<WireReply>().Task;
        }

        var parsed = target.Checked();
        if (!parsed.TryGet(out var peerTarget, out var bad))
        {
            throw new WireException(bad.Fault, bad.Code, bad.Message);
        }

        // The body is copied: a caller may reuse its buffer once a real transport has sent it.
        var sent = request with { Peer = _peer, Body = request.Body.ToArray() };
        var exchange = new SimulatedExchange(_network, peerTarget, sent, _idle) { Left = Forget };
        _open.Add(exchange);
        return exchange.StartAsync(cancellation);
    }

    /// <summary>The process is killed: its connections close, and nothing more goes out or comes in.</summary>
    public void Kill()
    {
        _isDead = true;
        foreach (var exchange in _open.ToArray())
        {
            exchange.ClientLeaves();
        }
    }

    private void Forget(SimulatedExchange exchange) => _open.Remove(exchange);
}
