using System.Collections.Immutable;
using Souk.Protocol;

namespace Souk.Market.Claims;

/// <summary>A channel that could be claimed.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Claimable">Earned, promised, and neither claimed nor in a claim under way.</param>
/// <param name="IsWithdrawing">True while the customer's withdrawal is pending.</param>
public sealed record ClaimCandidate(Bytes32 ChannelId, Amount Claimable, bool IsWithdrawing)
{
    /// <summary>True where so little is left in the channel that waiting brings no more to claim with it.</summary>
    public bool IsNearlySpent { get; init; }

    /// <summary>How long the oldest of it waits, in seconds.</summary>
    public ulong AgeSeconds { get; init; }
}

/// <summary>What claiming costs at the present price of gas, in the currency's smallest units.</summary>
/// <param name="PerTransaction">What each transaction costs, whatever it carries.</param>
/// <param name="PerChannel">What each channel adds.</param>
public sealed record ClaimCosts(Amount PerTransaction, Amount PerChannel);

/// <summary>Why a claim is made now.</summary>
public enum ClaimReason
{
    /// <summary>A customer has begun to withdraw, and only a claim keeps the money from leaving.</summary>
    Withdrawal,

    /// <summary>The channel is nearly spent.</summary>
    NearlySpent,

    /// <summary>What was earned has waited long enough.</summary>
    Age,

    /// <summary>It is worth well more than the gas.</summary>
    Value,
}

/// <summary>One claim to make.</summary>
/// <param name="Channels">Its channels, most urgent and most valuable first.</param>
/// <param name="Reason">Of the most urgent among them; the others ride along.</param>
/// <param name="Value">What it claims.</param>
public sealed record PlannedClaim(ImmutableArray<Bytes32> Channels, ClaimReason Reason, Amount Value);

/// <summary>What the next claim without haste waits for.</summary>
/// <param name="Value">What it would claim now.</param>
/// <param name="Needed">What has to be exceeded, at the present price of gas.</param>
/// <param name="DueInSeconds">When age makes it due at a lower value; null where nothing waits.</param>
public sealed record ClaimOutlook(Amount Value, Amount Needed, ulong? DueInSeconds);

/// <summary>When a provider claims.</summary>
public sealed record ClaimRules
{
    /// <summary>How many times its gas a claim is worth before it is made without need, at least 1.</summary>
    public uint Worth { get; init; } = 20;

    /// <summary>How many times its gas a claim is worth that age or a spent channel make due, at least 1.</summary>
    public uint LeastWorth { get; init; } = 2;

    /// <summary>How many channels one transaction claims at most, at least 1.</summary>
    public int Batch { get; init; } = 50;

    /// <summary>Seconds after which what was earned has waited long enough.</summary>
    public ulong MostAgeSeconds { get; init; } = 86_400;

    /// <summary>True where nine tenths of a channel are earned.</summary>
    public static bool IsNearlySpent(Amount earned, Amount deposit) =>
        !deposit.IsZero && earned >= deposit - new Amount(deposit.Units / 10);

    /// <summary>Why a channel would be claimed, if it is worth that.</summary>
    public ClaimReason ReasonOf(ClaimCandidate channel) =>
        channel.IsWithdrawing ? ClaimReason.Withdrawal
        : channel.IsNearlySpent ? ClaimReason.NearlySpent
        : channel.AgeSeconds >= MostAgeSeconds ? ClaimReason.Age
        : ClaimReason.Value;

    /// <summary>How many times its gas it has to be worth for that. A withdrawal takes away what is not claimed, so
    /// there anything above the gas is saved.</summary>
    public uint WorthFor(ClaimReason reason) => reason switch
    {
        ClaimReason.Withdrawal => 1,
        ClaimReason.Value => Worth,
        _ => Math.Min(Worth, LeastWorth),
    };
}

/// <summary>
/// Which channels a provider claims now. The price of gas decides through the value: while gas is dear everything but
/// what a withdrawal would take away waits.
/// </summary>
public static class ClaimPlan
{
    /// <summary>The batches to send now, most urgent first; none where nothing is worth it yet.</summary>
    /// <param name="candidates">The provider's channels.</param>
    /// <param name="costs">The cost of claiming.</param>
    /// <param name="rules">When to claim.</param>
    public static ImmutableArray<PlannedClaim> Of(
        IEnumerable<ClaimCandidate> candidates, ClaimCosts costs, ClaimRules rules)
    {
        Check(candidates, costs, rules);
        return [.. candidates
            .Select(channel => (Channel: channel, Reason: rules.ReasonOf(channel)))
            .Where(row => IsWorthItsRow(row.Channel, costs, rules.WorthFor(row.Reason)))
            .OrderBy(row => row.Reason)
            .ThenByDescending(row => row.Channel.Claimable)
            .ThenBy(row => row.Channel.ChannelId)
            .Chunk(rules.Batch)
            .Select(rows => new PlannedClaim(
                [.. rows.Select(row => row.Channel.ChannelId)], rows[0].Reason, Sum(rows.Select(row => row.Channel))))
            .Where(claim => claim.Value > Times(Cost(costs, claim.Channels.Length), rules.WorthFor(claim.Reason)))];
    }

    /// <summary>What a claim that nothing hurries waits for.</summary>
    public static ClaimOutlook Outlook(IEnumerable<ClaimCandidate> candidates, ClaimCosts costs, ClaimRules rules)
    {
        Check(candidates, costs, rules);
        var rows = candidates
            .Where(channel => IsWorthItsRow(channel, costs, rules.WorthFor(ClaimReason.Age)))
            .OrderByDescending(channel => channel.Claimable).Take(rules.Batch).ToList();
        ulong? due = rows.Count == 0 ? null
            : rows.Max(channel => channel.AgeSeconds) is var age && age >= rules.MostAgeSeconds ? 0
            : rules.MostAgeSeconds - rows.Max(channel => channel.AgeSeconds);
        return new ClaimOutlook(Sum(rows), Times(Cost(costs, Math.Max(rows.Count, 1)), rules.Worth), due);
    }

    internal static Amount Times(Amount amount, uint factor) => new(amount.Units * factor);

    private static bool IsWorthItsRow(ClaimCandidate channel, ClaimCosts costs, uint worth) =>
        channel.Claimable > Times(costs.PerChannel, worth);

    private static Amount Cost(ClaimCosts costs, int channels) =>
        costs.PerTransaction + Times(costs.PerChannel, (uint)channels);

    private static Amount Sum(IEnumerable<ClaimCandidate> channels) =>
        channels.Aggregate(Amount.Zero, (sum, channel) => sum + channel.Claimable);

    private static void Check(IEnumerable<ClaimCandidate> candidates, ClaimCosts costs, ClaimRules rules)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentOutOfRangeException.ThrowIfZero(rules.Worth);
        ArgumentOutOfRangeException.ThrowIfZero(rules.LeastWorth);
        ArgumentOutOfRangeException.ThrowIfLessThan(rules.Batch, 1);
    }
}
