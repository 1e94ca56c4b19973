using Souk.Protocol;

namespace Souk.Engines.Admission;

/// <summary>Lets a fixed number of requests run, a bounded number wait in order of arrival, and refuses the rest at
/// once: a queue without end turns overload into time-outs for everybody.</summary>
#pragma warning disable CA1001 // A place may come back after its engine ended; the semaphore holds no handle.
internal sealed class AdmissionGate
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim running;
    private readonly int places;
    private int taken;

    /// <param name="concurrency">Requests that run at the same time.</param>
    /// <param name="waiting">Requests that may wait for a place.</param>
    public AdmissionGate(int concurrency, int waiting)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(waiting);
        running = new SemaphoreSlim(concurrency, concurrency);
        places = checked(concurrency + waiting);
    }

    /// <summary>Waits for a place. Dispose the result to give it back.</summary>
    /// <exception cref="EngineException">Ours, "engine_busy": every place to run and to wait is taken.</exception>
    public async Task<Place> EnterAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref taken) > places)
        {
            Interlocked.Decrement(ref taken);
            throw new EngineException(
                Fault.Ours, "engine_busy", "All places of this engine are taken. Try again shortly or elsewhere.");
        }

        try
        {
            await running.WaitAsync(cancellationToken);
        }
        catch
        {
            Interlocked.Decrement(ref taken);
            throw;
        }

        return new Place(this);
    }

    /// <summary>A place to run, given back once however often it is disposed.</summary>
    internal sealed class Place(AdmissionGate gate) : IDisposable
    {
        private AdmissionGate? held = gate;

        public void Dispose()
        {
            var owner = Interlocked.Exchange(ref held, null);
            if (owner is not null)
            {
                owner.running.Release();
                Interlocked.Decrement(ref owner.taken);
            }
        }
    }
}
