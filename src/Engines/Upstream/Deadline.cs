namespace Souk.Engines.Upstream;

/// <summary>A time limit that is started again for every wait, by one timer and one token. It does not run while the
/// consumer holds the stream, so a slow customer is never taken for a slow upstream.</summary>
internal sealed class Deadline : IDisposable
{
    public const string FirstToken = "upstream_first_token_timeout";
    public const string Idle = "upstream_idle_timeout";

    private readonly CancellationTokenSource source;
    private readonly ITimer timer;

    public Deadline(TimeProvider time, CancellationToken consumer)
    {
        source = CancellationTokenSource.CreateLinkedTokenSource(consumer);
        timer = time.CreateTimer(_ => Expire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the consumer leaves or the time is over.</summary>
    public CancellationToken Token => source.Token;

    public bool HasExpired { get; private set; }

    /// <summary>The code of the limit that was started last, as it goes into an
    /// <see cref="EngineException"/>.</summary>
    public string Code { get; private set; } = "";

    public void Start(TimeSpan limit, string code)
    {
        Code = code;
        timer.Change(limit, Timeout.InfiniteTimeSpan);
    }

    public void Pause() => timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        timer.Dispose();
        source.Dispose();
    }

    private void Expire()
    {
        HasExpired = true;
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The stream ended while the timer fired, so nobody waits any more.
        }
    }
}
