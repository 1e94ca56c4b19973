using Souk.Protocol;

namespace Souk.Market.Vouchers;

/// <summary>How fresh a provider's view of the chain has to be; from the network file.</summary>
/// <param name="BlockTimeSeconds">Time between blocks.</param>
/// <param name="MaxHeadAgeSeconds">The oldest that the newest head may be by its own timestamp.</param>
public sealed record ChainTiming(double BlockTimeSeconds, int MaxHeadAgeSeconds)
{
    /// <summary>
    /// The greatest head age at which a voucher is taken on a channel, in seconds:
    /// min(maxHeadAge, withdrawDelay / 4) + block time. A withdrawal that began unseen cannot have matured within it.
    /// </summary>
    /// <param name="withdrawDelay">The channel's, in seconds.</param>
    public double GreatestAge(uint withdrawDelay) =>
        Math.Min(MaxHeadAgeSeconds, withdrawDelay / 4.0) + BlockTimeSeconds;
}

/// <summary>What a provider knows of a channel when a voucher arrives.</summary>
/// <param name="Id">The channel.</param>
/// <param name="Deposit">Its balance on the chain: deposits less refunds and withdrawals.</param>
/// <param name="ConfirmedDeposit">The part with as many confirmations as the network file asks.</param>
/// <param name="IsWithdrawing">True while a withdrawal is pending, whatever its amount.</param>
/// <param name="Base">What the receipts add up to.</param>
/// <param name="Ceiling">The highest voucher so far.</param>
/// <param name="Index">The last request index taken.</param>
/// <param name="AcceptanceIndex">
/// The index of the acceptance in force; null where none was signed, as for plain x402 clients.
/// </param>
/// <param name="IsBusy">True while a request is under way on it.</param>
public sealed record SellerChannel(
    Bytes32 Id, Amount Deposit, Amount ConfirmedDeposit, bool IsWithdrawing, Amount Base, Amount Ceiling, ulong Index,
    ulong? AcceptanceIndex, bool IsBusy)
{
    /// <summary>
    /// The part of a ceiling that work may be done for: all that is confirmed, and one slice of credit beyond it
    /// while confirmations are missing.
    /// </summary>
    /// <param name="ceiling">The ceiling promised.</param>
    /// <param name="slice">The charge of the offer's greatest slice with this request's prompt.</param>
    public Amount Usable(Amount ceiling, Amount slice)
    {
        var promised = Amount.Min(ceiling, Deposit);
        return promised <= ConfirmedDeposit || promised - ConfirmedDeposit <= slice
            ? promised
            : ConfirmedDeposit + slice;
    }
}

/// <summary>What a voucher pays for.</summary>
/// <param name="Usable">The cumulative amount up to which work may be charged.</param>
/// <param name="OutputTokens">The output tokens, over all choices, that this covers.</param>
public sealed record Cover(Amount Usable, ulong OutputTokens);
