namespace Souk.Wire;

/// <summary>
/// The HTTP surface of a role. A handler starts the response exactly once. <c>aborted</c> fires when the other side has
/// gone; a handler that still owes work (a charge, a receipt) finishes that work rather than the response.
/// </summary>
public interface IWireHandler
{
    /// <summary>Answers one request.</summary>
    Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted);
}

/// <summary>
/// The answer to one request. Calls must not overlap. A write completes when the peer's transport has room for more,
/// which is how back-pressure reaches the handler; it throws <see cref="OperationCanceledException"/> once the peer has
/// gone or has not drained its connection in the time allowed.
/// </summary>
public interface IWireResponse
{
    /// <summary>Sends status and headers; a body follows until the handler returns. They leave with the first write
    /// at the latest, or when the handler returns.</summary>
    ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation);

    /// <summary>Sends bytes, or none, and flushes what there is. The memory may be reused when the call
    /// completes.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation);
}

/// <summary>Sends requests to peers: sockets in a real network, memory in a simulated one.</summary>
public interface IWireClient
{
    /// <summary>Sends a request and returns when the reply's headers are here.</summary>
    /// <exception cref="WireException">The peer could not be reached, was not who it should be, or was too
    /// slow.</exception>
    Task<WireReply> SendAsync(PeerTarget target, WireRequest request, CancellationToken cancellation);
}
