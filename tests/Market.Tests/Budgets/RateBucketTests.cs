using System.Numerics;
using CsCheck;
using Souk.Market.Budgets;

namespace Souk.Market.Tests.Budgets;

public sealed class RateBucketTests
{
    private static readonly Gen<(uint Rate, (long Ticks, ulong Units)[] Steps)> Runs = Gen.Select(
        Gen.OneOf(Gen.UInt[1, 10], Gen.UInt[1, 100_000], Gen.UInt[1, uint.MaxValue]),
        Gen.Select(Gen.Long[0, 400_000_000], Gen.ULong[0, 20]).Array[1, 60]);

    [Fact]
    public void A_full_bucket_gives_a_minutes_worth_and_fills_evenly()
    {
        var bucket = new RateBucket(60, TimeSpan.Zero);
        Assert.True(bucket.TryTake(60, TimeSpan.Zero));
        Assert.False(bucket.TryTake(1, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(1), bucket.Wait(1, TimeSpan.Zero));
        Assert.False(bucket.TryTake(1, TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1)));
        Assert.True(bucket.TryTake(1, TimeSpan.FromSeconds(1)));
        Assert.Equal(29UL, bucket.Left(TimeSpan.FromSeconds(30)));
        Assert.Equal(60UL, bucket.Left(TimeSpan.FromHours(2)));
        Assert.Equal(TimeSpan.Zero, bucket.Wait(60, TimeSpan.FromHours(2)));
    }

    [Fact]
    public void A_clock_that_stands_or_goes_back_gives_nothing()
    {
        var bucket = new RateBucket(1, TimeSpan.FromMinutes(5));
        Assert.True(bucket.TryTake(1, TimeSpan.FromMinutes(5)));
        Assert.Equal(0UL, bucket.Left(TimeSpan.FromMinutes(1)));
        Assert.False(bucket.TryTake(1, TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void An_overdrawn_bucket_is_made_up_for_first()
    {
        var bucket = new RateBucket(60, TimeSpan.Zero);
        bucket.Correct(90, TimeSpan.Zero);
        Assert.Equal(TimeSpan.FromSeconds(31), bucket.Wait(1, TimeSpan.Zero));
        Assert.Equal(0UL, bucket.Left(TimeSpan.FromSeconds(30)));
        Assert.True(bucket.TryTake(1, TimeSpan.FromSeconds(31)));
        bucket.Correct(-500, TimeSpan.FromSeconds(31));
        Assert.Equal(60UL, bucket.Left(TimeSpan.FromSeconds(31)));
    }

    [Fact]
    public void A_changed_rate_keeps_what_was_taken()
    {
        var bucket = new RateBucket(10, TimeSpan.Zero);
        Assert.True(bucket.TryTake(8, TimeSpan.Zero));
        bucket.Change(100, TimeSpan.Zero);
        Assert.Equal(92UL, bucket.Left(TimeSpan.Zero));
        bucket.Change(5, TimeSpan.Zero);
        Assert.Equal(0UL, bucket.Left(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => bucket.Change(0, TimeSpan.Zero));
    }

    [Fact]
    public void It_is_exact_at_any_rate_for_any_sequence() => Runs.Sample(run =>
    {
        var bucket = new RateBucket(run.Rate, TimeSpan.Zero);
        BigInteger minute = TimeSpan.TicksPerMinute;
        var full = run.Rate * minute;
        var (level, at) = (full, 0L);
        foreach (var (ticks, units) in run.Steps)
        {
            at += ticks;
            level = BigInteger.Min(full, level + (ticks * (BigInteger)run.Rate));
            var now = TimeSpan.FromTicks(at);
            var wait = bucket.Wait(units, now);
            var fits = units * minute <= level;
            Assert.True(!fits || wait == TimeSpan.Zero);
            if (!fits && units <= run.Rate)
            {
                // Exactly then it fits, and not one tick before.
                Assert.True(level + (wait.Ticks * (BigInteger)run.Rate) >= units * minute);
                Assert.True(level + ((wait.Ticks - 1) * (BigInteger)run.Rate) < units * minute);
            }

            Assert.Equal(fits, bucket.TryTake(units, now));
            level -= fits ? units * minute : 0;
            Assert.Equal((ulong)(level / minute), bucket.Left(now));
        }
    }, iter: 300);
}
