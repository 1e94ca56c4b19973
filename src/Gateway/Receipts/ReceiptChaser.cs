using Microsoft.Extensions.Logging;
using Souk.Gateway.Offers;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Receipts;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Receipts;

/// <summary>
/// Fetches the receipts of requests whose stream broke, or that were under way when the gateway stopped. Once the
/// provider answers again a receipt has to appear within the patience set, or its channel freezes.
/// </summary>
internal sealed partial class ReceiptChaser(
    GatewayOptions options,
    Journal<CustomerBook> journal,
    ReceiptBooks books,
    MarketView market,
    NodeClient nodes,
    TimeProvider time,
    ILogger<ReceiptChaser> log)
{
    private static readonly TimeSpan ReservationPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ReceiptsServed = TimeSpan.FromHours(24);
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterSilence = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AfterDispute = TimeSpan.FromMinutes(1);

    // A request is written down just before it is sent and its stream watched; to chase it in between would cancel it.
    private static readonly TimeSpan LeastAge = TimeSpan.FromSeconds(2);

    // A request may still be on its way to a provider that says it does not know it.
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromSeconds(10);
    private readonly Lock _guard = new();
    private readonly HashSet<RequestId> _live = [];
    private readonly Dictionary<RequestId, Standing> _standings = [];

    /// <summary>A request whose stream somebody reads; it is not chased.</summary>
    public void Watch(RequestId request)
    {
        lock (_guard)
        {
            _live.Add(request);
        }
    }

    /// <summary>Nobody reads the stream any more: if the request is still outstanding, its receipt is chased.</summary>
    public void Unwatch(RequestId request)
    {
        lock (_guard)
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

    /// <summary>One turn over everything that is outstanding, unwatched and due. All at once, so that a provider that
    /// takes its time holds up no other's receipts.</summary>
    public async Task ChaseAsync(CancellationToken cancellation)
    {
        List<CustomerRequest> due;
        var outstanding = journal.Durable.Unexplained();
        lock (_guard)
        {
            var now = Steady;
            due = [.. outstanding.Where(request => !_live.Contains(request.Sent.Request) && Age(request.Sent)
                .Duration() >= LeastAge
                && (!_standings.TryGetValue(request.Sent.Request, out var standing) || standing.NotBefore <= now))];
            foreach (var ended in _standings.Keys.Except(outstanding.Select(request => request.Sent.Request)).ToList())
            {
                _standings.Remove(ended);
            }
        }

        await Task.WhenAll(due.Select(request => ChaseAsync(request, cancellation)));
    }

    /// <summary>Waits for a request to be explained, as long as it is worth waiting. True when it was.</summary>
    public async Task<bool> WaitAsync(RequestId request, TimeSpan patience, CancellationToken cancellation)
    {
        var deadline = Steady + patience;
        while (journal.Durable.Outstanding.TryGetValue(request, out var open))
        {
            await ChaseAsync(open, cancellation);
            if (!journal.Durable.Outstanding.ContainsKey(request))
            {
                return true;
            }

            if (Steady >= deadline)
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

        var standing = StandingOf(sent.Request);
        var answer = await nodes.GetRequestAsync(target, sent.Request, cancellation);
        if (answer.TryGet(out var record, out var refusal) && record.Receipt is { } receipt)
        {
            await BookAsync(open, signed, record, receipt);
        }
        else if (refusal?.Code == "request_unknown")
        {
            await ForgetUnknownAsync(sent, standing);
        }
        else if (refusal is not null && IsSilence(refusal.Code))
        {
            standing.ReachableSince = null;
            standing.NotBefore = Steady + AfterSilence;
            await EndureSilenceAsync(sent);
            return;
        }
        else
        {
            await LosePatienceAsync(sent, standing, target, cancellation);
        }

        if (journal.Book.Channels[sent.ChannelId].State is CustomerChannelState.Frozen or CustomerChannelState.Closed)
        {
            // It may still be explained one day, but nothing waits for that any more.
            standing.NotBefore = Steady + AfterDispute;
        }
    }

    // A provider that is gone for good must hold neither an app's budget nor the owner's deposit for ever.
    private async Task EndureSilenceAsync(RequestSent sent)
    {
        var age = Age(sent);
        if (age >= ReservationPatience)
        {
            await books.ReleaseAsync(sent.AppRequest);
        }

        if (age >= ReceiptsServed)
        {
            await books.DisputeAsync(
                sent.Request, sent.ChannelId, sent.AppRequest,
                new Refusal(Fault.Theirs, "receipt_missing",
                    "The provider has not answered for as long as it serves receipts."),
                null);
        }
    }

    // Patience is counted by a clock that nobody sets.
    private DateTimeOffset Steady => DateTimeOffset.UnixEpoch + time.GetElapsedTime(0);

    private TimeSpan Age(RequestSent sent) =>
        time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds((long)sent.AtMs);

    private Standing StandingOf(RequestId request)
    {
        lock (_guard)
        {
            if (!_standings.TryGetValue(request, out var standing))
            {
                _standings[request] = standing = new Standing();
            }

            return standing;
        }
    }

    private async Task ForgetUnknownAsync(RequestSent sent, Standing standing)
    {
        standing.UnknownSince ??= Steady;
        if (Steady - standing.UnknownSince >= UnknownPatience)
        {
            await books.RefusedAsync(sent.Request, sent.ChannelId, sent.AppRequest, "request_unknown");
        }
    }

    private async Task LosePatienceAsync(
        RequestSent sent, Standing standing, PeerTarget target, CancellationToken cancellation)
    {
        if (standing.ReachableSince is not { } since)
        {
            standing.ReachableSince = Steady;
            // Nobody reads the answer, so no more of it is wanted.
            await nodes.CancelAsync(target, sent.Request, cancellation);
        }
        else if (Steady - since >= options.ReceiptPatience
            && journal.Book.Channels[sent.ChannelId].State == CustomerChannelState.Busy)
        {
            await books.DisputeAsync(
                sent.Request, sent.ChannelId, sent.AppRequest,
                new Refusal(Fault.Theirs, "receipt_missing",
                    "The provider answers, but has no receipt for a request that ended."),
                null);
        }
    }

    // Whoever answers anything at all, be it nonsense, is reachable, and its receipt is due.
    private static bool IsSilence(string code) => code is WireCodes.AddressRefused or WireCodes.BadEndpoint
        or WireCodes.ConnectFailed or WireCodes.ConnectTimeout or WireCodes.Disconnected or WireCodes.HeadersTimeout
        or WireCodes.IdleTimeout or WireCodes.NameNotResolved or WireCodes.PinMismatch or WireCodes.TlsFailed;

    private async Task BookAsync(
        CustomerRequest open, Signed<Offer> offer, RequestRecord record, Signed<Receipt> receipt)
    {
        var (sent, book) = (open.Sent, journal.Book);
        if (!book.Outstanding.ContainsKey(sent.Request))
        {
            // Somebody else has booked it meanwhile, and the channel may be at its next request.
            return;
        }

        var channel = book.Channels[sent.ChannelId];
        var isIds = offer.Message.Counting == CountingKinds.Ids;
        _ = Salt.TryParse(sent.Salt, out var salt);
        var ids = record.Choices.Select(choice => choice.Ids).ToList();
        var total = ids.Aggregate(0UL, (sum, choice) => sum + (ulong)choice.Count);
        var isCrash = receipt.Message.FinishReason == FinishReasons.Error && receipt.Message.OutputCommitment.IsZero;
        var delivered = isIds
            ? new Delivered(
                sent.PromptCommitment ?? Bytes32.Zero,
                Commitments.Output(salt.ToBytes(), ids),
                isCrash ? Math.Max(total, open.IdsReceived) : total,
                null)
            : new Delivered(Bytes32.Zero, Bytes32.Zero, 0, null);
        var expected = Expect(open, offer, channel);
        var booked = await books.TakeAsync(receipt, expected, delivered, sent.AppRequest);
        LogChased(sent.ChannelId, sent.Index, booked.Refusal?.Code ?? "held");
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

    /// <summary>How the chase of one request stands.</summary>
    private sealed class Standing
    {
        public DateTimeOffset NotBefore { get; set; }

        public DateTimeOffset? ReachableSince { get; set; }

        public DateTimeOffset? UnknownSince { get; set; }
    }

    private static PeerTarget? Target(Offer offer) => Peers.Target(offer).TryGet(out var target, out _) ? target : null;

    // Not by its id: whoever reads that in a log could read the answer at the provider.
    [LoggerMessage(
        Level = LogLevel.Information, Message =
            "The receipt of request {Index} on channel {Channel} was fetched: {Outcome}")]
    private partial void LogChased(Bytes32 channel, ulong index, string outcome);
}
