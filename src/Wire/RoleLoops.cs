namespace Souk.Wire;

/// <summary>What a role does beside answering peers.</summary>
public static class RoleLoops
{
    /// <summary>
    /// Runs loops until cancelled. One that ends takes the others with it: a provider that no longer claims must not go
    /// on selling. Ends as that one did, once all have ended.
    /// </summary>
    public static async Task RunAsync(
        IReadOnlyList<Func<CancellationToken, Task>> loops, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(loops);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] running = [.. loops.Select(loop => loop(stopping.Token))];
        try
        {
            await await Task.WhenAny(running);
        }
        finally
        {
            stopping.Cancel();
            await Task.WhenAll(running).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Current);
        }
    }
}
