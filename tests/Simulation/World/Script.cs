using Souk.Protocol;
using Souk.Testbed;

namespace Souk.Simulation.World;

/// <summary>Something that goes wrong at a time, for a time.</summary>
internal sealed record FaultEvent(int Number, FaultKind Kind, TimeSpan At, TimeSpan For, int Size);

/// <summary>An app's request.</summary>
internal sealed record AppAct(
    int Number, TimeSpan At, int Key, bool IsStream, int? MaxTokens, int Answer, int Choices, int PromptLetters,
    TimeSpan? LeavesAfter);

/// <summary>What a run leaves out, so that the least that still fails can be found.</summary>
internal sealed record Omissions(
    IReadOnlySet<FaultKind> Kinds, IReadOnlySet<int> Events, IReadOnlySet<int> Acts)
{
    public static Omissions None { get; } =
        new(new HashSet<FaultKind>(), new HashSet<int>(), new HashSet<int>());
}

/// <summary>
/// A market's life, from its seed alone: how it is set up, what its apps do, what goes wrong when. What is left out
/// changes nothing else.
/// </summary>
internal sealed record Script
{
    private const int Kinds = 24;

    public required ulong Seed { get; init; }

    /// <summary>How long things go wrong.</summary>
    public required TimeSpan Trouble { get; init; }

    public required IReadOnlySet<FaultKind> Rates { get; init; }

    public required double Rate { get; init; }

    public required IReadOnlyList<FaultEvent> Events { get; init; }

    public required IReadOnlyList<AppAct> Acts { get; init; }

    public required int Depth { get; init; }

    public required IReadOnlyList<Amount> Budgets { get; init; }

    public required Prices Prices { get; init; }

    public required int SliceTokens { get; init; }

    public required bool CountsUsage { get; init; }

    public required int WarmChannels { get; init; }

    public required int Concurrency { get; init; }

    public required Amount Deposit { get; init; }

    public required TimeSpan TokenTime { get; init; }

    /// <summary>In seconds. A transaction that is given up takes ten minutes, and its provider then sells only on
    /// channels that leave it twice the time.</summary>
    public uint WithdrawDelay => Has(FaultKind.LostTransaction) ? 2_400u : 900u;

    public required TimeSpan WithdrawAt { get; init; }

    public required bool IsHostileWithdrawal { get; init; }

    public required bool HotKeyHasGas { get; init; }

    /// <summary>Worth of 10^18 wei to the provider; zero makes it claim whatever there is.</summary>
    public required Amount GasMoneyPrice { get; init; }

    public bool Has(FaultKind kind) => Rates.Contains(kind);

    public static Script Of(ulong seed, Omissions omitted)
    {
        var root = new SeededRandomness(seed).Fork("script");
        var shape = root.Fork("shape");
        var trouble = TimeSpan.FromSeconds(40 + shape.NextBelow(100));
        var isCalm = shape.Happens(0.1);
        var rates = Enum.GetValues<FaultKind>()
            .Where(kind => root.Fork($"rate {kind}").Happens(isCalm ? 0 : 0.4) && !omitted.Kinds.Contains(kind))
            .ToHashSet();
        var countsUsage = shape.Happens(0.15);
        int[] depths = [0, 1, 2, 6, 12, 12];
        var depth = depths[shape.NextBelow(depths.Length)];
        return new Script
        {
            Seed = seed,
            Trouble = trouble,
            Rates = rates,
            Rate = 0.002 + (shape.NextDouble() * shape.NextDouble() * 0.1),
            Depth = depth,
            Events = [.. EventsOf(root, trouble, depth, rates).Where(one => !omitted.Events.Contains(one.Number))],
            Budgets = [.. Enumerable.Range(0, 1 + shape.NextBelow(3)).Select(_ => new Amount(
                shape.Happens(0.3) ? 300 + (UInt128)shape.NextBelow(2_000) : 500_000))],
            Prices = new(
                new((UInt128)shape.NextBelow(5_000_000)), Amount.Zero, new(1 + (UInt128)shape.NextBelow(12_000_000))),
            SliceTokens = 4 + shape.NextBelow(60),
            CountsUsage = countsUsage,
            WarmChannels = 1 + shape.NextBelow(3),
            Concurrency = 1 + shape.NextBelow(4),
            // With counting by usage the whole body and 1,024 tokens beyond it are the worst case of an input.
            Deposit = new((countsUsage ? 9_000u : 2_000u) + (UInt128)shape.NextBelow(20_000)),
            TokenTime = TimeSpan.FromMilliseconds(2 + shape.NextBelow(60)),
            WithdrawAt = shape.Between(TimeSpan.FromSeconds(5), trouble),
            IsHostileWithdrawal = rates.Contains(FaultKind.HostileWithdrawal),
            HotKeyHasGas = shape.Happens(0.5),
            GasMoneyPrice = new(shape.Happens(0.5) ? 0 : (UInt128)shape.NextBelow(2_000_000)),
            Acts = [.. ActsOf(root, trouble, rates).Where(one => !omitted.Acts.Contains(one.Number))],
        };
    }

    private static IEnumerable<FaultEvent> EventsOf(
        SeededRandomness root, TimeSpan trouble, int depth, HashSet<FaultKind> kinds)
    {
        FaultKind[] timed =
        [
            FaultKind.GatewayCut, FaultKind.IndexerCut, FaultKind.ProviderKilled, FaultKind.GatewayKilled,
            FaultKind.EngineFailure, FaultKind.ProviderNodeDown, FaultKind.GatewayNodeDown, FaultKind.Reorganisation,
            FaultKind.FeeSpike, FaultKind.ChainHalt, FaultKind.PriceChange,
        ];
        foreach (var kind in timed.Where(kinds.Contains))
        {
            var random = root.Fork($"events {kind}");
            var count = 1 + random.NextBelow(3);
            for (var i = 0; i < count; i++)
            {
                var at = random.Between(TimeSpan.Zero, trouble);
                var most = (trouble - at).TotalSeconds * (random.Happens(0.3) ? 1 : 0.2);
                var one = new FaultEvent(
                    ((int)kind * Kinds) + i, kind, at, TimeSpan.FromSeconds(0.05 + (random.NextDouble() * most)),
                    random.NextBelow(1 << 20));
                if (kind != FaultKind.Reorganisation || depth > 0)
                {
                    yield return one;
                }
            }
        }
    }

    private static IEnumerable<AppAct> ActsOf(SeededRandomness root, TimeSpan trouble, HashSet<FaultKind> kinds)
    {
        var random = root.Fork("acts");
        var count = 3 + random.NextBelow(14);
        for (var i = 0; i < count; i++)
        {
            var leaves = root.Fork($"leaves {i}");
            yield return new AppAct(
                i, random.Between(TimeSpan.Zero, trouble), random.NextBelow(3), random.Happens(0.5),
                random.Happens(0.5) ? 1 + random.NextBelow(120) : null, 1 + random.NextBelow(100),
                random.Happens(0.15) ? 2 : 1, 1 + random.NextBelow(60),
                kinds.Contains(FaultKind.AppLeaves) && leaves.Happens(0.4)
                    ? leaves.Between(TimeSpan.Zero, TimeSpan.FromSeconds(3)) : null);
        }
    }
}
