using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>What use is added up by: a UTC day of booking, an API key, a model.</summary>
/// <param name="Day">When it was booked.</param>
/// <param name="KeyHash">The key; zero for what the gateway paid and billed no key for.</param>
/// <param name="Model">The name that the app asked for; the model's digest where rows do not tell it.</param>
public readonly record struct UseKey(UtcDay Day, Bytes32 KeyHash, string Model) : IComparable<UseKey>
{
    /// <summary>Days first, so that old ones are forgotten from the front.</summary>
    public int CompareTo(UseKey other) => (Day.CompareTo(other.Day), KeyHash.CompareTo(other.KeyHash)) switch
    {
        (0, 0) => string.CompareOrdinal(Model, other.Model),
        (0, var keys) => keys,
        var (days, _) => days,
    };

    public static bool operator <(UseKey left, UseKey right) => left.CompareTo(right) < 0;

    public static bool operator >(UseKey left, UseKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(UseKey left, UseKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(UseKey left, UseKey right) => left.CompareTo(right) >= 0;
}

/// <summary>What was used, as receipts and bills say it.</summary>
/// <param name="Requests">Receipts that counted any token.</param>
/// <param name="Input">Prompt tokens that no cache served.</param>
/// <param name="Cached">Prompt tokens that a cache served.</param>
/// <param name="Output">Tokens generated.</param>
/// <param name="Charged">What the receipts charged the gateway.</param>
/// <param name="Billed">What the API key was billed.</param>
public sealed record KeyUse(
    ulong Requests, ulong Input, ulong Cached, ulong Output, Amount Charged, Amount Billed)
{
    /// <summary>None.</summary>
    public static KeyUse Nothing { get; } = new(0, 0, 0, 0, Amount.Zero, Amount.Zero);

    public static KeyUse operator +(KeyUse left, KeyUse right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return new KeyUse(
            left.Requests + right.Requests, left.Input + right.Input, left.Cached + right.Cached,
            left.Output + right.Output, left.Charged + right.Charged, left.Billed + right.Billed);
    }

    /// <summary>The sum of two.</summary>
    public static KeyUse Add(KeyUse left, KeyUse right) => left + right;

    internal static KeyUse Of(Receipt receipt)
    {
        var isWork = receipt.InputTokens + receipt.CachedTokens + receipt.OutputTokens > 0;
        return new KeyUse(
            isWork ? 1UL : 0, receipt.InputTokens, receipt.CachedTokens, receipt.OutputTokens, receipt.Charge,
            Amount.Zero);
    }
}
