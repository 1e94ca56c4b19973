namespace Souk.Testbed;

/// <summary>The clock of a simulation: it stands still while code runs and jumps when nothing can.</summary>
internal sealed class SimulatedClock(SimulatedScheduler scheduler) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Start + scheduler.Elapsed + Offset;

    public override long GetTimestamp() => scheduler.Elapsed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(scheduler, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

internal sealed class SimulatedTimer(SimulatedScheduler scheduler, TimerCallback callback, object? state) : ITimer
{
    private TimeSpan _period;
    private bool _isDisposed;

    /// <summary>
    /// Raised by every change, so that firings that were queued before it are recognised and skipped.
    /// </summary>
    public long Version { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (_isDisposed)
        {
            return false;
        }

        _period = period;
        if (dueTime == Timeout.InfiniteTimeSpan)
        {
            Version++;
        }
        else
        {
            scheduler.Arm(this, dueTime);
        }

        return true;
    }

    public void Fire()
    {
        Version++;
        if (_period > TimeSpan.Zero)
        {
            scheduler.Arm(this, _period);
        }

        callback(state);
    }

    public void Dispose()
    {
        _isDisposed = true;
        Version++;
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
