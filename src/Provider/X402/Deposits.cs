using Souk.Chain;
using Souk.Chain.Evm;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Wire.Paid;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>
/// Mines the deposits of plain x402 clients. This provider pays the gas, so what would not hold is refused before: a
/// deposit below the minimum, a permission that has run out or was used, a voucher that the money would not cover.
/// </summary>
internal sealed class Deposits(ProviderOptions options, IMarketChain chain, DepositRelay relay, TimeProvider time)
{
    // A permission has to outlast the way into a block.
    private const ulong LeastSecondsLeft = 10;

    /// <summary>What is wrong with a deposit besides what only the chain can tell. Null where nothing is.</summary>
    /// <param name="known">The channel, where there is one.</param>
    public PaymentFailure? Flaw(DepositPayload deposit, ProviderChannel? known)
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        if (chain.Network.Erc3009Collector is null)
        {
            return PaymentFailure.Of(
                X402Errors.PayloadType, "This network has no collector of signed deposits; fund the channel yourself.");
        }

        if (deposit.Amount < options.MinimumDeposit)
        {
            return PaymentFailure.Of(
                X402Errors.DepositBelowMinimum, $"The least deposit is {options.MinimumDeposit}; each costs gas.");
        }

        if (Amount.SubtractToZero(deposit.Voucher.MaxClaimable, known?.Deposit ?? Amount.Zero) > deposit.Amount)
        {
            return PaymentFailure.Of(
                X402Errors.CumulativeExceedsBalance, "The voucher promises more than the channel will hold.");
        }

        if (known is { IsWithdrawing: true })
        {
            return PaymentFailure.Of("withdrawal_pending", "A withdrawal is pending on the channel; use another salt.");
        }

        if (deposit.Proof.ValidAfter >= now)
        {
            return PaymentFailure.Of(X402Errors.ValidAfter, "The permission to take the deposit does not hold yet.");
        }

        return deposit.Proof.ValidBefore < now + LeastSecondsLeft
            ? PaymentFailure.Of(
                X402Errors.ValidBefore, $"The permission holds for less than {LeastSecondsLeft} more seconds.")
            : null;
    }

    /// <summary>Asks the chain whether the deposit could be made now. Null where it could.</summary>
    public async Task<PaymentFailure?> TryAsync(DepositPayload deposit, CancellationToken cancellation) =>
        await relay.TryAsync(deposit.Config, Described(deposit), cancellation) is { } refusal
            ? PaymentFailure.Of(refusal)
            : null;

    /// <summary>Mines the deposit, which is its transaction's hash, or says why not.</summary>
    public async Task<(Bytes32? Transaction, PaymentFailure? Failure)> MineAsync(DepositPayload deposit, string peer) =>
        // What was sent is followed to its end even when the client hangs up.
        (await relay.SendAsync(deposit.Config, Described(deposit), peer, CancellationToken.None))
            .TryGet(out var hash, out var refusal)
            ? (hash, null)
            : (null, PaymentFailure.Of(refusal));

    private ChannelDeposit Described(DepositPayload deposit) => new(
        deposit.Amount,
        chain.Network.Erc3009Collector!.Value,
        ReceiveData.Encode(
            deposit.Proof.ValidAfter, deposit.Proof.ValidBefore, deposit.Proof.Salt, deposit.Proof.Signature.Span));
}
