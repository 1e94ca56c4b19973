using System.Collections.Immutable;
using Souk.Protocol;

namespace Souk.Market.Claims;

/// <summary>A channel that could be claimed.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Claimable">Earned, promised, and neither claimed nor in a claim under way.</param>
/// <param name="IsWithdrawing">True while the customer's withdrawal is pending.</param>
public sealed record ClaimCandidate(Bytes32 ChannelId, Amount Claimable, bool IsWithdrawing);

/// <summary>What claiming costs at the present price of gas, in the currency's smallest units.</summary>
/// <param name="PerTransaction">What each transaction costs, whatever it carries.</param>
/// <param name="PerChannel">What each channel adds.</param>
public sealed record ClaimCosts(Amount PerTransaction, Amount PerChannel);

/// <summary>
/// Which channels a provider claims now: those worth well more than the gas, and at once those from which the customer
/// has begun to withdraw, if they are worth any more than the gas.
/// </summary>
public static class ClaimPlan
{
    /// <summary>How many times its gas a claim is worth before it is made without need.</summary>
    public const uint DefaultWorth = 20;

    /// <summary>How many channels one transaction claims at most.</summary>
    public const int DefaultBatch = 50;

    /// <summary>The batches to send now, most valuable channels first; none where nothing is worth it yet.</summary>
    /// <param name="candidates">The provider's channels.</param>
    /// <param name="costs">The cost of claiming.</param>
    /// <param name="worth">How many times its gas a claim is worth, at least 1.</param>
    /// <param name="batch">The most channels in one transaction, at least 1.</param>
    public static ImmutableArray<ImmutableArray<Bytes32>> Of(
        IEnumerable<ClaimCandidate> candidates, ClaimCosts costs, uint worth = DefaultWorth, int batch = DefaultBatch)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentOutOfRangeException.ThrowIfZero(worth);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        var eligible = candidates
            .Where(channel => channel.Claimable > Times(costs.PerChannel, channel.IsWithdrawing ? 1 : worth))
            .OrderByDescending(channel => channel.IsWithdrawing)
            .ThenByDescending(channel => channel.Claimable)
            .ThenBy(channel => channel.ChannelId);
        return [.. eligible
            .Chunk(batch)
            .Where(rows => IsWorth(rows, costs, worth))
            .Select(rows => rows.Select(channel => channel.ChannelId).ToImmutableArray())];
    }

    private static bool IsWorth(ClaimCandidate[] rows, ClaimCosts costs, uint worth)
    {
        var value = rows.Aggregate(Amount.Zero, (sum, channel) => sum + channel.Claimable);
        var gas = costs.PerTransaction + Times(costs.PerChannel, (uint)rows.Length);
        return value > Times(gas, rows.Any(channel => channel.IsWithdrawing) ? 1 : worth);
    }

    private static Amount Times(Amount amount, uint factor) => new(amount.Units * factor);
}
