using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>A refund that is on the chain.</summary>
internal sealed record Refunded(Bytes32? Transaction, Amount Amount);

/// <summary>
/// Gives plain x402 clients back what they did not spend. A refund is written down before it is sent, and until the
/// chain has told how it ended the channel serves nothing: no work is done for money that is on its way out.
/// </summary>
internal sealed partial class Refunds : IDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);
    private readonly ProviderOptions _options;
    private readonly IMarketChain _chain;
    private readonly Journal<ProviderBook> _journal;
    private readonly ChainWatch _watch;
    private readonly ChannelStates _states;
    private readonly TimeProvider _time;
    private readonly ILogger<Refunds> _log;
    private readonly EscrowDomain _escrow;
    private readonly OpeningRate<Address> _payers;
    private readonly OpeningRate<string> _peers;
    // One at a time: they share the gas key's queue, and nobody looks after a refund that somebody else is sending.
    private readonly SemaphoreSlim _turn = new(1, 1);
    private TaskCompletionSource _unended = new();

    public Refunds(
        ProviderOptions options, IMarketChain chain, Journal<ProviderBook> journal, ChainWatch watch,
        ChannelStates states, TimeProvider time, ILogger<Refunds> log)
    {
        (_options, _chain, _journal, _watch) = (options, chain, journal, watch);
        (_states, _time, _log) = (states, time, log);
        _escrow = new EscrowDomain(chain.Network.ChainId, chain.Network.Escrow);
        _payers = new(options.OpeningsPerPayerAndHour, time);
        _peers = new(options.OpeningsPerPeerAndHour, time);
    }

    /// <summary>Makes a refund to its end.</summary>
    /// <param name="payload">What is asked; its terms and signature are checked already.</param>
    /// <param name="peer">Who asks, as the wire names it.</param>
    public async Task<(Refunded? Done, PaymentFailure? Failure)> MakeAsync(RefundPayload payload, string peer)
    {
        var id = payload.Voucher.ChannelId;
        // What costs nothing first: a stranger with an old voucher is told so without gas and without the chain.
        if (Judge(_journal.Book, payload, out _) is { } unfit)
        {
            return (null, unfit);
        }

        if (!_peers.TryTake(peer) || !_payers.TryTake(payload.Config.Payer))
        {
            return (null, new(429, "too_many_refunds",
                "Too many refunds were made from there within an hour; try later, or withdraw on the chain."));
        }

        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            if (await BeginAsync(payload) is { } failure)
            {
                return (null, failure);
            }

            var amount = _journal.Book.Channels[id].Refunding!.Amount;
            return await EndAsync(id) switch
            {
                { IsRefunded: true } ended => (new Refunded(ended.Transaction, amount), null),
                { IsRefunded: false } => (null, PaymentFailure.Of(
                    X402Errors.RefundFailed, "The escrow does not make this refund.")),
                null => (null, new(503, "refund_pending",
                    "The refund was sent and the chain has not told yet how it ended; look at the channel later.")),
            };
        }
        finally
        {
            _turn.Release();
            if (Open().Count > 0)
            {
                _unended.TrySetResult();
            }
        }
    }

    /// <summary>Looks after refunds of which the end is not known, such as those that a crash left, until
    /// cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var unended = _unended.Task;
            if (Open().Count == 0)
            {
                await unended.WaitAsync(cancellation);
                _unended = new TaskCompletionSource();
                continue;
            }

            await LookAsync();
            await Task.Delay(LookAgain, _time, cancellation);
        }
    }

    public void Dispose() => _turn.Dispose();

    private List<Bytes32> Open() =>
        [.. _journal.Durable.Channels.Values.Where(one => one.Refunding is not null).Select(one => one.Id)];

    private async Task LookAsync()
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            foreach (var id in Open())
            {
                await EndAsync(id);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<PaymentFailure?> BeginAsync(RefundPayload payload)
    {
        var id = payload.Voucher.ChannelId;
        if (await _watch.RefreshAsync([id], CancellationToken.None) is { } unread)
        {
            return PaymentFailure.Of(unread);
        }

        if (!(await _states.ReadAsync(id, CancellationToken.None)).TryGet(out var state, out var refusal))
        {
            return PaymentFailure.Of(refusal);
        }

        PaymentFailure? failure = null;
        var refused = await _journal.RecordAsync(book =>
        {
            failure = Judge(book, payload, out var amount);
            return failure is null
                ? new LedgerEvent[] { new RefundSubmitted(id, amount, state.RefundNonce, Now()) }
                : (Result<LedgerEvent[]>)new Refusal(Fault.Theirs, failure.Code, failure.Message);
        });
        return refused is null ? null : failure;
    }

    // How much goes back: all that was not charged, or the part that was asked for. What was charged stays in the
    // channel to be claimed.
    private static PaymentFailure? Judge(ProviderBook book, RefundPayload payload, out Amount amount)
    {
        amount = Amount.Zero;
        if (book.Channels.GetValueOrDefault(payload.Voucher.ChannelId) is not { } channel)
        {
            return PaymentFailure.Of(X402Errors.ChannelNotFound, "This provider does not know the channel.");
        }

        if (channel.Request is not null || channel.Refunding is not null)
        {
            return PaymentFailure.Of(X402Errors.Busy, "A request or a refund is under way on the channel.");
        }

        if (payload.Voucher.MaxClaimable != channel.Base)
        {
            return PaymentFailure.OutOfStep(channel.Base, Amount.Zero);
        }

        var rest = Amount.SubtractToZero(channel.Deposit, Amount.Max(channel.Base, channel.Claimed));
        if (rest.IsZero)
        {
            return PaymentFailure.Of(X402Errors.RefundNothing, "Nothing is left in the channel.");
        }

        amount = payload.Amount ?? rest;
        return amount.IsZero || amount > rest
            ? PaymentFailure.Of(X402Errors.RefundAmount, $"A refund is above 0 and at most {rest}.")
            : null;
    }

    // The signature is for one refund nonce, so sending it again never pays twice. Null while the end is not known.
    private async Task<(bool IsRefunded, Bytes32? Transaction)?> EndAsync(Bytes32 id)
    {
        var channel = _journal.Book.Channels[id];
        if (await TellAsync(channel, null) is { } ended)
        {
            return ended;
        }

        var refund = channel.Refunding!;
        var signature = RefundAuthorisation.Sign(
            _options.AuthorizerKey, _escrow, id, refund.Nonce, refund.Amount);
        var outcome = await _chain.Account(_options.GasKey).SubmitAsync(
            new Refund(channel.Config, refund.Amount, new RefundAuthority(refund.Nonce, signature)),
            CancellationToken.None);
        if (outcome.TryGet(out var mined, out var refusal))
        {
            return await TellAsync(channel, mined.Hash);
        }

        LogNotEnded(id, refusal.Message);
        if (await TellAsync(channel, null) is { } late)
        {
            return late;
        }

        // Only where the escrow refuses it for another reason than its nonce will it never happen.
        if (ChainRefusals.RevertName(refusal) is null or "InvalidRefundNonce")
        {
            return null;
        }

        await _journal.RecordAsync(new RefundEnded(id, false, null, Now()));
        return (false, null);
    }

    // The refund has happened when the chain's nonce has passed its own, and the channel is free again when the book
    // has the balance that it left.
    private async Task<(bool IsRefunded, Bytes32? Transaction)?> TellAsync(ProviderChannel channel, Bytes32? hash)
    {
        if (!(await _states.ReadAsync(channel.Id, CancellationToken.None)).TryGet(out var state, out _)
            || state.RefundNonce <= channel.Refunding!.Nonce
            || await _watch.RefreshAsync([channel.Id], CancellationToken.None) is not null
            || _journal.Book.Channels[channel.Id].Deposit > state.Balance)
        {
            return null;
        }

        await _journal.RecordAsync(new RefundEnded(channel.Id, true, hash, Now()));
        LogRefunded(channel.Refunding.Amount, channel.Id);
        return (true, hash);
    }

    private ulong Now() => (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
}
