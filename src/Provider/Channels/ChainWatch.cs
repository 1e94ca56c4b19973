using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;

namespace Souk.Provider.Channels;

/// <summary>
/// Keeps the book's view of its channels equal to the chain's. News is a hint to read again; what is written down is
/// what was read. A withdrawal that begins is told to whoever listens, since the money must be claimed before it
/// leaves.
/// </summary>
internal sealed partial class ChainWatch(
    IMarketChain chain, Journal<ProviderBook> journal, TimeProvider time, ILogger<ChainWatch> log)
    : IDisposable
{
    private const int MostPerRead = 256;
    private const int MostReads = 5;
    private const int MostReadAgain = 4_096;
    private const string Behind = "chain_behind";
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadAgainEvery = TimeSpan.FromMinutes(2);
    private readonly Lock _guard = new();
    // What is read is written down before the next read begins: of two reads at once, the older could be written last.
    // Waited for without a token, so that the wait ends on the caller's context; its holders heed the cancellation.
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Dictionary<Bytes32, ulong> _readAt = [];
    private readonly Dictionary<Bytes32, ulong> _deadlines = [];
    private Head _newest;

    /// <summary>The newest block seen.</summary>
    public Head Newest
    {
        get
        {
            lock (_guard)
            {
                return _newest;
            }
        }
    }

    /// <summary>When the pending withdrawal of a channel can be finished, in Unix seconds; null where none
    /// is.</summary>
    public ulong? Deadline(Bytes32 channel)
    {
        lock (_guard)
        {
            return _deadlines.TryGetValue(channel, out var deadline) ? deadline : null;
        }
    }

    /// <summary>Fires with a channel on which a withdrawal has begun.</summary>
    public event Action<Bytes32>? WithdrawalSeen;

    /// <summary>Tells the withdrawal again once there is more to claim before the money leaves.</summary>
    public void Remind(Bytes32 channel)
    {
        if (journal.Book.Channels[channel].IsWithdrawing)
        {
            WithdrawalSeen?.Invoke(channel);
        }
    }

    /// <summary>Fires with a channel of which more is confirmed than before.</summary>
    public event Action<Bytes32>? DepositConfirmed;

    /// <summary>Reads all channels of the book once; what a start must do before it sells.</summary>
    public async Task<Refusal?> SynchroniseAsync(CancellationToken cancellation)
    {
        var head = await chain.HeadAsync(ReadPoint.Newest, cancellation);
        if (!head.TryGet(out var newest, out var refusal))
        {
            return refusal;
        }

        Note(newest);
        return await RefreshAsync([.. journal.Book.Channels.Keys], cancellation, reset: newest);
    }

    /// <summary>Follows the chain until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var news in chain.FollowAsync([], cancellation))
        {
            Note(news.Newest);
            var known = journal.Book.Channels;
            List<Bytes32> changed = news.IsReset ? [.. known.Keys] : [.. news.Channels.Where(known.ContainsKey)];
            var reset = news.IsReset ? news.Newest : (Head?)null;
            while (changed.Count > 0 && await RefreshAsync(changed, cancellation, reset: reset) is { } refusal)
            {
                LogUnread(changed.Count, refusal.Message);
                await Task.Delay(RetryAfter, time, cancellation);
            }
        }
    }

    /// <summary>Reads channels again at every turn until cancelled, so that what a node of another branch showed is
    /// believed for minutes and never for good.</summary>
    public async Task ReadAgainAsync(CancellationToken cancellation)
    {
        var last = Bytes32.Zero;
        while (true)
        {
            await Task.Delay(ReadAgainEvery, time, cancellation);
            List<Bytes32> ids =
                [.. journal.Book.Channels.Keys.Where(id => id.CompareTo(last) > 0).Take(MostReadAgain)];
            last = ids.Count < MostReadAgain ? Bytes32.Zero : ids[^1];
            if (ids.Count > 0 && await RefreshAsync(ids, cancellation) is { } refusal)
            {
                LogUnread(ids.Count, refusal.Message);
            }
        }
    }

    /// <summary>
    /// Reads channels and writes down what changed; also brings a new channel into the book. A node that lags shows an
    /// older state than was written down, in which a withdrawal may not have begun yet: it is asked again, then
    /// refused.
    /// </summary>
    /// <param name="ids">The channels.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <param name="unknown">The configuration of a channel that may not be in the book yet.</param>
    /// <param name="reset">Blocks were replaced up to this one, so what is read there counts, old as it may be.</param>
    public async Task<Refusal?> RefreshAsync(
        IReadOnlyList<Bytes32> ids, CancellationToken cancellation, ChannelConfig? unknown = null, Head? reset = null)
    {
        foreach (var batch in ids.Chunk(MostPerRead))
        {
            var refusal = await ReadAsync(batch, unknown, reset, cancellation);
            for (var reads = 1; refusal?.Code == Behind && reads < MostReads; reads++)
            {
                await Task.Delay(RetryAfter, time, cancellation);
                refusal = await ReadAsync(batch, unknown, reset, cancellation);
            }

            if (refusal is not null)
            {
                return refusal;
            }
        }

        return null;
    }

    public void Dispose() => _turn.Dispose();

    private async Task<Refusal?> ReadAsync(
        Bytes32[] batch, ChannelConfig? unknown, Head? reset, CancellationToken cancellation)
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            var newest = await chain.ChannelsAsync(batch, ReadPoint.Newest, cancellation);
            var confirmed = await chain.ChannelsAsync(batch, ReadPoint.Confirmed, cancellation);
            if (!newest.TryGet(out var now, out var refusal) || !confirmed.TryGet(out var sure, out refusal))
            {
                return refusal;
            }

            if (batch.Any(id => now.At.Timestamp < (reset?.Timestamp ?? _readAt.GetValueOrDefault(id))))
            {
                return new Refusal(
                    Fault.Nobody, Behind,
                        "The chain's node answers with an older block than before; try again shortly.");
            }

            Note(now.At);
            for (var i = 0; i < batch.Length; i++)
            {
                await WriteDownAsync(now.At, now.Value[i], sure.Value[i], unknown);
                await WriteOffAsync(now.Value[i], sure.Value[i]);
                if (journal.Book.Channels.ContainsKey(batch[i]))
                {
                    _readAt[batch[i]] = now.At.Timestamp;
                }
            }

            return null;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task WriteDownAsync(Head at, ChannelState newest, ChannelState confirmed, ChannelConfig? unknown)
    {
        var known = journal.Book.Channels.GetValueOrDefault(newest.Id);
        if (known is null && newest.Balance.IsZero)
        {
            // A channel costs a row for ever, so it has to exist on the chain first.
            return;
        }

        var config = known?.Config ?? unknown
            ?? throw new InvalidOperationException($"Channel {newest.Id} is in no book and has no configuration.");
        var isWithdrawing = newest.Withdrawal is not null;
        NoteDeadline(newest, config);
        var sure = Amount.Min(newest.Balance, confirmed.Balance);
        var isSame = known is not null && known.Deposit == newest.Balance && known.ConfirmedDeposit == sure
            && known.Claimed == newest.Claimed && known.IsWithdrawing == isWithdrawing;
        if (isSame)
        {
            return;
        }

        await journal.RecordAsync(new ChannelSeen(
            newest.Id, config, newest.Balance, sure, newest.Claimed, isWithdrawing, at.Number,
            (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()));
        if (known is not null && sure > known.ConfirmedDeposit)
        {
            DepositConfirmed?.Invoke(newest.Id);
        }

        if (isWithdrawing && known is not { IsWithdrawing: true })
        {
            LogWithdrawal(newest.Id);
            WithdrawalSeen?.Invoke(newest.Id);
        }
    }

    // A withdrawal that was paid out leaves less in the channel than was earned: that part is lost, and booked once.
    // Both balances have to say so, so that neither a missing confirmation nor a reorganisation looks like a loss.
    private async Task WriteOffAsync(ChannelState newest, ChannelState confirmed)
    {
        if (journal.Book.Channels.GetValueOrDefault(newest.Id) is not { } known
            || known.Unbooked(newest.Balance, confirmed.Balance).IsZero)
        {
            return;
        }

        await journal.RecordAsync(book =>
        {
            var lost = book.Channels[newest.Id].Unbooked(newest.Balance, confirmed.Balance);
            return lost.IsZero
                ? []
                : new LedgerEvent[]
                {
                    new LossBooked(
                        newest.Id, null, lost, "withdrawn", (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()),
                };
        });
        LogLost(newest.Id);
    }

    private void NoteDeadline(ChannelState newest, ChannelConfig config)
    {
        lock (_guard)
        {
            _deadlines.Remove(newest.Id);
            if (newest.Withdrawal is { } withdrawal)
            {
                _deadlines.Add(newest.Id, withdrawal.InitiatedAt + config.WithdrawDelay);
            }
        }
    }

    private void Note(Head head)
    {
        lock (_guard)
        {
            _newest = head.Timestamp >= _newest.Timestamp ? head : _newest;
        }
    }
}
