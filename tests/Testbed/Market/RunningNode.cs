namespace Souk.Testbed.Market;

/// <summary>A node that runs: its loops and its places on the network.</summary>
internal sealed class RunningNode : IDisposable
{
    private readonly List<SimulatedListener> _listeners = [];
    private CancellationTokenSource? _stopping;
    private Task _loops = Task.CompletedTask;

    public SimulatedListener? Listener => _listeners.FirstOrDefault();

    public void Start(SimulatedListener listener, Func<CancellationToken, Task> run)
    {
        _listeners.Add(listener);
        _stopping = new CancellationTokenSource();
        _loops = run(_stopping.Token);
    }

    public void Also(SimulatedListener listener) => _listeners.Add(listener);

    public Exception? Ended => _stopping is null || !_loops.IsCompleted
        ? null
        : _loops.Exception?.InnerException ?? new MarketFailedException("A role's loops ended by themselves.");

    public void Dispose() => _stopping?.Dispose();

    public void Abandon()
    {
        _listeners.ForEach(listener => listener.Dispose());
        _listeners.Clear();
        _stopping?.Cancel();
        _stopping = null;
        _ = _loops.ContinueWith(
            static loops => loops.Exception, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Current);
    }

    public async Task StopAsync()
    {
        _listeners.ForEach(listener => listener.Dispose());
        _listeners.Clear();
        if (_stopping is null)
        {
            return;
        }

        _stopping.Cancel();
        try
        {
            await _loops;
        }
        catch (OperationCanceledException)
        {
            // What was asked for. Anything else is a loop that died, which fails the scenario.
        }

        _stopping.Dispose();
        _stopping = null;
    }
}
