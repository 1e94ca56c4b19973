using Souk.Wire;

namespace Souk.Testbed;

/// <summary>A request that arrives once more, when nobody waits for the answer.</summary>
internal sealed class StrayCopy(SimulatedNetwork network, Uri endpoint, WireRequest request) : IWireResponse
{
    private SimulatedListener? _listener;

    // Who answers may be killed meanwhile; what its remains do is nobody's business.
    private IWireWitness? Witness => network.Find(endpoint) == _listener ? network.Witness : null;

    public void Arrive()
    {
        if (network.Find(endpoint) is { IsRefusing: false } listener)
        {
            _listener = listener;
            network.Scheduler.Trace.Record("copy", $"{endpoint.Authority} {request.Method} {request.Path}");
            Witness?.Arrived(endpoint, request);
            network.Scheduler.Post(() => Serve(listener.Handler));
        }
    }

    public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
    {
        Witness?.Answered(endpoint, request, status, headers);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        Witness?.Wrote(endpoint, request, data);
        return ValueTask.CompletedTask;
    }

    private async void Serve(IWireHandler handler)
    {
        try
        {
            await handler.HandleAsync(request, this, CancellationToken.None);
        }
        catch (Exception e)
        {
            Witness?.Failed(endpoint, request, e);
        }
    }
}
