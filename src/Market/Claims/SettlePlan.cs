using Souk.Protocol;

namespace Souk.Market.Claims;

/// <summary>Why what was claimed is paid out now.</summary>
public enum SettleReason
{
    /// <summary>It is worth well more than the gas.</summary>
    Value,

    /// <summary>It has waited long enough.</summary>
    Age,

    /// <summary>The receiver is no longer the payout in the registry, so nothing more is added to it.</summary>
    PayoutChange,
}

/// <summary>
/// When claimed money is paid out. It cannot be lost any more, so nothing but the gas counts: claiming and paying out
/// are decided apart.
/// </summary>
public static class SettlePlan
{
    /// <summary>Whether to pay out now, and why; null while it waits.</summary>
    /// <param name="owed">Claimed for the receiver and not paid out.</param>
    /// <param name="cost">Of the transaction, in smallest units.</param>
    /// <param name="ageSeconds">How long the oldest of it waits; null where nobody knows.</param>
    /// <param name="isRetired">The receiver is no longer the payout in the registry.</param>
    /// <param name="rules">Worth and age, as for claims.</param>
    public static SettleReason? Decide(
        Amount owed, Amount cost, ulong? ageSeconds, bool isRetired, ClaimRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        if (owed > ClaimPlan.Times(cost, rules.Worth))
        {
            return SettleReason.Value;
        }

        if (owed <= ClaimPlan.Times(cost, Math.Min(rules.Worth, rules.LeastWorth)))
        {
            return null;
        }

        return isRetired ? SettleReason.PayoutChange
            : ageSeconds is null || ageSeconds >= rules.MostAgeSeconds ? SettleReason.Age
            : null;
    }
}
