using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>An API key: a budget inside the owner's money.</summary>
public sealed record ApiKeyAccount(
    Bytes32 KeyHash, string Name, Amount Budget, Amount Spent, Amount Reserved, ulong? ExpiresAtMs, bool IsRevoked)
{
    /// <summary>What bounds it beside the budget.</summary>
    public KeyLimits Limits { get; init; } = KeyLimits.None;

    /// <summary>Unix milliseconds of its making.</summary>
    public ulong CreatedAtMs { get; init; }

    /// <summary>Unix milliseconds of its last reservation; null before the first.</summary>
    public ulong? LastUsedAtMs { get; init; }

    private UtcDay LastDay { get; init; }

    private Amount SpentOnLastDay { get; init; }

    /// <summary>What was billed on a day. A clock that was set back stays on the latest day that was booked, so that
    /// no day is spent twice.</summary>
    public Amount SpentOn(UtcDay day) => day <= LastDay ? SpentOnLastDay : Amount.Zero;

    /// <summary>What is neither spent nor reserved, of the budget and of the day's. What is reserved at midnight
    /// counts on the day that it is booked on, and until then on any.</summary>
    public Amount AvailableOn(UtcDay day)
    {
        var inAll = Amount.SubtractToZero(Amount.SubtractToZero(Budget, Spent), Reserved);
        return Limits.BudgetPerDay is { } daily
            ? Amount.Min(inAll, Amount.SubtractToZero(Amount.SubtractToZero(daily, SpentOn(day)), Reserved))
            : inAll;
    }

    internal ApiKeyAccount Reserve(Amount reserved, ulong atMs) =>
        this with { Reserved = Reserved + reserved, LastUsedAtMs = atMs };

    internal ApiKeyAccount End(Amount reserved, Amount charged, UtcDay day) => this with
    {
        Reserved = Reserved - reserved,
        Spent = Spent + charged,
        SpentOnLastDay = SpentOn(day) + charged,
        LastDay = UtcDay.Later(LastDay, day),
    };
}
