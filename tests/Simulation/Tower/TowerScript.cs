using Souk.Protocol;
using Souk.Testbed;

namespace Souk.Simulation.Tower;

/// <summary>A stretch of time, from the first stale close on.</summary>
internal sealed record Stretch(TimeSpan From, TimeSpan To)
{
    public TimeSpan Length => To - From;
}

/// <summary>
/// A watchtower's world, from its seed alone. Customers close many channels as if nothing were owed; until
/// <see cref="CalmFrom"/> blocks are replaced, transactions are late or lost, the tower crashes, and for half of the
/// withdrawDelay its node answers nothing. What is left then is what its claims have to do with.
/// </summary>
internal sealed record TowerScript
{
    /// <summary>Channels of a world, each closed once.</summary>
    public const int Channels = 50;

    /// <summary>The most blocks that are replaced at once.</summary>
    public const int DeepestReorganisation = 12;

    // Before the first deadline: a claim that was undone is seen at the latest after two minutes, sent, and mined.
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(240);
    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(60);

    public required ulong Seed { get; init; }

    public required uint WithdrawDelay { get; init; }

    /// <summary>Whether the provider goes on speaking to the tower, which then leaves the claims to it for a quarter
    /// of the delay; it never makes them.</summary>
    public required bool IsProviderHeard { get; init; }

    /// <summary>When each channel is closed, after the first.</summary>
    public required IReadOnlyList<TimeSpan> Closes { get; init; }

    /// <summary>What each channel's claims reach, one after the other.</summary>
    public required IReadOnlyList<IReadOnlyList<Amount>> Totals { get; init; }

    /// <summary>When the tower's node answers nothing: half of the delay in all.</summary>
    public required IReadOnlyList<Stretch> Outages { get; init; }

    /// <summary>When gas costs ten times as much.</summary>
    public required Stretch Dear { get; init; }

    /// <summary>Percent of the dear fee that a transaction has to offer from the middle of that stretch on, until the
    /// end; 100 where blocks have room.</summary>
    public required uint LeastPercent { get; init; }

    /// <summary>When blocks are replaced, and how many.</summary>
    public required IReadOnlyList<(TimeSpan At, int Depth)> Reorganisations { get; init; }

    /// <summary>When the tower is killed (before the first close where negative), for how long, and how many appends
    /// that were not synced survive.</summary>
    public required IReadOnlyList<(TimeSpan At, TimeSpan For, int Surviving)> Crashes { get; init; }

    /// <summary>How long its disk takes for a sync.</summary>
    public required TimeSpan SyncTime { get; init; }

    /// <summary>Whether it is killed, besides, as soon as the provider hears first that claims are held.</summary>
    public required bool IsKilledAtFirstAnswer { get; init; }

    public required double Rate { get; init; }

    /// <summary>From when on nothing new goes wrong.</summary>
    public TimeSpan CalmFrom => TimeSpan.FromSeconds(WithdrawDelay) - Calm;

    public static TowerScript Of(ulong seed)
    {
        var root = new SeededRandomness(seed).Fork("tower script");
        var shape = root.Fork("shape");
        uint[] delays = [1_800, 2_400, 3_600];
        var delay = delays[shape.NextBelow(delays.Length)];
        var calm = TimeSpan.FromSeconds(delay) - Calm;
        var totals = root.Fork("totals");
        var dearFrom = shape.Between(TimeSpan.Zero, calm);
        return new TowerScript
        {
            Seed = seed,
            WithdrawDelay = delay,
            IsProviderHeard = shape.Happens(0.3),
            Closes = [.. Enumerable.Range(0, Channels).Select(number =>
                number == 0 ? TimeSpan.Zero : root.Fork($"close {number}").Between(TimeSpan.Zero, Spread))],
            Totals = [.. Enumerable.Range(0, Channels).Select(_ => Rising(totals))],
            Outages = [.. OutagesOf(root.Fork("outages"), TimeSpan.Zero, calm, TimeSpan.FromSeconds(delay / 2.0))],
            Dear = new Stretch(dearFrom, TimeSpan.FromSeconds(delay + Spread.TotalSeconds)),
            LeastPercent = shape.Happens(0.4) ? 200u : 100u,
            Reorganisations = [.. Times(root.Fork("reorganisations"), 2 + shape.NextBelow(8), TimeSpan.Zero, calm)
                .Select(at => (at, 1 + shape.NextBelow(DeepestReorganisation)))],
            Crashes = [.. Times(root.Fork("crashes"), shape.NextBelow(5), -TimeSpan.FromSeconds(50), calm)
                .Select(at => (at, shape.Between(TimeSpan.Zero, TimeSpan.FromSeconds(30)), shape.NextBelow(3)))],
            SyncTime = TimeSpan.FromSeconds(shape.Happens(0.3) ? 2 : 0.02),
            IsKilledAtFirstAnswer = shape.Happens(0.3),
            Rate = shape.NextDouble() * 0.1,
        };
    }

    private static List<Amount> Rising(SeededRandomness random)
    {
        var total = Amount.Zero;
        List<Amount> totals = [];
        var count = 1 + random.NextBelow(3);
        for (var i = 0; i < count; i++)
        {
            total += new Amount(25_000 + (UInt128)random.NextBelow(100_000));
            totals.Add(total);
        }

        return totals;
    }

    private static List<TimeSpan> Times(SeededRandomness random, int count, TimeSpan from, TimeSpan to) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Between(from, to)).Order()];

    // Parts of random length with random time between, which together are exactly as long as they have to be.
    private static IEnumerable<Stretch> OutagesOf(
        SeededRandomness random, TimeSpan from, TimeSpan to, TimeSpan length)
    {
        var parts = 1 + random.NextBelow(4);
        var (down, up) = (Shares(random, parts), Shares(random, parts + 1));
        var at = from;
        for (var i = 0; i < parts; i++)
        {
            at += (to - from - length) * up[i];
            yield return new Stretch(at, at + (length * down[i]));
            at += length * down[i];
        }
    }

    private static double[] Shares(SeededRandomness random, int count)
    {
        double[] parts = [.. Enumerable.Range(0, count).Select(_ => 0.05 + random.NextDouble())];
        return [.. parts.Select(part => part / parts.Sum())];
    }
}
