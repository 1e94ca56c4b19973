namespace Souk.Market.Budgets;

/// <summary>
/// A rate of so many units a minute, as a bucket that holds one minute's worth and fills evenly. It may be overdrawn by
/// what turned out to be more than was taken; then it gives nothing until that is made up for. Exact: no rounding adds
/// up, whatever the rate.
/// </summary>
public sealed class RateBucket
{
    // The level is in units times ticks of a minute, so that a tick adds exactly the rate.
    private const long Minute = TimeSpan.TicksPerMinute;
    private Int128 _level;
    private TimeSpan _at;

    /// <summary>A full bucket.</summary>
    /// <param name="perMinute">The rate, at least 1.</param>
    /// <param name="now">Time by a clock that never goes back.</param>
    public RateBucket(uint perMinute, TimeSpan now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(perMinute);
        (PerMinute, _at) = (perMinute, now);
        _level = Full;
    }

    /// <summary>The rate, which is also what a full bucket holds.</summary>
    public uint PerMinute { get; private set; }

    private Int128 Full => (Int128)PerMinute * Minute;

    /// <summary>Changes the rate; what was taken stays taken.</summary>
    public void Change(uint perMinute, TimeSpan now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(perMinute);
        Fill(now);
        var taken = Full - _level;
        PerMinute = perMinute;
        _level = Full - taken;
    }

    /// <summary>Whole units that can be taken now.</summary>
    public ulong Left(TimeSpan now)
    {
        Fill(now);
        return _level <= 0 ? 0 : (ulong)(_level / Minute);
    }

    /// <summary>Takes units; false, and nothing taken, where there are not so many.</summary>
    public bool TryTake(ulong units, TimeSpan now)
    {
        Fill(now);
        if (units * (Int128)Minute > _level)
        {
            return false;
        }

        _level -= units * (Int128)Minute;
        return true;
    }

    /// <summary>Takes or gives back what was found out later, whether it is there or not.</summary>
    /// <param name="units">More to take; negative to give back.</param>
    /// <param name="now">The time.</param>
    public void Correct(Int128 units, TimeSpan now)
    {
        Fill(now);
        _level = Int128.Min(Full, _level - (units * Minute));
    }

    /// <summary>How long until so many units can be taken; zero where they can be now. A full bucket is the most that
    /// there ever is.</summary>
    public TimeSpan Wait(ulong units, TimeSpan now)
    {
        Fill(now);
        var missing = Int128.Min(units * (Int128)Minute, Full) - _level;
        return missing <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks((long)((missing + PerMinute - 1) / PerMinute));
    }

    private void Fill(TimeSpan now)
    {
        if (now > _at)
        {
            _level = Int128.Min(Full, _level + ((Int128)(now - _at).Ticks * PerMinute));
            _at = now;
        }
    }
}
