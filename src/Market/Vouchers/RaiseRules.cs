using Souk.Protocol;

namespace Souk.Market.Vouchers;

/// <summary>Where an answer stands when a raise arrives at the provider.</summary>
/// <param name="InputTokens">Prompt tokens not served from cache.</param>
/// <param name="CachedTokens">Prompt tokens served from cache.</param>
/// <param name="Generated">Output tokens delivered so far, over all choices.</param>
/// <param name="IdsReceived">The count that came with the last raise; 0 before the first.</param>
public sealed record OpenAnswer(ulong InputTokens, ulong CachedTokens, ulong Generated, ulong IdsReceived);

/// <summary>When a provider takes a raise of the ceiling while an answer streams.</summary>
public static class RaiseRules
{
    /// <summary>
    /// Judges a raise. The count of ids received only grows and is never above what was delivered. A ceiling further
    /// ahead than a slice is the gateway's own risk and is taken, as far as the deposit goes.
    /// </summary>
    /// <param name="view">Chain and time.</param>
    /// <param name="offer">The offer that prices the request; it may have expired meanwhile.</param>
    /// <param name="channel">What is known of the channel, with its base before this request.</param>
    /// <param name="config">The channel's configuration.</param>
    /// <param name="answer">Where the answer stands.</param>
    /// <param name="voucher">The new promise.</param>
    /// <param name="idsReceived">The gateway's count of ids received.</param>
    /// <returns>What is covered now, or whose fault it is and why.</returns>
    public static Result<Cover> Accept(
        SellerView view, Offer offer, SellerChannel channel, ChannelConfig config, OpenAnswer answer, Voucher voucher,
        ulong idsReceived)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(answer);
        if (idsReceived <= answer.IdsReceived)
        {
            return new Refusal(
                Fault.Theirs, "count_not_higher",
                $"A raise comes with a higher count of ids received than the last, {answer.IdsReceived}.");
        }

        if (idsReceived > answer.Generated)
        {
            return new Refusal(
                Fault.Theirs, "count_impossible",
                $"The raise claims {idsReceived} ids received, but only {answer.Generated} were delivered.");
        }

        var refusal = VoucherRules.CheckChain(view, channel, config)
            ?? VoucherRules.CheckVoucher(view.Escrow, channel, voucher, config);
        if (refusal is not null)
        {
            return refusal;
        }

        var cover = VoucherRules.Judge(
            offer, channel, voucher.MaxClaimable, answer.InputTokens, answer.CachedTokens);
        return cover is null
            ? new Refusal(Fault.Theirs, "voucher_below_slice", "The voucher does not even cover the prompt.")
            : cover;
    }
}
