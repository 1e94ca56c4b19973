using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Provider.Requests;
using Souk.Wire;
using Souk.Wire.Paid;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>
/// Sells to plain x402 clients at OpenAI's own paths: tells the price, takes the payment, and has the request served
/// and charged like any other.
/// </summary>
internal sealed class PlainDesk(
    IMarketChain chain,
    Journal<ProviderBook> journal,
    ChainWatch watch,
    Admission admission,
    RequestDesk requests,
    Terms terms,
    PriceDesk prices,
    ChannelStates states,
    Deposits deposits,
    Refunds refunds,
    Randomness randomness,
    TimeProvider time)
{
    // How long a client whose deposit is mined waits until it has the confirmations that its request needs.
    private static readonly TimeSpan ConfirmationWait = TimeSpan.FromSeconds(60);

    // Nothing is sold by it: a client that only wants its money back asks so for the terms.
    private static readonly Amount NoPrice = new(1);

    /// <summary>Answers a request to one of OpenAI's paths.</summary>
    public Task ServeAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var headers = request.Headers;
        if (headers[X402Header.Payment] is null)
        {
            return AskAsync(request, response, aborted);
        }

        return headers.IsUnique(X402Header.Payment)
            && PaymentPayload.FromHeader(headers[X402Header.Payment]).TryGet(out var payment, out var refusal)
            ? TakeAsync(request, payment, response, aborted)
            : RefuseAsync(
                response, OpenAiError.InvalidRequest(
                    $"The header {X402Header.Payment} cannot be read.", X402Header.Payment, "invalid_payload"),
                aborted).AsTask();
    }

    private async Task AskAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var price = NoPrice;
        if (request.Method == "POST")
        {
            if (prices.Count(request.Peer) is { } limited)
            {
                await RefuseAsync(response, limited, aborted);
                return;
            }

            var priced = prices.Price(request.Path, request.Body);
            if (!priced.IsOk)
            {
                await RefuseAsync(response, priced.Error, aborted);
                return;
            }

            price = priced.Value.Price;
        }

        await RefuseAsync(
            new(402, "payment_required", $"The header {X402Header.Payment} is required."), null, price, request,
            response, aborted);
    }

    private async Task TakeAsync(
        WireRequest request, PaymentPayload payment, IWireResponse response, CancellationToken aborted)
    {
        var payload = payment.Payload;
        var accepted = payment.Accepted.Amount;
        if (terms.Flaw(payment.Accepted, payload) is { } flaw)
        {
            await RefuseAsync(flaw, null, accepted, request, response, aborted);
        }
        else if (await FindAsync(payload, request.Peer) is { } unknown)
        {
            await RefuseAsync(unknown, null, accepted, request, response, aborted);
        }
        else if (payload is RefundPayload refund)
        {
            await RefundAsync(refund, accepted, request, response, aborted);
        }
        else if (request.Method != "POST")
        {
            await RefuseAsync(
                PaymentFailure.Of(X402Errors.PayloadType, "Nothing is sold by GET."), null, accepted, request, response,
                aborted);
        }
        else
        {
            await SellAsync(payload, accepted, request, response, aborted);
        }
    }

    // A channel that the book does not have may be on the chain: opened by its payer, or before the ledger was lost.
    private async Task<PaymentFailure?> FindAsync(BatchPayload payload, string peer)
    {
        var id = payload.Voucher.ChannelId;
        if (!journal.Book.Channels.ContainsKey(id))
        {
            if (prices.Count(peer) is { } limited)
            {
                return new(limited.Status, limited.Code!, limited.Message);
            }

            if (await watch.RefreshAsync([id], CancellationToken.None, payload.Config) is { } unread)
            {
                return PaymentFailure.Of(unread);
            }
        }

        if (journal.Book.Channels.TryGetValue(id, out var known))
        {
            if (known.Claimed > known.Base)
            {
                await MendAsync(id);
            }

            return await states.PrepareAsync(id, CancellationToken.None) is { } refusal
                ? PaymentFailure.Of(refusal)
                : null;
        }

        return payload is DepositPayload
            ? null
            : PaymentFailure.Of(X402Errors.ChannelNotFound, "The chain has no such channel with money in it.");
    }

    // What was claimed was charged, even where the ledger is an older copy that does not say so.
    private Task<Refusal?> MendAsync(Bytes32 id) => journal.RecordAsync(book =>
    {
        var channel = book.Channels[id];
        return channel.Request is null && channel.Claimed > channel.Base
            ? new LedgerEvent[]
            {
                new ProviderChannelMended(
                    id, channel.Claimed, channel.Index, null, null, (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()),
            }
            : (Result<LedgerEvent[]>)Array.Empty<LedgerEvent>();
    });

    private async Task SellAsync(
        BatchPayload payload, Amount accepted, WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var id = payload.Voucher.ChannelId;
        var parsed = prices.Price(request.Path, request.Body);
        if (!parsed.IsOk)
        {
            await RefuseAsync(response, parsed.Error, aborted);
            return;
        }

        var plain = parsed.Value;
        if (Unfit(payload, accepted, plain.Price) is { } unfit)
        {
            // What was counted in vain is no sale: a customer has no more of it than a stranger.
            await (prices.Count(request.Peer) is { } limited
                ? RefuseAsync(response, limited, aborted).AsTask()
                : RefuseAsync(unfit, id, plain.Price, request, response, aborted));
            return;
        }

        Bytes32? mined = null;
        if (payload is DepositPayload deposit)
        {
            var (transaction, failure) = await deposits.MineAsync(deposit, request.Peer);
            if (failure is not null)
            {
                await RefuseAsync(failure, id, plain.Price, request, response, aborted);
                return;
            }

            mined = transaction;
        }

        var paid = new Paid(payload, mined);
        var result = await AdmitAsync(paid, plain, request);
        if (result.TryGet(out var admitted, out var refusal))
        {
            await AnswerAsync(paid, plain, admitted.Admitted, admitted.Cover, response, aborted);
            return;
        }

        // The client has to learn of its deposit, whatever became of the request.
        await RefuseAsync(
            PaymentFailure.Of(refusal), id, plain.Price, request, response, aborted,
            mined is null ? null : Settled(paid, Amount.Zero));
    }

    // Everything that can be known before gas is spent.
    private PaymentFailure? Unfit(BatchPayload payload, Amount accepted, Amount price)
    {
        if (accepted != price)
        {
            return PaymentFailure.Of(
                "invalid_payment_requirements", $"The price of this request is {price}, not {accepted}.");
        }

        var known = journal.Book.Channels.GetValueOrDefault(payload.Voucher.ChannelId);
        var charged = known?.Base ?? Amount.Zero;
        var promised = payload.Voucher.MaxClaimable;
        if (promised < charged || promised - charged != price)
        {
            return PaymentFailure.OutOfStep(charged, price);
        }

        if (known is { Request: not null } or { Refunding: not null })
        {
            return PaymentFailure.Of(X402Errors.Busy, "A request or a refund is under way on the channel.");
        }

        return payload is DepositPayload deposit ? deposits.Flaw(deposit, known) : null;
    }

    private async Task<Result<(Admitted Admitted, CoverGate Cover)>> AdmitAsync(
        Paid paid, PlainRequest plain, WireRequest request)
    {
        var (config, voucher) = (paid.Payload.Config, paid.Payload.Voucher);
        if (paid.Deposit is not null
            && (await watch.RefreshAsync([voucher.ChannelId], CancellationToken.None, config)
                ?? await states.PrepareAsync(voucher.ChannelId, CancellationToken.None)) is { } unread)
        {
            return unread;
        }

        var asked = new PaidRequest(
            randomness.NextRequestId(), plain.Priced.OfferHash, 0, Bytes32.Zero, Salt.Next(randomness), config, voucher)
        {
            Path = request.Path,
        };
        var nonce = randomness.NextBytes32();
        var end = time.GetUtcNow() + ConfirmationWait;
        var block = TimeSpan.FromSeconds(Math.Clamp(chain.Network.BlockTime, 0.2, 10));
        while (true)
        {
            var result = await admission.AdmitPlainAsync(asked, request.Body, plain.Priced, nonce);
            if (result.Refusal is not { Code: "deposit_unconfirmed" } || time.GetUtcNow() >= end)
            {
                return result;
            }

            await Task.Delay(block, time, CancellationToken.None);
            await watch.RefreshAsync([voucher.ChannelId], CancellationToken.None);
        }
    }

    private async Task AnswerAsync(
        Paid paid, PlainRequest plain, Admitted admitted, CoverGate cover, IWireResponse response,
        CancellationToken aborted)
    {
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        ITextReply shape = plain.Text is { } text
            ? new CompletionReply("cmpl-" + admitted.Paid.Id, created, text)
            : new ChatReply("chatcmpl-" + admitted.Paid.Id, created, plain.Chat);
        using var reply = new PlainReply(response, plain.Chat, shape, charged => Settled(paid, charged));
        await requests.ServeAsync(admitted, cover, reply, aborted);
        await reply.CompleteAsync(aborted);
    }

    private async Task RefundAsync(
        RefundPayload refund, Amount price, WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var (done, failure) = await refunds.MakeAsync(refund, request.Peer);
        if (failure is not null)
        {
            await RefuseAsync(failure, refund.Voucher.ChannelId, price, request, response, aborted);
            return;
        }

        var settled = new SettlementResponse(true, chain.Network.ChainId)
        {
            Payer = refund.Config.Payer,
            Transaction = done!.Transaction,
            Amount = done.Amount,
            ChannelState = states.Tell(refund.Voucher.ChannelId),
        };
        await response.SendJsonAsync(
            200, settled.ToJson(), aborted, new WireHeaders(3) { { X402Header.Response, settled.ToHeader() } });
    }

    private SettlementResponse Settled(Paid paid, Amount charged) => new(true, chain.Network.ChainId)
    {
        Payer = paid.Payload.Config.Payer,
        Transaction = paid.Deposit,
        Amount = paid.Deposit is null ? null : ((DepositPayload)paid.Payload).Amount,
        Charged = charged,
        ChannelState = states.Tell(paid.Payload.Voucher.ChannelId),
    };

    // The answer to a payment that was not taken: the terms anew, and where the client is out of step with the channel,
    // the channel's state with the voucher that proves it.
    private async Task RefuseAsync(
        PaymentFailure failure, Bytes32? channel, Amount price, WireRequest request, IWireResponse response,
        CancellationToken aborted, SettlementResponse? settled = null)
    {
        if (!(await terms.AtAsync(price, CancellationToken.None)).TryGet(out var asked, out var unread))
        {
            await RefuseAsync(response, OpenAiError.Unavailable(unread.Message, unread.Code), aborted);
            return;
        }

        var headers = new WireHeaders(5) { { "cache-control", "no-store" } };
        if (failure.IsPassing)
        {
            headers["retry-after"] = "1";
        }

        if (settled is not null && !failure.IsCorrective)
        {
            headers[X402Header.Response] = settled.ToHeader();
        }

        if (failure.Status == 402)
        {
            var accepts = failure.IsCorrective && channel is { } id ? Corrective(asked, id) : asked;
            headers[X402Header.Required] = terms.Ask(request.Path, failure.Code, accepts).ToHeader();
        }

        var body = new OpenAiError(
            failure.Status, ErrorTypes.ForStatus(failure.Status), failure.Code, null, failure.Message);
        await response.SendJsonAsync(failure.Status, body.ToJson(), aborted, headers);
    }

    private PaymentRequirements Corrective(PaymentRequirements asked, Bytes32 id)
    {
        var voucher = journal.Durable.Channels.GetValueOrDefault(id)?.Highest;
        return voucher is null
            ? asked
            : asked with
            {
                Extra = asked.Extra with
                {
                    ChannelState = states.Tell(id), VoucherState = new(voucher.MaxClaimable, voucher.Signature),
                },
            };
    }

    private static ValueTask RefuseAsync(IWireResponse response, OpenAiError error, CancellationToken aborted)
    {
        var headers = new WireHeaders(3);
        if (error.Status is 429 or 503)
        {
            headers["retry-after"] = error.Status == 429 ? "60" : "1";
        }

        return response.SendJsonAsync(error.Status, error.ToJson(), aborted, headers);
    }

    /// <summary>A payment that holds, and the transaction of its deposit where it brought one.</summary>
    private sealed record Paid(BatchPayload Payload, Bytes32? Deposit);
}
