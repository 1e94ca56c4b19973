using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Market.Vouchers;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Requests;

/// <summary>Serves paid requests from voucher to receipt, and what customers ask about them meanwhile and
/// afterwards.</summary>
internal sealed partial class RequestDesk : IDisposable
{
    private const int PaymentRequired = 402;
    private readonly Admission _admission;
    private readonly ReceiptDesk _receipts;
    private readonly Journal<ProviderBook> _journal;
    private readonly TimeProvider _time;
    private readonly ILogger<RequestDesk> _log;
    private readonly ChainWatch _watch;
    private readonly ConcurrentDictionary<RequestId, PaidWork> _running = new();
    private readonly Dictionary<Bytes32, int> _busy = [];

    public RequestDesk(
        Admission admission, ReceiptDesk receipts, Journal<ProviderBook> journal, ChainWatch watch, TimeProvider time,
        ILogger<RequestDesk> log)
    {
        (_admission, _receipts, _journal, _watch, _time, _log) = (admission, receipts, journal, watch, time, log);
        _watch.WithdrawalSeen += CloseCover;
        _watch.DepositConfirmed += WidenCover;
    }

    /// <summary>Requests under way.</summary>
    public int Running => _running.Count;

    /// <summary>Signs a receipt for each request that a crash left open.</summary>
    public async Task<int> RecoverAsync()
    {
        var open = _journal.Book.Open();
        foreach (var request in open)
        {
            await _receipts.SignAfterCrashAsync(request);
        }

        return open.Count;
    }

    /// <summary>POST: a paid request.</summary>
    public async Task ServeAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (!PaidRequest.Parse(request.Headers).TryGet(out var paid, out var refusal))
        {
            await RefuseAsync(response, refusal, PaymentRequired, aborted);
            return;
        }

        var result = _admission.Admit(paid with { Path = request.Path }, request.Body);
        if (!result.TryGet(out var admission, out refusal))
        {
            await RefuseAsync(response, refusal, StatusOf(refusal), aborted);
            return;
        }

