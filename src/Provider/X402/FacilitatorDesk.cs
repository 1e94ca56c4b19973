using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Selling;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Wire;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>
/// The facilitator of this provider's own channels: it looks at payments to this provider, mines deposits and makes
/// refunds. Everybody may ask; for channels of others it does nothing, and what costs gas or a look at the chain is
/// rated. Claims and payouts are the provider's own affair.
/// </summary>
internal sealed class FacilitatorDesk(
    ProviderOptions options,
    IMarketChain chain,
    Journal<ProviderBook> journal,
    ChainWatch watch,
    Terms terms,
    PriceDesk prices,
    ChannelStates states,
    Deposits deposits,
    Refunds refunds)
{
    /// <summary>GET /supported.</summary>
    public Task SupportedAsync(IWireResponse response, CancellationToken aborted) => response.SendJsonAsync(
        200,
        new SupportedReply(chain.Network.ChainId, options.AuthorizerKey.Address, options.GasKey.Address).ToJson(),
        aborted).AsTask();

    /// <summary>POST /verify.</summary>
    public async Task VerifyAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (await ReadAsync(request, response, aborted) is not { } asked)
        {
            return;
        }

        var payload = asked.Payment.Payload;
        var flaw = Flaw(asked);
        Souk.Wire.X402.ChannelState? told = null;
        if (flaw is null)
        {
            if (!(await states.ReadAsync(payload.Voucher.ChannelId, CancellationToken.None))
                .TryGet(out var state, out _))
            {
                flaw = PaymentFailure.Of(X402Errors.ChainUnreadable, "The chain cannot be read now.");
            }
            else
            {
                told = ChannelStates.Tell(state);
                flaw = await JudgeAsync(payload, state);
            }
        }

        var verdict = new VerifyResponse(flaw?.Code, payload.Config.Payer, told);
        await response.SendJsonAsync(200, verdict.ToJson(), aborted);
    }

    /// <summary>POST /settle.</summary>
    public async Task SettleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (await ReadAsync(request, response, aborted) is not { } asked)
        {
            return;
        }

        var payload = asked.Payment.Payload;
        var (transaction, amount, failure) = Flaw(asked) is { } flaw
            ? (null, null, flaw)
            : payload switch
            {
                DepositPayload deposit => await DepositAsync(deposit, request.Peer),
                RefundPayload refund => await RefundAsync(refund, request.Peer),
                _ => (null, null, PaymentFailure.Of(
                    X402Errors.PayloadType, "A voucher is not settled alone; this provider claims by itself.")),
            };
        var settled = new SettlementResponse(failure is null, chain.Network.ChainId)
        {
            Payer = payload.Config.Payer,
            Transaction = transaction,
            Amount = amount,
            ErrorReason = failure?.Code,
            ErrorMessage = failure?.Message,
            ChannelState = failure is null ? states.Tell(payload.Voucher.ChannelId) : null,
        };
        await response.SendJsonAsync(200, settled.ToJson(), aborted);
    }

    private async Task<FacilitatorRequest?> ReadAsync(
        WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var error = prices.Count(request.Peer);
        if (error is null && FacilitatorRequest.Parse(request.Body).TryGet(out var asked, out var refusal))
        {
            return asked;
        }

        error ??= OpenAiError.InvalidRequest("The body is no request to a facilitator.", code: "invalid_payload");
        await response.SendJsonAsync(error.Status, error.ToJson(), aborted);
        return null;
    }

    private PaymentFailure? Flaw(FacilitatorRequest asked) =>
        terms.Flaw(asked.Payment.Accepted, asked.Payment.Payload)
        ?? terms.Flaw(asked.Requirements, asked.Payment.Payload);

    private async Task<PaymentFailure?> JudgeAsync(BatchPayload payload, Souk.Chain.ChannelState state)
    {
        var promised = payload.Voucher.MaxClaimable;
        if (payload is DepositPayload deposit)
        {
            return deposits.Flaw(deposit, journal.Book.Channels.GetValueOrDefault(state.Id))
                ?? await deposits.TryAsync(deposit, CancellationToken.None);
        }

        if (state.Balance.IsZero)
        {
            return PaymentFailure.Of(X402Errors.ChannelNotFound, "The chain has no such channel with money in it.");
        }

        if (promised > state.Balance)
        {
            return PaymentFailure.Of(X402Errors.CumulativeExceedsBalance, "The voucher is above the balance.");
        }

        return promised < state.Claimed || (promised == state.Claimed && payload is not RefundPayload)
            ? PaymentFailure.Of(X402Errors.CumulativeBelowClaimed, "The voucher is not above what was claimed.")
            : null;
    }

    private async Task<(Bytes32?, Amount?, PaymentFailure?)> DepositAsync(DepositPayload deposit, string peer)
    {
        var id = deposit.Voucher.ChannelId;
        var known = journal.Book.Channels.GetValueOrDefault(id);
        if (deposits.Flaw(deposit, known) is { } flaw)
        {
            return (null, null, flaw);
        }

        var (transaction, failure) = await deposits.MineAsync(deposit, peer);
        if (failure is not null)
        {
            return (null, null, failure);
        }

        // A look that fails here is made up for when the channel is first used.
        _ = await watch.RefreshAsync([id], CancellationToken.None, deposit.Config)
            ?? await states.PrepareAsync(id, CancellationToken.None);
        return (transaction, deposit.Amount, null);
    }

    private async Task<(Bytes32?, Amount?, PaymentFailure?)> RefundAsync(RefundPayload refund, string peer)
    {
        var (done, failure) = await refunds.MakeAsync(refund, peer);
        return (done?.Transaction, done?.Amount, failure);
    }
}
