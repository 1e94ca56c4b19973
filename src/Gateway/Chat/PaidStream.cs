using System.Runtime.CompilerServices;
using Souk.Chain;
using Souk.Engines;
using Souk.Gateway.Channels;
using Souk.Gateway.Receipts;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Receipts;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>How a paid call ended for the app.</summary>
/// <param name="Bill">What the API key was billed; null while the receipt is still to come.</param>
/// <param name="Receipt">The receipt that was booked.</param>
/// <param name="Failure">Why the answer is not whole; null where it is.</param>
internal sealed record CallOutcome(Amount? Bill, Receipt? Receipt, Refusal? Failure);

/// <summary>
/// Sends a paid call, reads its stream, raises the ceiling while it streams, and books the receipt. What arrives goes
/// to the app at once; the gateway itself only counts and checks.
/// </summary>
internal sealed class PaidStream(
    GatewayOptions options,
    IMarketChain chain,
    Journal<CustomerBook> journal,
    NodeClient nodes,
    ReceiptBooks books,
    ReceiptChaser chaser,
    TrafficRecord traffic,
    TimeProvider time)
{
    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(30);
    private readonly EscrowDomain _escrow = chain.Network.EscrowDomain;

    /// <summary>Runs a call to its end. What arrives goes to <paramref name="app"/> at once.</summary>
    /// <param name="call">What was reserved and vouched for.</param>
    /// <param name="answer">Collects what arrives.</param>
    /// <param name="app">The app's side of a streamed answer; null where it wants the whole.</param>
    /// <param name="aborted">The app has gone: the provider is told to stop, and the receipt is still booked.</param>
    public async Task<CallOutcome> RunAsync(
        PaidCall call, Answer answer, AppStream? app, CancellationToken aborted)
    {
        chaser.Watch(call.Paid.Id);
        traffic.Begin(call.Verified.Offer, call.Plan.PromptTokens);
        try
        {
            return await SendAsync(call, answer, app, aborted);
        }
        finally
        {
            traffic.End(call.Verified.Offer);
            chaser.Unwatch(call.Paid.Id);
        }
    }

    private async Task<CallOutcome> SendAsync(
        PaidCall call, Answer answer, AppStream? app, CancellationToken aborted)
    {
        // The call is already paid for: an app that leaves stops the work, but never the reading of the receipt.
        using var reading = new CancellationTokenSource(options.LongestAnswer, time);
        var sent = await SendAsync(call, reading.Token);
        if (!sent.TryGet(out var reply, out var refusal))
        {
            return await NotSentAsync(call, refusal);
        }

        await using (reply)
        {
            if (reply.Error is { } error)
            {
                return await RefusedAsync(call, answer, reply, error.ToRefusal());
            }

            using var raises = new Raises(this, call, answer);
            using var leaving = aborted.UnsafeRegister(
                static state => ((Leaving)state!).Leave(), new Leaving(this, call, reading));
            var (receipt, failure) = call.Chat.Embedding is { } asked
                ? await VectorReply.ReadAsync(asked, answer, reply, reading.Token)
                : await ReadAsync(call, answer, reply, raises, app, reading.Token);
            // The bill takes its time to become durable, and what has arrived need not wait for it.
            await (app?.SendAsync() ?? default);
            return await EndAsync(call, answer, reply, receipt, failure);
        }
    }

    private async Task<Result<PaidReply>> SendAsync(PaidCall call, CancellationToken reading)
    {
        try
        {
            return await nodes.SendPaidAsync(call.Target, call.Paid, call.Body, reading);
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            return Late();
        }
    }

    private static async Task<(Signed<Receipt>? Receipt, Refusal? Failure)> ReadAsync(
        PaidCall call, Answer answer, PaidReply reply, Raises raises, AppStream? app,
        CancellationToken cancellation)
    {
        Refusal? failure = null;
        Signed<Receipt>? receipt = null;
        try
        {
            while (true)
            {
                var next = await NextAsync(reply, app, cancellation);
                switch (next.Kind)
                {
                    case PaidEventKind.Receipt:
                        receipt = next.Receipt;
                        break;
                    case PaidEventKind.Done:
                        return (receipt, failure);
                    case PaidEventKind.Broken:
                        return (receipt, receipt is null ? failure ?? next.Refusal : failure);
                    default:
                        failure = Take(answer, next.Data, raises, app) ?? failure;
                        if (failure is { Code: "choice_unknown" or "output_too_long" or "malformed_chunk" })
                        {
                            return (receipt, failure);
                        }

                        break;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return (receipt, failure ?? Late());
        }
    }

    private static Refusal Late() =>
        new(Fault.Theirs, "receipt_late", "The provider did not end the answer in time.");

    // What arrived together goes on together, as soon as nothing more is there.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<PaidEvent> NextAsync(
        PaidReply reply, AppStream? app, CancellationToken cancellation)
    {
        var next = reply.NextAsync(cancellation);
        if (app is not null && (app.IsFull || !next.IsCompleted))
        {
            await app.SendAsync();
        }

        return await next;
    }

    private static Refusal? Take(
        Answer answer, ReadOnlyMemory<byte> data, Raises raises, AppStream? app)
    {
        var parsed = ChatChunk.Parse(data.Span);
        if (!parsed.IsOk)
        {
            return new Refusal(Fault.Theirs, "malformed_chunk", parsed.Error.Message);
        }

        var chunk = parsed.Value;
        if (chunk.Error is { } error)
        {
            return new Refusal(Fault.Theirs, error.Code ?? "provider_error", error.Message);
        }

        if (answer.Take(chunk) is { } refusal)
        {
            return refusal;
        }

        raises.Consider();
        if (app is not null)
        {
            foreach (var part in chunk.Choices)
            {
                app.Add(part);
            }
        }

        return null;
    }

    private async Task<CallOutcome> NotSentAsync(PaidCall call, Refusal refusal)
    {
        // Only where the connection was never made is it sure that the provider has seen nothing.
        if (refusal.Code is WireCodes.ConnectFailed or WireCodes.ConnectTimeout or WireCodes.NameNotResolved
            or WireCodes.AddressRefused or WireCodes.PinMismatch or WireCodes.TlsFailed or WireCodes.BadEndpoint)
        {
            await books.RefusedAsync(call.Paid.Id, call.ChannelId, call.AppRequest, refusal.Code);
        }
        else
        {
            await books.ReleaseAsync(call.AppRequest);
        }

        return new CallOutcome(Amount.Zero, null, refusal with { Fault = Fault.Nobody });
    }

    private async Task<CallOutcome> RefusedAsync(PaidCall call, Answer answer, PaidReply reply, Refusal refusal)
    {
        if (reply.Receipt is { } receipt)
        {
            var booked = await books.TakeAsync(receipt, Expect(call, reply), Delivered(call, answer), call.AppRequest);
            return new CallOutcome(booked.IsOk ? booked.Value : Amount.Zero, null, booked.Refusal ?? refusal);
        }

        if (refusal.Code is "internal" or "request_repeated" or WireCodes.UnexpectedStatus or WireCodes.Malformed)
        {
            // It may have begun all the same: the chaser finds out. The app owes nothing for an error.
            await books.ReleaseAsync(call.AppRequest);
        }
        else if (IsOutOfStep(refusal.Code))
        {
            await books.DisputeAsync(call.Paid.Id, call.ChannelId, call.AppRequest, refusal, null);
        }
        else
        {
            await books.RefusedAsync(call.Paid.Id, call.ChannelId, call.AppRequest, refusal.Code);
        }

        return new CallOutcome(Amount.Zero, null, refusal);
    }

    // Both sides remember the channel differently, so it is never used again.
    private static bool IsOutOfStep(string code) =>
        code is "channel_unknown" or "channel_unaccepted" or "index_spent" or "voucher_lower"
        || code.EndsWith("_mismatch", StringComparison.Ordinal);

    private async Task<CallOutcome> EndAsync(
        PaidCall call, Answer answer, PaidReply reply, Signed<Receipt>? receipt, Refusal? failure)
    {
        if (receipt is null)
        {
            // The chaser fetches the receipt; until it has, the reservation stands.
            return new CallOutcome(null, null, failure
                ?? new Refusal(Fault.Theirs, "receipt_missing", "The answer ended without a receipt."));
        }

        if (answer.CheckText() is { } lie)
        {
            await books.DisputeAsync(call.Paid.Id, call.ChannelId, call.AppRequest, lie, receipt);
            return new CallOutcome(Amount.Zero, null, lie);
        }

        var booked = await books.TakeAsync(receipt, Expect(call, reply), Delivered(call, answer), call.AppRequest);
        return booked.TryGet(out var bill, out var refusal)
            ? new CallOutcome(bill, receipt.Message, failure)
            : new CallOutcome(Amount.Zero, null, refusal);
    }

    private static Delivered Delivered(PaidCall call, Answer answer)
    {
        var reason = answer.FinishReason;
        return call.PromptCommitment is { } prompt
            ? new Delivered(
                prompt,
                Commitments.Output(call.Paid.Salt.ToBytes(), [.. answer.Choices.Select(choice => choice.Ids)]),
                answer.Received, reason)
            : new Delivered(Bytes32.Zero, Bytes32.Zero, 0, reason);
    }

    private ReceiptExpectation Expect(PaidCall call, PaidReply reply) => new()
    {
        RequestId = call.Paid.Id,
        Index = call.Paid.Index,
        ChannelId = call.ChannelId,
        OfferHash = call.Paid.OfferHash,
        Offer = call.Verified.Offer,
        NodeKey = call.Verified.NodeKey,
        RequestCommitment = Commitments.Request(call.Paid.Salt.ToBytes(), call.Body.Span),
        GatewayNonce = call.Paid.GatewayNonce,
        KnownNonce = call.KnownNonce,
        KnownIndex = call.KnownIndex,
        OpenedNonce = reply.ProviderNonce,
        KeySource = KeySourceOf(call.Chat),
        Sampling = RequestSampling.Of(call.Chat),
        Base = call.Plan.Base,
        Ceiling = journal.Book.Channels[call.ChannelId].Ceiling,
        PromptTokens = call.Plan.PromptTokens,
        MostCached = traffic.PromptTokensSent(call.Verified.Offer.Provider, call.Plan.PromptTokens),
        MostOutput = call.Plan.OutputTokens,
    };

    /// <summary>Whose key an answer to this request is sampled by.</summary>
    public static string KeySourceOf(ChatRequest chat) => chat.Seed is null ? KeySources.TwoParty : KeySources.AppSeed;

    /// <summary>Tells the provider to stop, and gives it a bounded time to end with a receipt.</summary>
    private sealed class Leaving(PaidStream stream, PaidCall call, CancellationTokenSource reading)
    {
        public void Leave() => _ = LeaveAsync();

        private async Task LeaveAsync()
        {
            try
            {
                await stream.Nodes.CancelAsync(call.Target, call.Paid.Id, CancellationToken.None);
                await Task.Delay(CancelPatience, stream.Time, reading.Token);
                reading.Cancel();
            }
            catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException)
            {
                // The stream has ended meanwhile, which is what was wanted.
            }
        }
    }

    private NodeClient Nodes => nodes;

    private TimeProvider Time => time;

    /// <summary>Raises the ceiling beside the stream: one raise at a time, each durable before it leaves.</summary>
    private sealed class Raises(PaidStream stream, PaidCall call, Answer answer) : IDisposable
    {
        private const string Ended = "request_ended";
        private readonly CancellationTokenSource _over = new();
        private Amount _ceiling = call.Paid.Voucher.MaxClaimable;
        private volatile bool _isRaising;
        private volatile bool _isRefused;

        public void Consider()
        {
            if (!_isRaising && !_isRefused && call.Plan.Next(_ceiling, answer.Received) is not null)
            {
                _isRaising = true;
                _ = RaiseAsync();
            }
        }

        public void Dispose()
        {
            _over.Cancel();
            _over.Dispose();
        }

        // What arrived during one raise may call for the next at once: the provider may wait for it, and send nothing
        // more that would bring us here again.
        private async Task RaiseAsync()
        {
            try
            {
                while (!_isRefused && call.Plan.Next(_ceiling, answer.Received) is { } ceiling
                    && await RaiseAsync(ceiling, answer.Received))
                {
                }
            }
            catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException)
            {
                _isRefused = true;
            }
            finally
            {
                _isRaising = false;
            }
        }

        // False ends the trying: for good where the answer ended or the provider declined, and until more arrives
        // where too much is at risk. If that stays so, the provider ends the answer at the covered token.
        private async Task<bool> RaiseAsync(Amount ceiling, ulong received)
        {
            var voucher = Voucher.Sign(stream.Options.HotKey, stream._escrow, call.ChannelId, ceiling);
            var refused = await stream.Journal.RecordAsync(book => Judge(book, ceiling) is { } refusal
                ? refusal
                : new LedgerEvent[] { new VoucherIssued(
                    voucher, call.Paid.Id, call.Paid.Index, received, stream.Now()) });
            if (refused is not null)
            {
                _isRefused = refused.Code == Ended;
                return false;
            }

            _ceiling = ceiling;
            var outcome = await stream.Nodes.RaiseAsync(
                call.Target, call.Paid.Id, new VoucherRaise(voucher, received), _over.Token);
            _isRefused = !(outcome.IsOk && outcome.Value.IsTaken);
            return !_isRefused;
        }

        private Refusal? Judge(CustomerBook book, Amount ceiling) =>
            book.Outstanding.ContainsKey(call.Paid.Id)
            && book.Channels[call.ChannelId] is { State: CustomerChannelState.Busy } channel
            && channel.Request == call.Paid.Id
                ? AtRisks.Check(book, channel, ceiling, stream.Options.Caps)
                : new Refusal(Fault.Nobody, Ended, "The answer ended before the raise.");
    }

    private GatewayOptions Options => options;

    private Journal<CustomerBook> Journal => journal;

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
}
