using Souk.Chain;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;

namespace Souk.Provider.Requests;

/// <summary>Signs receipts. Charge and receipt are one durable row before the receipt leaves.</summary>
internal sealed class ReceiptDesk(
    ProviderOptions options, IMarketChain chain, Journal<ProviderBook> journal, TimeProvider time)
{
    private readonly SoukDomain _domain = chain.Network.SoukDomain;

    /// <summary>The receipt of an answer that has ended, however it ended.</summary>
    public async Task<Signed<Receipt>> SignAsync(PaidWork run)
    {
        var admitted = run.Admitted;
        // What our side ended before the first token is free; the prompt of a cancelled request is not.
        var isFree = run.Outcome == FinishReasons.Error && run.Generated == 0;
        var output = isFree ? 0 : run.ChargedOutput();
        var (input, cached) = isFree ? (0UL, 0UL) : (run.Input, run.Cached);
        // Never above what was promised, whatever an engine counted: a receipt beyond it is no receipt to anybody.
        var charge = Amount.Min(
            Charge.Of(admitted.Offer.Prices, input, cached, output),
            Amount.SubtractToZero(run.Cover.Usable, admitted.Base));
        var choices = run.Choices();
        var commitment = admitted.CountsIds
            ? Commitments.Output(admitted.Paid.Salt.ToBytes(), [.. choices.Select(choice => choice.Ids)])
            : Bytes32.Zero;
        var now = Now();
        var note = admitted.CountsIds ? AnswerShelf.Note(admitted.Paid.Id, choices, now) : null;
        var receipt = new Receipt(
            admitted.Paid.Id, admitted.Paid.Index, admitted.ChannelId, admitted.Paid.OfferHash,
            admitted.Offer.ModelDigest, admitted.RequestCommitment, run.PromptCommitment, commitment,
            admitted.Paid.GatewayNonce, admitted.ProviderNonce, admitted.KeySource, admitted.Sampling, input, cached,
            output, charge, admitted.Base + charge, run.Outcome ?? FinishReasons.Error, admitted.StartedAtMs,
            run.FirstTokenAtMs, now, Bytes32.Zero);
        return await KeepAsync(receipt, now, note);
    }

    /// <summary>
    /// Ends what a crash left open: input plus the last stored count, finish reason <c>error</c>, output commitment
    /// zero.
    /// </summary>
    public async Task<Signed<Receipt>> SignAfterCrashAsync(ProviderRequest open)
    {
        var admitted = open.Admitted;
        var prices = journal.Book.Offers[admitted.OfferHash].Message.Prices;
        var ceiling = journal.Book.Channels[admitted.ChannelId].Ceiling;
        var (input, cached, output) = (open.Stored.InputTokens, open.Stored.CachedTokens, open.Stored.OutputTokens);
        output = Math.Min(output, Charge.OutputWithin(prices, input, cached, ceiling - open.Base) ?? 0);
        var charge = Amount.Min(Charge.Of(prices, input, cached, output), ceiling - open.Base);
        var now = Now();
        var receipt = new Receipt(
            admitted.Request, admitted.Index, admitted.ChannelId, admitted.OfferHash, admitted.ModelDigest,
            admitted.RequestCommitment, open.Prefill?.PromptCommitment ?? Bytes32.Zero, Bytes32.Zero,
            admitted.GatewayNonce, admitted.ProviderNonce, admitted.KeySource, admitted.Sampling, input, cached, output,
            charge, open.Base + charge, FinishReasons.Error, admitted.AtMs, 0, now, Bytes32.Zero);
        return await KeepAsync(receipt, now, null);
    }

    private async Task<Signed<Receipt>> KeepAsync(Receipt receipt, ulong now, LedgerNote? note)
    {
        var signed = Signed<Receipt>.Sign(receipt, options.NodeKey, _domain);
        await journal.RecordAsync(note, new ReceiptSigned(signed, now));
        return signed;
    }

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
}
