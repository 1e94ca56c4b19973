using Souk.Gateway.Channels;
using Souk.Gateway.Keys;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Market.Pricing;
using Souk.Market.Vouchers;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>
/// What a request takes from the book at once: a part of its key's budget, an idle channel with its next index, and the
/// first voucher. It is decided under the journal's lock, so that nothing is given to two requests.
/// </summary>
/// <param name="hotKey">Signs vouchers.</param>
/// <param name="escrow">Where they are paid.</param>
/// <param name="caps">What may be at risk.</param>
internal sealed class ChannelHandout(PrivateKey hotKey, EscrowDomain escrow, ExposureCaps caps)
{
    /// <summary>The code of a refusal that passes as soon as a channel is usable.</summary>
    public const string NoChannel = "no_channel";

    /// <summary>Whether a channel can pay so much now, as far as its own state goes.</summary>
    public static bool HasRoom(CustomerChannel channel, Amount cost) =>
        channel.State == CustomerChannelState.Idle && channel.Free >= cost && !channel.IsWithdrawing
        && channel.Acceptance is { } acceptance && NoncePosition.Of(acceptance.Index, channel.Index + 1) is not null;

    /// <summary>Decides on the book; what is taken is recorded with it.</summary>
    /// <param name="book">The newest.</param>
    /// <param name="taking">Who takes how much.</param>
    /// <param name="fits">Whether a channel with room is one to take.</param>
    public Result<HandedOut> Decide(CustomerBook book, Taking taking, Func<CustomerChannel, bool> fits)
    {
        if (!KeyStanding.Reserve(book, taking.KeyHash, taking.AppRequest, taking.Worst, taking.NowMs)
            .TryGet(out var reserved, out var poor))
        {
            return poor;
        }

        var channel = book.Channels.Values
            .Where(channel => HasRoom(channel, taking.Worst) && fits(channel))
            .MinBy(channel => channel.Free);
        if (channel is null)
        {
            return new Refusal(Fault.Nobody, NoChannel, "The last idle channel was taken; try again shortly.");
        }

        var plan = new SlicePlan(
            taking.Prices, channel.Base, taking.PromptTokens, taking.SliceTokens, taking.OutputTokens);
        var ceiling = plan.First(channel.LeastCeiling);
        if (AtRisks.Check(book, channel, ceiling, caps) is { } exposed)
        {
            return exposed;
        }

        var voucher = Voucher.Sign(hotKey, escrow, channel.Id, ceiling);
        return new HandedOut(
            reserved, channel, plan, new VoucherIssued(voucher, taking.Request, channel.Index + 1, 0, taking.NowMs));
    }
}

/// <summary>What a request would take.</summary>
/// <param name="KeyHash">The API key that pays.</param>
/// <param name="AppRequest">Names the reservation.</param>
/// <param name="Request">Names the paid request.</param>
/// <param name="Worst">The most that it can cost: what is reserved, and what its channel has to hold.</param>
/// <param name="Prices">The offer's, per 1,000,000 tokens.</param>
/// <param name="PromptTokens">The prompt's tokens.</param>
/// <param name="SliceTokens">Output tokens that a slice covers.</param>
/// <param name="OutputTokens">The most output tokens that the request can bring.</param>
/// <param name="NowMs">Unix milliseconds.</param>
internal sealed record Taking(
    Bytes32 KeyHash, RequestId AppRequest, RequestId Request, Amount Worst, Prices Prices, ulong PromptTokens,
    ulong SliceTokens, ulong OutputTokens, ulong NowMs);

/// <summary>What a request has taken, once it is recorded.</summary>
/// <param name="Reserved">Its part of the budget.</param>
/// <param name="Channel">As it was before.</param>
/// <param name="Plan">Slices and raises.</param>
/// <param name="Issued">The first voucher, with the channel's next index.</param>
internal sealed record HandedOut(
    BudgetReserved Reserved, CustomerChannel Channel, SlicePlan Plan, VoucherIssued Issued);
