using Microsoft.Extensions.Logging;
using Souk.Gateway.Offers;
using Souk.Gateway.Tokens;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Market.Receipts;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Receipts;

/// <summary>
/// Fetches the receipts of requests whose stream broke, or that were under way when the gateway stopped. Once the provider
/// answers again a receipt has to appear within the patience set, or its channel freezes.
/// </summary>
internal sealed partial class ReceiptChaser(
    GatewayOptions options,
    Journal<CustomerBook> journal,
    ReceiptBooks books,
    MarketView market,
    NodeClient nodes,
    EncoderShelf encoders,
    TimeProvider time,
    ILogger<ReceiptChaser> log)
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private readonly HashSet<RequestId> _live = [];
    private readonly Dictionary<RequestId, DateTimeOffset> _reachableSince = [];

    /// <summary>A request whose stream somebody reads; it is not chased.</summary>
    public void Watch(RequestId request)
    {
        lock (_live)
        {
            _live.Add(request);
        }
    }

    /// <summary>Nobody reads the stream any more: if the request is still outstanding, its receipt is chased.</summary>
    public void Unwatch(RequestId request)
    {
        lock (_live)
        {
            _live.Remove(request);
        }
    }

    /// <summary>Chases until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await ChaseAsync(cancellation);
            await Task.Delay(Turn, time, cancellation);
        }
    }

    /// <summary>One turn over everything that is outstanding and unwatched.</summary>
    public async Task ChaseAsync(CancellationToken cancellation)
    {
        foreach (var request in journal.Durable.Unexplained())
        {
            bool isLive;
            lock (_live)
            {
                isLive = _live.Contains(request.Sent.Request);
            }

            if (!isLive)
            {
                await ChaseAsync(request, cancellation);
            }
        }
    }

    /// <summary>Waits for a request to be explained, as long as it is worth waiting. True when it was.</summary>
    public async Task<bool> WaitAsync(RequestId request, TimeSpan patience, CancellationToken cancellation)
    {
        var deadline = time.GetUtcNow() + patience;
        while (journal.Durable.Outstanding.TryGetValue(request, out var open))
        {
            await ChaseAsync(open, cancellation);
            if (!journal.Durable.Outstanding.ContainsKey(request))
            {
                return true;
            }

            if (time.GetUtcNow() >= deadline)
            {
                return false;
            }

            await Task.Delay(Turn, time, cancellation);
        }

        return true;
    }

    private async Task ChaseAsync(CustomerRequest open, CancellationToken cancellation)
    {
        var (sent, book) = (open.Sent, journal.Book);
        if (!book.Offers.TryGetValue(sent.OfferHash, out var signed) || Target(signed.Message) is not { } target)
        {
            return;
        }

        var answer = await nodes.GetRequestAsync(target, sent.Request, cancellation);
        if (!answer.TryGet(out var record, out var refusal))
        {
            if (refusal.Code == "request_unknown")
            {
                await books.RefusedAsync(sent.Request, sent.ChannelId, sent.AppRequest, refusal.Code);
            }

            return;
        }

        if (record.Receipt is { } receipt)
        {
            _reachableSince.Remove(sent.Request);
            await BookAsync(open, signed, record, receipt, cancellation);
            return;
        }

        await LosePatienceAsync(open, cancellation);
    }

    private async Task LosePatienceAsync(CustomerRequest open, CancellationToken cancellation)
    {
        var sent = open.Sent;
        if (!_reachableSince.TryGetValue(sent.Request, out var since))
        {
            _reachableSince[sent.Request] = time.GetUtcNow();
            if (Target(journal.Book.Offers[sent.OfferHash].Message) is { } target)
            {
                // Nobody reads the answer, so no more of it is wanted.
                await nodes.CancelAsync(target, sent.Request, cancellation);
            }
        }
        else if (time.GetUtcNow() - since >= options.ReceiptPatience
            && journal.Book.Channels[sent.ChannelId].State == CustomerChannelState.Busy)
        {
            await books.DisputeAsync(
                sent.Request, sent.ChannelId, sent.AppRequest,
                new Refusal(Fault.Theirs, "receipt_missing", "The provider answers, but has no receipt for a request that ended."),
                null);
        }
    }

    private async Task BookAsync(
        CustomerRequest open, Signed<Offer> offer, RequestRecord record, Signed<Receipt> receipt,
        CancellationToken cancellation)
    {
        var sent = open.Sent;
        var channel = journal.Book.Channels[sent.ChannelId];
        var isIds = offer.Message.Counting == CountingKinds.Ids;
        if (isIds && !(await encoders.GetAsync(offer.Message, cancellation)).IsOk)
        {
            return;
        }

        _ = Salt.TryParse(sent.Salt, out var salt);
        var ids = record.Choices.Select(choice => choice.Ids).ToList();
        var total = ids.Aggregate(0UL, (sum, choice) => sum + (ulong)choice.Count);
        // The provider keeps ids in memory only, so after its restart the commitment cannot be checked any more: what
        // remains checked is that the counts and the money are within what was agreed.
        var isForgotten = isIds && total == 0 && receipt.Message.OutputTokens > 0;
        var isCrash = receipt.Message.FinishReason == FinishReasons.Error && receipt.Message.OutputCommitment.IsZero;
        isForgotten &= !isCrash;
        var delivered = isIds
            ? new Delivered(
                sent.PromptCommitment ?? Bytes32.Zero,
                isForgotten ? receipt.Message.OutputCommitment : Commitments.Output(salt.ToBytes(), ids),
                isForgotten ? receipt.Message.OutputTokens : isCrash ? Math.Max(total, open.IdsReceived) : total,
                null)
            : new Delivered(Bytes32.Zero, Bytes32.Zero, 0, null);
        var expected = Expect(open, offer, channel);
        var booked = await books.TakeAsync(receipt, expected, delivered, sent.AppRequest);
        LogChased(sent.Request, booked.Refusal?.Code ?? "held");
    }

    private ReceiptExpectation Expect(CustomerRequest open, Signed<Offer> offer, CustomerChannel channel)
    {
        var sent = open.Sent;
        return new ReceiptExpectation
        {
            RequestId = sent.Request,
            Index = sent.Index,
            ChannelId = sent.ChannelId,
            OfferHash = sent.OfferHash,
            Offer = offer.Message,
            NodeKey = offer.Signer(market.Domain) ?? Address.Zero,
            RequestCommitment = sent.RequestCommitment,
            GatewayNonce = sent.GatewayNonce,
            KnownNonce = channel.KnownNonce,
            KnownIndex = channel.KnownIndex,
            KeySource = sent.KeySource,
            Base = open.Base,
            Ceiling = channel.Ceiling,
            PromptTokens = sent.PromptTokens,
            MostCached = ulong.MaxValue,
            MostOutput = sent.MostOutput,
        };
    }

    private static Wire.PeerTarget? Target(Offer offer) => Peers.Target(offer).TryGet(out var target, out _) ? target : null;

    [LoggerMessage(Level = LogLevel.Information, Message = "The receipt of request {Request} was fetched: {Outcome}")]
    private partial void LogChased(RequestId request, string outcome);
}
