using Souk.Market.Vouchers;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>Why a payment was not taken, in the words of x402 and of HTTP.</summary>
/// <param name="Status">402 where another payment could be, otherwise what fits.</param>
/// <param name="Code">An error code of the scheme, or ours where it has none.</param>
/// <param name="Message">For people.</param>
internal sealed record PaymentFailure(int Status, string Code, string Message)
{
    private const int PaymentRequired = 402;

    /// <summary>Whether the client gets the channel's state to begin anew from.</summary>
    public bool IsCorrective => Code == X402Errors.CumulativeMismatch;

    /// <summary>Whether the same payment may be taken a little later.</summary>
    public bool IsPassing => Status is 429 or 503 || Code == X402Errors.Busy;

    public static PaymentFailure Of(string code, string message) => new(PaymentRequired, code, message);

    public static PaymentFailure OutOfStep(Amount charged, Amount price) => Of(
        X402Errors.CumulativeMismatch,
        $"The voucher has to promise the {charged} charged so far and the price of {price}, no more and no less.");

    /// <summary>A refusal of the rules of vouchers, of the deposits' relay or of the chain.</summary>
    public static PaymentFailure Of(Refusal refusal)
    {
        var code = refusal.Code switch
        {
            VoucherRules.VoucherOutOfStep or "voucher_lower" => X402Errors.CumulativeMismatch,
            "channel_busy" => X402Errors.Busy,
            "voucher_above_deposit" => X402Errors.CumulativeExceedsBalance,
            "voucher_signer_mismatch" or "payer_authorizer_missing" => X402Errors.VoucherSignature,
            "channel_unknown" => X402Errors.ChannelNotFound,
            "channel_id_mismatch" or "voucher_channel_mismatch" => X402Errors.ChannelIdMismatch,
            "deposit_too_small" => X402Errors.DepositBelowMinimum,
            "deposit_reverted" or "deposit_gas" => X402Errors.DepositSimulationFailed,
            _ => refusal.Code,
        };
        return new(
            refusal.Code switch
            {
                "too_many_openings" => 429,
                _ when code != refusal.Code => PaymentRequired,
                _ when refusal.Fault != Fault.Theirs => 503,
                _ => PaymentRequired,
            },
            code,
            refusal.Message);
    }
}
