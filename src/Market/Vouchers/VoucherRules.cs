using Souk.Protocol;
using Souk.Market.Pricing;

namespace Souk.Market.Vouchers;

/// <summary>A voucher and what it is to pay for, as it arrived.</summary>
/// <param name="Voucher">The promise.</param>
/// <param name="Config">The channel's configuration.</param>
/// <param name="Index">
/// The request's number on the channel; null for a plain x402 client, which pays one worst-case voucher.
/// </param>
/// <param name="PromptTokens">The prompt's tokens, none of them assumed to be cached.</param>
/// <param name="OutputTokens">The most output tokens that the request can bring, over all choices.</param>
public sealed record PaidAttempt(
    Voucher Voucher, ChannelConfig Config, ulong? Index, ulong PromptTokens, ulong OutputTokens)
{
    /// <summary>True where the same voucher, configuration and offer were accepted before for less work: then hashes
    /// and signature, which cannot have changed, are not checked again.</summary>
    public bool IsAuthentic { get; init; }
}

/// <summary>What a provider sees besides the request: its chain and the time.</summary>
/// <param name="Escrow">The escrow and chain that vouchers are signed for.</param>
/// <param name="Timing">How fresh the chain's head has to be.</param>
/// <param name="HeadTimestamp">The newest head's own timestamp, in Unix seconds.</param>
/// <param name="Now">Unix seconds.</param>
/// <param name="ClaimMargin">Seconds that a claim needs before a withdrawal matures; see <see
/// cref="Claims.ClaimMargin"/>.</param>
public sealed record SellerView(
    EscrowDomain Escrow, ChainTiming Timing, ulong HeadTimestamp, ulong Now, ulong ClaimMargin = 0);

/// <summary>
/// When a provider takes a voucher. Everything is checked locally; the caller writes the voucher down before
/// anything of the work leaves.
/// </summary>
public static class VoucherRules
{
    /// <summary>Code of the refusal of a plain client's voucher that does not follow from what was charged.</summary>
    public const string VoucherOutOfStep = "voucher_out_of_step";

    /// <summary>Judges a request's first voucher.</summary>
    /// <param name="view">Chain and time.</param>
    /// <param name="offer">The own offer that the request names by hash; null where there is no such offer.</param>
    /// <param name="channel">What is known of the channel.</param>
    /// <param name="attempt">What arrived.</param>
    /// <returns>What is covered, or whose fault it is and why.</returns>
    public static Result<Cover> Accept(SellerView view, Offer? offer, SellerChannel channel, PaidAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(attempt);
        if (CheckOffer(offer, view.Now) is { } stale)
        {
            return stale;
        }

        var refusal =
            (attempt.IsAuthentic ? null : ChannelRules.Check(attempt.Config, channel.Id, offer!, view.Escrow))
            ?? CheckChain(view, channel, attempt.Config)
            ?? CheckTurn(channel, attempt.Index)
            ?? CheckVoucher(view.Escrow, channel, attempt);
        return refusal is null ? CoverFirst(offer!, channel, attempt) : refusal;
    }

    /// <summary>
    /// Whether the chain allows a voucher on this channel now: the head is fresh, no withdrawal is pending, and one
    /// that has begun unseen, right after that head, would still leave the time that a claim takes.
    /// </summary>
    /// <returns>Null where it does.</returns>
    public static Refusal? CheckChain(SellerView view, SellerChannel channel, ChannelConfig config)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(config);
        var age = view.Now > view.HeadTimestamp ? view.Now - view.HeadTimestamp : 0;
        if (age > view.Timing.GreatestAge(config.WithdrawDelay))
        {
            return new Refusal(
                Fault.Ours, "head_stale", $"The newest block known here is {age} s old. Try again, or elsewhere.");
        }

        if (channel.IsWithdrawing)
        {
            return Theirs("withdrawal_pending", "A withdrawal is pending on the channel. Use another channel.");
        }

