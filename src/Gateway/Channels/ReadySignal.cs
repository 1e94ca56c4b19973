namespace Souk.Gateway.Channels;

/// <summary>
/// Wakes everyone who waits for the next event. Whoever takes <see cref="Next"/> before looking at the state, and waits
/// for it only when the state was not good enough, misses nothing that happens in between.
/// </summary>
internal sealed class ReadySignal
{
    // A plain object: the tool that explores schedules does not know the newer lock.
    private readonly object _guard = new();
    private TaskCompletionSource _next = new();

    /// <summary>Completes at the next signal.</summary>
    public Task Next
    {
        get
        {
            lock (_guard)
            {
                return _next.Task;
            }
        }
    }

    /// <summary>Wakes all who wait now.</summary>
    public void Signal()
    {
        TaskCompletionSource now;
        lock (_guard)
        {
            now = _next;
            _next = new TaskCompletionSource();
        }

        now.TrySetResult();
    }
}