        await ServeAsync(admission.Admitted, admission.Cover, response, aborted);
    }

    /// <summary>Works on a request that was admitted, up to the receipt. That the prompt was read is written with a
    /// raise, with the receipt, or after a second by itself: a crash before that charges nothing for it.</summary>
    public async Task ServeAsync(Admitted admitted, CoverGate cover, IWireResponse response, CancellationToken aborted)
    {
        var id = admitted.Paid.Id;
        using PaidWork run = admitted.Chat.Embedding is null
            ? new PaidRun(admitted, cover, response, _time)
            {
                Prefilling = (prompt, commitment) => _journal.Defer(new PrefillBegun(
                    id, (ulong)prompt.Input, (ulong)prompt.Cached, commitment, Now())),
                Lasting = () => _ = _journal.RecordAsync(),
            }
            : new PaidEmbedding(admitted, cover, response, _time);
        _running[id] = run;
        await AnswerAsync(run, response, aborted);
    }

    /// <summary>PUT: a higher voucher for a request under way.</summary>
    public async Task RaiseAsync(RequestId id, WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (!VoucherRaise.Parse(request.Body).TryGet(out var raise, out var refusal))
        {
            await RefuseAsync(response, refusal, null, aborted);
            return;
        }

        if (!_running.TryGetValue(id, out var run))
        {
            await RefuseEndedAsync(id, response, aborted);
            return;
        }

        var view = _admission.View();
        var result = await _journal.RecordAsync<Souk.Market.Vouchers.Cover>(book =>
        {
            var channel = book.Channels[run.Admitted.ChannelId];
            if (!book.Requests.TryGetValue(id, out var known) || !known.IsOpen)
            {
                return new Refusal(Fault.Theirs, "request_ended", "The answer has ended; its receipt says how.");
            }

            var answer = new OpenAnswer(run.Input, run.Cached, run.Generated, known.IdsReceived);
            var judged = RaiseRules.Accept(
                view, run.Admitted.Offer, Admission.Seen(channel), channel.Config, answer, raise.Voucher,
                    raise.IdsReceived);
            return judged.TryGet(out var cover, out var refused)
                && (refused = _admission.CheckExposure(book, channel, cover)) is null
                ? (new LedgerEvent[] { new VoucherAccepted(raise.Voucher, id, raise.IdsReceived, Now()) }, cover)
                : refused;
        });
        if (result.TryGet(out var covered, out refusal))
        {
            run.Cover.Raise(covered.Usable);
            await response.SendJsonAsync(200, "{}"u8.ToArray(), aborted);
        }
        else if (refusal.Code == "request_ended")
        {
            await RefuseEndedAsync(id, response, aborted);
        }
        else
        {
            await RefuseAsync(response, refusal, StatusOf(refusal), aborted);
        }
    }

    /// <summary>DELETE: stops a request at the next token. Its receipt still comes on the stream.</summary>
    public async Task CancelAsync(RequestId id, IWireResponse response, CancellationToken aborted)
    {
        if (_running.TryGetValue(id, out var run))
        {
            run.Cancel();
            await response.SendJsonAsync(202, "{}"u8.ToArray(), aborted);
            return;
        }

        await RefuseEndedAsync(id, response, aborted);
    }

    /// <summary>GET: what became of a request.</summary>
    public async Task TellAsync(RequestId id, IWireResponse response, CancellationToken aborted)
    {
        if (_running.TryGetValue(id, out var run))
        {
            await run.Admitted.Accepted.WaitAsync(aborted);
            var running = new RequestRecord(id, RequestState.Running, run.Choices(), null);
            await response.SendJsonAsync(200, running.ToJson(), aborted);
            return;
        }

        if (_journal.Durable.Requests.GetValueOrDefault(id) is { Receipt: { } receipt })
        {
            var choices = await AnswerShelf.FindAsync(_journal.Ledger, id, aborted);
            var ended = new RequestRecord(id, RequestState.Ended, choices, receipt);
            await response.SendJsonAsync(200, ended.ToJson(), aborted);
            return;
        }

        await RefuseAsync(response, Unknown(), 404, aborted);
    }

    public void Dispose()
    {
        _watch.WithdrawalSeen -= CloseCover;
        _watch.DepositConfirmed -= WidenCover;
    }

    private async Task AnswerAsync(PaidWork run, IWireResponse response, CancellationToken aborted)
    {
        var admitted = run.Admitted;
        var isPlaced = TryEnter(admitted);
        try
        {
            await (isPlaced ? run.RunAsync(aborted) : run.RefuseAsync(Busy()));
        }
        finally
        {
            if (isPlaced)
            {
                Leave(admitted.Offer.ModelDigest);
            }
        }

        if (run.Bug is { } bug)
        {
            LogEngineBug(bug);
        }

        await admitted.Accepted;
        var receipt = await _receipts.SignAsync(run);
        _running.TryRemove(admitted.Paid.Id, out _);
        _watch.Remind(admitted.ChannelId);
        LogServed(
            admitted.Paid.Id, receipt.Message.InputTokens + receipt.Message.CachedTokens, receipt.Message.OutputTokens,
            receipt.Message.FinishReason, receipt.Message.Charge);
        if (await run.TryEndAsync(receipt))
        {
            return;
        }

        var refusal = run.Failure ?? new Refusal(Fault.Ours, "ended_early", "The answer ended before it began.");
        var headers = new WireHeaders(2) { { SoukHeaders.Receipt, ReceiptText.ToHeader(receipt) } };
        headers[SoukHeaders.ProviderNonce] = admitted.ProviderNonce.ToString();
        await response.SendErrorAsync(WireError.From(refusal, StatusOf(refusal)), aborted, headers);
    }

    private bool TryEnter(Admitted admitted)
    {
        lock (_busy)
        {
            var busy = _busy.GetValueOrDefault(admitted.Offer.ModelDigest);
            if (busy >= admitted.Sale.Concurrency)
            {
                return false;
            }

            _busy[admitted.Offer.ModelDigest] = busy + 1;
            return true;
        }
    }

    private void Leave(Bytes32 model)
    {
        lock (_busy)
        {
            _busy[model]--;
        }
    }

    private void CloseCover(Bytes32 channel)
    {
        foreach (var run in _running.Values.Where(run => run.Admitted.ChannelId == channel))
        {
            run.Cover.Close();
        }
    }

    // Vouchers that were taken while the deposit had too few confirmations count in full from now on.
    private void WidenCover(Bytes32 id)
    {
        var channel = _journal.Durable.Channels[id];
        foreach (var run in _running.Values.Where(run => run.Admitted.ChannelId == id))
        {
            run.Cover.Raise(Admission.Seen(channel).Usable(channel.Ceiling, Amount.Zero));
        }
    }

    private async Task RefuseEndedAsync(RequestId id, IWireResponse response, CancellationToken aborted)
    {
        if (_journal.Durable.Requests.GetValueOrDefault(id) is not { Receipt: { } receipt })
        {
            await RefuseAsync(response, Unknown(), 404, aborted);
            return;
        }

        var headers = new WireHeaders(1) { { SoukHeaders.Receipt, ReceiptText.ToHeader(receipt) } };
        var ended = new WireError(409, "request_ended", "The answer has ended; its receipt says how.", Fault.Nobody);
        await response.SendErrorAsync(ended, aborted, headers);
    }

    private async Task RefuseAsync(IWireResponse response, Refusal refusal, int? status, CancellationToken aborted)
    {
        LogRefused(refusal.Code);
        await response.SendErrorAsync(WireError.From(refusal, status), aborted);
    }

    /// <summary>The status of a refusal; null for the usual one of its fault.</summary>
    public static int? StatusOf(Refusal refusal) => refusal.Code switch
    {
        "voucher_below_slice" or "voucher_above_deposit" or "channel_unknown" or "voucher_too_small" => PaymentRequired,
        "request_repeated" or "channel_busy" or "index_spent" => 409,
        "busy" or "engine_busy" => 503,
        _ => null,
    };

    private static Refusal Busy() =>
        new(Fault.Ours, "busy", "All places for this model are taken; try again shortly or elsewhere.");

    private static Refusal Unknown() =>
        new(Fault.Theirs, "request_unknown", "This provider has no record of such a request within the last 24 hours.");

    private ulong Now() => (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
}
