namespace Souk.Conformance.Composition;

/// <summary>A role's loop, running until it is disposed of. A loop that failed says so then.</summary>
internal sealed class Loop : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private Loop(Func<CancellationToken, Task> run) => _running = Task.Run(() => run(_stop.Token));

    public static Loop Start(Func<CancellationToken, Task> run) => new(run);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
            // That is how loops end.
        }

        _stop.Dispose();
    }
}
