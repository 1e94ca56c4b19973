using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Gateway.Channels;

/// <summary>
/// Keeps the gateway's view of its channels equal to the chain's, freezes a channel on which more was claimed than the
/// receipts held explain, and takes the money of frozen channels back to the vault. A withdrawal that somebody else
/// began takes the channel out of use and is finished; a closed channel that holds money again is withdrawn again.
/// </summary>
internal sealed partial class ChannelWatch(
    GatewayOptions options,
    IMarketChain chain,
    Journal<CustomerBook> journal,
    ChannelPlanner planner,
    VaultActs vault,
    TimeProvider time,
    ILogger<ChannelWatch> log)
{
    private const int MostPerRead = 256;
    private const int MostReadAgain = 4_096;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadAgainEvery = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan AcceptancePatience = TimeSpan.FromMinutes(10);
    private readonly Dictionary<Bytes32, TimeSpan> _unacceptedSince = [];
    private static readonly TimeSpan WithdrawTurn = TimeSpan.FromSeconds(15);

    // Channels whose withdrawal the chain showed while a request was under way: noted once that has ended.
    private readonly ConcurrentDictionary<Bytes32, Amount> _leaving = new();

    /// <summary>The newest block seen.</summary>
    public Head Newest { get; private set; }

    /// <summary>Asks whom a channel pays for its money, which is at once where it is granted; set by the node. False
    /// where the chain has to give it.</summary>
    public Func<CustomerChannel, CancellationToken, Task<bool>>? AskBack { get; set; }

    /// <summary>Follows the chain until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var news in chain.FollowAsync([options.Vault], cancellation))
        {
            Newest = news.Newest;
            var known = journal.Book.Channels;
            IReadOnlyList<Bytes32> changed =
                news.IsReset ? [.. known.Keys] : [.. news.Channels.Where(known.ContainsKey)];
            while (changed.Count > 0 && await RefreshAsync(changed, cancellation) is { } refusal)
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

    /// <summary>Takes the money of frozen channels back, as far as the chain lets it, until cancelled.</summary>
    public async Task WithdrawAsync(CancellationToken cancellation)
    {
        while (true)
        {
            foreach (var id in journal.Book.Channels.Keys)
            {
                await journal.RecordAsync(book => (LedgerEvent[])
                [
                    .. Judge(book, id, book.Channels[id].Deposit, book.Channels[id].Claimed), .. Leave(book, id),
                ]);
                var channel = journal.Book.Channels[id];
                await (channel switch
                {
                    { State: CustomerChannelState.Frozen, IsWithdrawing: false } =>
                        StartWithdrawalAsync(channel, cancellation),
                    { State: CustomerChannelState.Unaccepted, IsWithdrawing: false } when IsUnwanted(id) =>
                        StartWithdrawalAsync(channel, cancellation),
                    { IsWithdrawing: true } => FinishWithdrawalAsync(channel, cancellation),
                    _ => Task.CompletedTask,
                });
            }

            await Task.Delay(WithdrawTurn, time, cancellation);
        }
    }

    // Nobody accepted it for a while: the money is better in the vault.
    private bool IsUnwanted(Bytes32 channel)
    {
        if (!_unacceptedSince.TryGetValue(channel, out var since))
        {
            _unacceptedSince[channel] = since = time.GetElapsedTime(0);
        }

        return time.GetElapsedTime(0) - since >= AcceptancePatience;
    }

    /// <summary>Starts taking an idle or frozen channel's unclaimed money back.</summary>
    public async Task<Refusal?> StartWithdrawalAsync(CustomerChannel channel, CancellationToken cancellation)
    {
        var amount = Amount.SubtractToZero(channel.Deposit, channel.Claimed);
        if (channel.State == CustomerChannelState.Closed
            || (amount.IsZero && channel.State == CustomerChannelState.Frozen))
        {
            return null;
        }

        // Written down first: from here on no voucher is signed on the channel, whatever becomes of the transaction.
        var refused = await journal.RecordAsync(book =>
            book.Channels[channel.Id] is { State: CustomerChannelState.Busy }
                ? new Refusal(Fault.Nobody, "channel_busy",
                    "A request is under way on the channel; try again when it has ended.")
                : book.Channels[channel.Id].IsWithdrawing
                    ? Array.Empty<LedgerEvent>()
                    : new LedgerEvent[] { new WithdrawalStarted(channel.Id, amount, Now()) });
        if (refused is not null)
        {
            return refused;
        }

        if (amount.IsZero)
        {
            // It closes; what a reorganisation brings back is withdrawn then.
            return null;
        }

        if (channel.Seller is not null && AskBack is { } askBack && await askBack(channel, cancellation))
        {
            return null;
        }

        var outcome = await vault.SubmitAsync(
            new VaultInitiateWithdraw(options.Vault, channel.Config, amount), Newest.Timestamp, cancellation);
        if (outcome.Refusal is { } refusal)
        {
            LogNotWithdrawn(channel.Id, refusal.Message);
        }

        return outcome.Refusal;
    }

    private async Task FinishWithdrawalAsync(CustomerChannel channel, CancellationToken cancellation)
    {
        var read = await chain.ChannelsAsync([channel.Id], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out _))
        {
            return;
        }

        if (states.At.Timestamp < Newest.Timestamp)
        {
            // A node that lags may not know the money yet, and an empty channel would be closed for good.
            return;
        }

        if (states.Value[0].Withdrawal is not { } pending)
        {
            // Never mined, or undone by a reorganisation: start again, unless all is claimed.
            if (states.Value[0].Available.IsZero)
            {
                await journal.RecordAsync(new WithdrawalFinished(channel.Id, Amount.Zero, Now()));
            }
            else
            {
                await vault.SubmitAsync(
                    new VaultInitiateWithdraw(options.Vault, channel.Config, states.Value[0].Available),
                    Newest.Timestamp, cancellation);
            }

            return;
        }

        if (states.At.Timestamp < pending.InitiatedAt + channel.Config.WithdrawDelay)
        {
            return;
        }

        var outcome = await vault.SubmitAsync(
            new VaultFinalizeWithdraw(options.Vault, channel.Config), Newest.Timestamp, cancellation);
        if (outcome.IsOk)
        {
            await journal.RecordAsync(new WithdrawalFinished(
                channel.Id, Amount.Min(pending.Amount, states.Value[0].Available), Now()));
        }
    }

    private async Task<Refusal?> RefreshAsync(IReadOnlyList<Bytes32> ids, CancellationToken cancellation)
    {
        foreach (var batch in ids.Chunk(MostPerRead))
        {
            var read = await chain.ChannelsAsync(batch, ReadPoint.Newest, cancellation);
            if (!read.TryGet(out var states, out var refusal))
            {
                return refusal;
            }

            if (states.At.Timestamp < Newest.Timestamp)
            {
                return new Refusal(
                    Fault.Nobody, "chain_behind",
                    "The chain's node answers with an older block than the news is of.");
            }

            foreach (var state in states.Value)
            {
                await SeeAsync(state);
            }
        }

        planner.Signal();
        return null;
    }

    private async Task SeeAsync(ChannelState state)
    {
        if (state.Withdrawal is { } pending)
        {
            _leaving[state.Id] = pending.Amount;
        }
        else
        {
            _leaving.TryRemove(state.Id, out _);
        }

        await journal.RecordAsync(book => book.Channels[state.Id].State == CustomerChannelState.Closed
            ? [.. Reopen(state)]
            : (LedgerEvent[])[.. Judge(book, state.Id, state.Balance, state.Claimed), .. Leave(book, state.Id)]);
    }

    // A reorganisation undid its end, or brought a deposit back.
    private IEnumerable<LedgerEvent> Reopen(ChannelState state)
    {
        if (!state.Available.IsZero)
        {
            yield return new ChannelBalanceSeen(state.Id, state.Balance, state.Claimed, Now());
            yield return new WithdrawalStarted(state.Id, state.Available, Now());
        }
    }

    // Whoever began the withdrawal, the provider takes no voucher any more.
    private IEnumerable<LedgerEvent> Leave(CustomerBook book, Bytes32 id)
    {
        if (_leaving.TryGetValue(id, out var amount) && book.Channels[id] is
            { IsWithdrawing: false, State: not (CustomerChannelState.Busy or CustomerChannelState.Closed) })
        {
            yield return new WithdrawalStarted(id, amount, Now());
        }
    }

    private IEnumerable<LedgerEvent> Judge(CustomerBook book, Bytes32 id, Amount balance, Amount claimed)
    {
        var channel = book.Channels[id];
        if (channel.State == CustomerChannelState.Closed)
        {
            yield break;
        }

        if (channel.Deposit != balance || channel.Claimed != claimed)
        {
            yield return new ChannelBalanceSeen(id, balance, claimed, Now());
        }

        // While a request is under way its receipt may be claimed before it reached us; it is judged again afterwards.
        var unexplained = Amount.SubtractToZero(claimed, channel.Base + channel.Loss);
        if (unexplained.IsZero || channel.State == CustomerChannelState.Busy)
        {
            yield break;
        }

        // What a lost purchase cost shows in the claim, up to what was signed for it.
        if (channel.State != CustomerChannelState.Frozen && claimed <= channel.Ceiling
            && book.Purchases.TryGetValue(id, out var lost))
        {
            yield return new PurchaseCharged(
                lost.Sent.Request, id, claimed - channel.Base, claimed, "chain", 0, 0, Now());
            yield break;
        }

        if (channel.State != CustomerChannelState.Frozen)
        {
            yield return new ChannelFrozen(
                id, "claimed_unexplained", "The chain shows more claimed than the receipts held.", null, Now());
        }

        yield return new LossBooked(id, null, unexplained, "claimed_unexplained", Now());
    }

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Count} channels could not be read again and will be retried: {Reason}")]
    private partial void LogUnread(int count, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The withdrawal from channel {Channel} will be tried again: {Reason}")]
    private partial void LogNotWithdrawn(Bytes32 channel, string reason);
}