        return age + view.ClaimMargin > config.WithdrawDelay
            ? new Refusal(
                Fault.Ours, "withdrawal_too_near",
                $"Claims take up to {view.ClaimMargin} s here now, and a withdrawal from the channel only "
                + $"{config.WithdrawDelay} s. Use a channel with a longer delay, or another provider.")
            : null;
    }

    /// <summary>
    /// Whether a voucher is the channel's own, by its payerAuthorizer, not below the last one and not above the
    /// deposit.
    /// </summary>
    /// <returns>Null where it is.</returns>
    public static Refusal? CheckVoucher(
        EscrowDomain escrow, SellerChannel channel, Voucher voucher, ChannelConfig config) =>
        CheckVoucher(escrow, channel, voucher, config, channel.Ceiling, isAuthentic: false);

    // A plain client signs what was charged and the price of one request, which may be less than an earlier ceiling
    // of which not all was charged. That one stays in force, and its price is what is worked for.
    private static Refusal? CheckVoucher(EscrowDomain escrow, SellerChannel channel, PaidAttempt attempt) =>
        CheckVoucher(
            escrow, channel, attempt.Voucher, attempt.Config,
            attempt.Index is null ? channel.Base : channel.Ceiling, attempt.IsAuthentic);

    private static Refusal? CheckVoucher(
        EscrowDomain escrow, SellerChannel channel, Voucher voucher, ChannelConfig config, Amount least,
        bool isAuthentic)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(voucher);
        ArgumentNullException.ThrowIfNull(config);
        if (voucher.ChannelId != channel.Id)
        {
            return Theirs("voucher_channel_mismatch", "The voucher is for another channel.");
        }

        if (voucher.MaxClaimable < least)
        {
            return Theirs(
                "voucher_lower", $"The voucher's ceiling {voucher.MaxClaimable} is below the channel's, {least}.");
        }

        if (voucher.MaxClaimable > channel.Deposit)
        {
            return Theirs(
                "voucher_above_deposit",
                $"The voucher promises {voucher.MaxClaimable}, but the channel holds {channel.Deposit}. Top it up.");
        }

        // The signature comes last: it costs a hundred times more than all the rest.
        return isAuthentic || voucher.Signer(escrow) == config.PayerAuthorizer
            ? null
            : Theirs(
                "voucher_signer_mismatch",
                "The voucher is not signed by the channel's payerAuthorizer for this escrow and chain.");
    }

    private static Refusal? CheckOffer(Offer? offer, ulong now)
    {
        if (offer is null)
        {
            return Theirs("offer_unknown", "No offer of this provider has that hash. Fetch the newest offer.");
        }

        if (now > offer.Expiry)
        {
            return Theirs("offer_expired", "The offer has expired. Fetch the newest offer.");
        }

        return offer.Concurrency < 1
            ? Theirs("offer_withdrawn", "The offer was withdrawn. Fetch the newest offer or go elsewhere.")
            : null;
    }

    private static Refusal? CheckTurn(SellerChannel channel, ulong? index)
    {
        if (channel.IsBusy)
        {
            return Theirs("channel_busy", "The channel serves another request. Wait for its receipt or use another.");
        }

        if (index is not { } number)
        {
            return null;
        }

        if (channel.AcceptanceIndex is not { } accepted)
        {
            return Theirs("channel_unaccepted", "The channel has no acceptance. Ask for one first.");
        }

        // An index is spent when it is sent, so one that never arrived leaves a gap; it must only never come twice.
        if (number <= channel.Index)
        {
            return Theirs("index_spent", $"Request index {number} is spent; the last one taken is {channel.Index}.");
        }

        return NoncePosition.Of(accepted, number) is null
            ? Theirs("nonce_chain_spent", "The channel's nonce chain is spent. Ask for a new acceptance.")
            : null;
    }

    private static Result<Cover> CoverFirst(Offer offer, SellerChannel channel, PaidAttempt attempt)
    {
        var least = attempt.Index is null
            ? attempt.OutputTokens
            : Math.Min((ulong)offer.SliceLeast, attempt.OutputTokens);
        var slice = Charge.TryOf(offer.Prices, attempt.PromptTokens, 0, least);
        if (attempt.Index is null && slice is { } price
            && Amount.SubtractToZero(attempt.Voucher.MaxClaimable, channel.Base) != price)
        {
            return Theirs(
                VoucherOutOfStep,
                $"The voucher promises {attempt.Voucher.MaxClaimable}, not the {channel.Base} charged and the price "
                + $"of {price}.");
        }

        if (slice is null
            || attempt.Voucher.MaxClaimable < channel.Base
            || attempt.Voucher.MaxClaimable - channel.Base < slice)
        {
            return Theirs(
                "voucher_below_slice",
                $"The voucher does not cover the prompt and {least} output tokens over the {channel.Base} charged.");
        }

        var cover = Judge(offer, channel, attempt.Voucher.MaxClaimable, attempt.PromptTokens, 0);
        return cover is { } known && known.OutputTokens >= least
            ? known
            : new Refusal(
                Fault.Nobody, "deposit_unconfirmed",
                "The deposit has too few confirmations for more than one slice. Wait for the next blocks.");
    }

    /// <summary>What a ceiling covers on a channel; null where not even the prompt.</summary>
    internal static Cover? Judge(Offer offer, SellerChannel channel, Amount ceiling, ulong input, ulong cached)
    {
        var credit = Charge.TryOf(offer.Prices, input, cached, (ulong)offer.SliceGreatest) ?? Amount.Zero;
        var usable = channel.Usable(ceiling, credit);
        return Coverage.OutputTokens(offer.Prices, channel.Base, usable, input, cached) is { } tokens
            ? new Cover(usable, tokens)
            : null;
    }

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);
}
