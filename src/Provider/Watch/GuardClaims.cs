using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Market.Claims;
using Souk.Protocol;
using Souk.Provider.Claims;

namespace Souk.Provider.Watch;

/// <summary>A channel that a customer withdraws from while its provider has not claimed.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Value">What the held claim saves.</param>
/// <param name="Deadline">When the withdrawal can be finished, in Unix seconds.</param>
/// <param name="IsDue">True once this watchtower claims it.</param>
public sealed record GuardedWithdrawal(Bytes32 ChannelId, Amount Value, ulong Deadline, bool IsDue);

/// <summary>
/// Sends the claims that are due, several in one transaction. Whether they are needed is read from the chain each time,
/// so neither a restart nor a reorganisation nor a provider that claims after all needs any care: a claim of what is
/// claimed already does nothing.
/// </summary>
internal sealed partial class GuardClaims(
    WatchOptions options, IMarketChain chain, Journal<WatchBook> journal, GuardedChannels channels, GuardDesk desk,
    TimeProvider time, ILogger<GuardClaims> log)
{
    private const int MostAttempts = 3;
    private static readonly ClaimRules Rules = new() { Batch = 20 };
    private readonly SetAside _aside = new(time);
    private readonly Lock _guard = new();
    private readonly Queue<MeasuredClaim> _measured = new();
    private ulong? _tryingSinceMs;
    private Amount _claimed;

    /// <summary>Rows that would revert.</summary>
    public IReadOnlyList<SetAsideRow> SetAside => _aside.All;

    /// <summary>What was claimed since the start.</summary>
    public Amount Claimed
    {
        get
        {
            lock (_guard)
            {
                return _claimed;
            }
        }
    }

    /// <summary>Seconds that a claim needs, by what claims took.</summary>
    public ulong MarginSeconds
    {
        get
        {
            lock (_guard)
            {
                return ClaimMargin.Seconds(_measured, NowMs(), chain.Network.BlockTime, chain.Network.Confirmations);
            }
        }
    }

    private IMarketAccount Account => chain.Account(options.GasKey);

    /// <summary>The pending withdrawals whose channels are worth a claim.</summary>
    public IReadOnlyList<GuardedWithdrawal> Withdrawals()
    {
        var (now, margin) = (channels.Now(), MarginSeconds);
        List<GuardedWithdrawal> found = [];
        foreach (var held in journal.Durable.Held.Values)
        {
            if (channels.State(held.ChannelId) is { Withdrawal: { } withdrawal } && !Value(held).IsZero)
            {
                var isSilent = desk.Of(held.Config.ReceiverAuthorizer).Silence > options.SilentAfter;
                var delay = held.Config.WithdrawDelay;
                found.Add(new GuardedWithdrawal(
                    held.ChannelId, Value(held), withdrawal.InitiatedAt + delay,
                    GuardRules.IsDue(now, withdrawal.InitiatedAt, delay, margin, isSilent)));
            }
        }

        return found;
    }

    /// <summary>What a held claim would still bring, as far as the chain is known. A channel's balance is real money,
    /// so sums of this cannot overflow whatever somebody signs.</summary>
    public Amount Value(ClaimGuarded held) => channels.State(held.ChannelId) is { } state
        ? Amount.SubtractToZero(Amount.Min(held.Total, state.Balance), state.Claimed)
        : Amount.Zero;

    /// <summary>Claims what is due. A refusal tells what kept it from that; it is tried again at the next
    /// turn.</summary>
    public async Task<Refusal?> ClaimAsync(CancellationToken cancellation)
    {
        foreach (var row in _aside.All)
        {
            if (journal.Durable.Held.GetValueOrDefault(row.ChannelId) is not { } held || Value(held).IsZero)
            {
                _aside.Remove(row.ChannelId);
            }
        }

        var due = Withdrawals().Where(one => one.IsDue && !_aside.Holds(one.ChannelId)).ToList();
        if (due.Count == 0)
        {
            return null;
        }

        // The price of gas is asked by quoting a settlement, which never reverts.
        var receiver = journal.Durable.Held[due[0].ChannelId].Config.Receiver;
        var quote = await Account.QuoteAsync(new Settle(receiver), cancellation);
        if (!quote.TryGet(out var gas, out var refusal))
        {
            return refusal;
        }

        var costs = new GasPrice(gas.WeiPerGas, options.GasMoneyPrice).Claims;
        var candidates = due.OrderBy(one => one.Deadline)
            .Select(one => new ClaimCandidate(one.ChannelId, one.Value, IsWithdrawing: true));
        foreach (var claim in ClaimPlan.Of(candidates, costs, Rules))
        {
            refusal = await SendAsync(claim, cancellation) ?? refusal;
            if (refusal is not null && ChainRefusals.RevertName(refusal) is null)
            {
                return refusal;
            }
        }

        return refusal;
    }

    private async Task<Refusal?> SendAsync(PlannedClaim planned, CancellationToken cancellation)
    {
        Refusal? refusal = null;
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            List<ClaimGuarded> rows = [.. planned.Channels
                .Select(id => journal.Durable.Held.GetValueOrDefault(id)).OfType<ClaimGuarded>()
                .Where(held => !Value(held).IsZero)];
            if (rows.Count == 0)
            {
                return null;
            }

            var trial = await DryRun.SplitAsync(
                rows, async some => (await Account.QuoteAsync(Describe(some), cancellation)).Refusal);
            foreach (var (row, why) in trial.Bad)
            {
                _aside.Add(row.ChannelId, why, isUrgent: true);
                LogAside(row.ChannelId, why.Message);
            }

            if (trial.Unanswered is not null || trial.Good.Count == 0)
            {
                return trial.Unanswered;
            }

            refusal = await SubmitAsync(trial.Good, cancellation);
            channels.Mark([.. rows.Select(row => row.ChannelId)]);
            if (refusal is null || ChainRefusals.RevertName(refusal) is null)
            {
                return refusal;
            }

            // It was good a moment ago, so another's transaction came first: look again.
            await channels.ReadAsync(cancellation);
            planned = planned with { Channels = [.. trial.Good.Select(row => row.ChannelId)] };
        }

        return refusal;
    }

    private async Task<Refusal?> SubmitAsync(IReadOnlyList<ClaimGuarded> rows, CancellationToken cancellation)
    {
        var value = rows.Aggregate(Amount.Zero, (sum, row) => sum + Value(row));
        var hurry = new Hurry(
            rows.Min(row => Deadline(row)), MarginSeconds, GasPrice.Wei(value, options.GasMoneyPrice));
        _tryingSinceMs ??= NowMs();
        var outcome = await Account.SubmitAsync(Describe(rows) with { Hurry = hurry }, cancellation);
        if (!outcome.TryGet(out var mined, out var refusal))
        {
            return refusal;
        }

        lock (_guard)
        {
            _claimed += value;
            _measured.Enqueue(new MeasuredClaim(NowMs(), NowMs() - Math.Min(_tryingSinceMs.Value, NowMs())));
            _tryingSinceMs = null;
            if (_measured.Count > ClaimMargin.Kept)
            {
                _measured.Dequeue();
            }
        }

        foreach (var row in rows)
        {
            _aside.Remove(row.ChannelId);
        }

        LogClaimed(rows.Count, value, mined.Hash);
        return null;
    }

    private ulong Deadline(ClaimGuarded held) => channels.State(held.ChannelId)?.Withdrawal is { } withdrawal
        ? withdrawal.InitiatedAt + held.Config.WithdrawDelay
        : channels.Now() + held.Config.WithdrawDelay;

    private static MarketAction Describe(IReadOnlyList<ClaimGuarded> rows)
    {
        List<Claim> claims = [.. rows.Select(row => new Claim(
            [new VoucherClaim(row.Config, row.Voucher.MaxClaimable, row.Voucher.Signature, row.Total)],
            row.Authorisation))];
        return claims.Count == 1 ? claims[0] : new ClaimEach(claims);
    }

    private ulong NowMs() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Claimed {Channels} channels worth {Value} before their withdrawals in {Transaction}")]
    private partial void LogClaimed(int channels, Amount value, Bytes32 transaction);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "The claim of channel {Channel} would revert; it is set aside and tried again: {Reason}")]
    private partial void LogAside(Bytes32 channel, string reason);
}
