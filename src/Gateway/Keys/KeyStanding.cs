using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Protocol;

namespace Souk.Gateway.Keys;

/// <summary>Accounts as the rules of budgets see them.</summary>
internal static class KeyStanding
{
    /// <summary>How a key stands at a time (Unix milliseconds); null where there is none.</summary>
    public static ApiKeyStanding? Of(ApiKeyAccount? account, ulong nowMs) => account is null
        ? null
        : new ApiKeyStanding(
            account.Budget, account.Spent, account.Reserved, account.ExpiresAtMs / 1000, account.IsRevoked)
        {
            BudgetPerDay = account.Limits.BudgetPerDay,
            SpentToday = account.SpentOn(UtcDay.Of(nowMs)),
            Models = account.Limits.Models,
            PriceCap = CapOf(account.Limits),
        };

    /// <summary>
    /// What sets a request's worst case aside, on the book that it is decided on. Whoever reserves decides by this
    /// under the journal's lock, so that no two requests get the last of a budget.
    /// </summary>
    public static Result<BudgetReserved> Reserve(
        CustomerBook book, Bytes32 keyHash, RequestId appRequest, Amount worst, ulong nowMs)
    {
        var standing = Of(book.ApiKeys.GetValueOrDefault(keyHash), nowMs);
        return ApiKeyRules.CheckReserve(standing, worst, nowMs / 1000) is { } refusal
            ? refusal
            : new BudgetReserved(appRequest, keyHash, worst, nowMs);
    }

    // Cached input is input.
    private static Prices? CapOf(KeyLimits limits) => limits is { MostInputPrice: null, MostOutputPrice: null }
        ? null
        : new Prices(
            limits.MostInputPrice ?? Amount.MaxValue, limits.MostInputPrice ?? Amount.MaxValue,
            limits.MostOutputPrice ?? Amount.MaxValue);
}
