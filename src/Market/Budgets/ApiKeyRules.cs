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
    /// <summary>The most that it may be billed on one UTC day; null for no such bound.</summary>
    public Amount? BudgetPerDay { get; init; }

    /// <summary>What it was billed today.</summary>
    public Amount SpentToday { get; init; }

    /// <summary>Names of the only models that it may use; null for all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>The highest prices that it may pay, per 1,000,000 tokens; null for any.</summary>
    public Prices? PriceCap { get; init; }

    /// <summary>What is neither spent nor reserved, of the whole budget and of today's.</summary>
    public Amount Available => Amount.Min(Left(Budget, Spent), LeftToday);

    /// <summary>Whether it is today's budget that bounds it, so that tomorrow there is more.</summary>
    public bool IsBoundByDay => LeftToday < Left(Budget, Spent);

    private Amount LeftToday => BudgetPerDay is { } daily ? Left(daily, SpentToday) : Amount.MaxValue;

    private Amount Left(Amount budget, Amount spent) =>
        Amount.SubtractToZero(Amount.SubtractToZero(budget, spent), Reserved);
}

/// <summary>What an API key may do.</summary>
public static class ApiKeyRules
{
    /// <summary>What helps where it is the day's budget that is short.</summary>
    public const string Tomorrow =
        "The API key's budget per day begins anew at 00:00 UTC; its owner may raise it before.";

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

    /// <summary>Whether the key may use a model. Null where it may.</summary>
    /// <param name="key">The key.</param>
    /// <param name="model">The model's public name, exactly, or <c>provider/digest</c>.</param>
    public static Refusal? CheckModel(ApiKeyStanding key, string model)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Models is { } allowed && !allowed.Contains(model, StringComparer.Ordinal)
            ? Refuse(
                "model_not_allowed",
                $"The API key may not use the model '{model}'; GET /v1/models lists those that it may.")
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

        if (worst <= key!.Available)
        {
            return null;
        }

        return Refuse(
            "insufficient_quota",
            $"The request may cost {worst} smallest units, and the API key has {key.Available} left"
            + (key.IsBoundByDay ? $" today. {Tomorrow}" : ". Have its owner raise its budget."));
    }

    /// <summary>
    /// What the app is billed: what its request cost, and never more than was reserved. The rest (replays, hedges) is
    /// the gateway's own cost.
    /// </summary>
    public static Amount Bill(Amount cost, Amount reserved) => Amount.Min(cost, reserved);

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);
}
