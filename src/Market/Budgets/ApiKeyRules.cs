using Souk.Protocol;

namespace Souk.Market.Budgets;

/// <summary>An API key: a budget inside the gateway owner's money.</summary>
/// <param name="Budget">All that it may ever spend.</param>
/// <param name="Spent">What it was billed so far.</param>
/// <param name="Reserved">What requests under way have set aside.</param>
/// <param name="ExpiresAt">Unix seconds from which it is refused; null for never.</param>
/// <param name="IsRevoked">True once its owner took it back.</param>
public sealed record ApiKeyStanding(Amount Budget, Amount Spent, Amount Reserved, ulong? ExpiresAt, bool IsRevoked)
{
    /// <summary>What is neither spent nor reserved.</summary>
    public Amount Available => Amount.SubtractToZero(Amount.SubtractToZero(Budget, Spent), Reserved);
}

/// <summary>What an API key may do.</summary>
public static class ApiKeyRules
{
    /// <summary>Whether the key may be used at all. Null where it may.</summary>
    /// <param name="key">The key; null where there is no such key.</param>
    /// <param name="now">Unix seconds.</param>
    public static Refusal? CheckUse(ApiKeyStanding? key, ulong now)
    {
        if (key is null)
        {
            return Refuse("invalid_api_key", "There is no such API key.");
        }

        if (key.IsRevoked)
        {
            return Refuse("api_key_revoked", "The API key was revoked. Ask its owner for another.");
        }

        return key.ExpiresAt is { } expiry && now >= expiry
            ? Refuse("api_key_expired", "The API key has expired. Ask its owner for another.")
            : null;
    }

    /// <summary>Whether a worst-case cost may be reserved. Null where it may.</summary>
    /// <param name="key">The key; null where there is no such key.</param>
    /// <param name="worst">The cost to set aside.</param>
    /// <param name="now">Unix seconds.</param>
    public static Refusal? CheckReserve(ApiKeyStanding? key, Amount worst, ulong now)
    {
        if (CheckUse(key, now) is { } unusable)
        {
            return unusable;
        }

        return worst <= key!.Available
            ? null
            : Refuse(
                "insufficient_quota",
                $"The request may cost {worst}, and the API key has {key.Available} left. Raise its budget.");
    }

    /// <summary>
    /// What the app is billed: what its request cost, and never more than was reserved. The rest (replays, hedges) is
    /// the gateway's own cost.
    /// </summary>
    public static Amount Bill(Amount cost, Amount reserved) => Amount.Min(cost, reserved);

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);
}
