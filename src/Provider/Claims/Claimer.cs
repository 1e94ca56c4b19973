using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Market.Claims;
using Souk.Protocol;
using Souk.Provider.Channels;

namespace Souk.Provider.Claims;

/// <summary>
/// Turns receipts into money: claims many vouchers in one transaction when <see cref="ClaimPlan"/> says so, at once
/// when a customer starts to withdraw, and pays out what was claimed. A claim moves no money; settling does.
/// </summary>
internal sealed partial class Claimer : IDisposable
{
    private const int MostAttempts = 3;
    private readonly ProviderOptions _options;
    private readonly IMarketChain _chain;
    private readonly Journal<ProviderBook> _journal;
    private readonly ChainWatch _watch;
    private readonly TimeProvider _time;
    private readonly ILogger<Claimer> _log;
    private readonly EscrowDomain _escrow;
    private readonly ClaimRules _rules;
    private readonly Settler _settler;
    private readonly SetAside _aside;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private TaskCompletionSource _urgent = new();
    private volatile ClaimOutlook? _outlook;
    private volatile Refusal? _held;

    public Claimer(
        ProviderOptions options, IMarketChain chain, Journal<ProviderBook> journal, ChainWatch watch, TimeProvider time,
        ILoggerFactory logs)
    {
        (_options, _chain, _journal, _watch, _time) = (options, chain, journal, watch, time);
        _log = logs.CreateLogger<Claimer>();
        _rules = new ClaimRules
        {
            Worth = Math.Max(options.ClaimValueOverGas, 1), MostAgeSeconds = (ulong)options.ClaimAfter.TotalSeconds,
        };
        _settler = new Settler(options, chain, journal, _rules, time, logs.CreateLogger<Settler>());
        _aside = new SetAside(time);
        _escrow = new EscrowDomain(chain.Network.ChainId, chain.Network.Escrow);
        _watch.WithdrawalSeen += Hurry;
    }

    private IMarketAccount Account => _chain.Account(_options.GasKey);

    /// <summary>
    /// Resolves claims that a crash left between sending and mining: the chain's claimed total says whether they were
    /// mined.
    /// </summary>
    public async Task ReconcileAsync(CancellationToken cancellation)
    {
        foreach (var claim in _journal.Book.Claims.Values)
        {
            cancellation.ThrowIfCancellationRequested();
            var isMined = claim.Channels.All(part => _journal.Book.Channels[part.ChannelId].Claimed >= part.Total);
            await _journal.RecordAsync(isMined
                ? new ClaimMined(claim.ClaimId, Bytes32.Zero, _watch.Newest.Number, Now())
                : new ClaimFailed(claim.ClaimId, "not on the chain after a restart", Now()));
        }
    }

    /// <summary>Considers claims at every turn, and at once when a withdrawal is seen.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var urgent = _urgent.Task;
            await urgent.WaitAsync(_options.ClaimEvery, _time, cancellation).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            cancellation.ThrowIfCancellationRequested();
            if (urgent.IsCompleted)
            {
                _urgent = new TaskCompletionSource();
            }

            if ((await ClaimAsync(isForced: false, cancellation)).Refusal is { } refusal)
            {
                LogNotClaimed(refusal.Message);
            }
        }
    }

    /// <summary>How claiming stands.</summary>
    public ClaimStatus Status => new(_outlook, _held, _aside.All, ClaimTiming.MarginSeconds(
        _journal.Book, _chain.Network, Now()));

    /// <summary>Claims what is due (everything when forced), then settles what is due. One claim at a time.</summary>
    public async Task<Result<ClaimReport>> ClaimAsync(bool isForced, CancellationToken cancellation)
    {
        // Without a token, so that the wait ends on the caller's context; whoever holds the turn heeds the
        // cancellation.
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            List<Bytes32> claims = [];
            var refusal = await ClaimAsync(isForced, claims, cancellation);

            // Whatever was refused, what earlier claims brought is paid out.
            var settled = await _settler.SettleAsync(isForced, cancellation);
            _held = refusal ??= settled.Refusal;
            return refusal is not null
                ? refusal
                : new ClaimReport(claims, settled.Value.Transaction, settled.Value.Amount) { SetAside = _aside.All };
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _watch.WithdrawalSeen -= Hurry;
        _turn.Dispose();
    }

    private void Hurry(Bytes32 channel) => _urgent.TrySetResult();

    private async Task<Refusal?> ClaimAsync(bool isForced, List<Bytes32> claims, CancellationToken cancellation)
    {
        if (!(await PlanAsync(isForced, cancellation)).TryGet(out var plan, out var refusal))
        {
            return refusal;
        }

        foreach (var claim in plan)
        {
            var refused = await SendAsync(claim, claims, cancellation);
            refusal ??= refused;
            if (refused is not null && ChainRefusals.RevertName(refused) is null)
            {
                // No node, no gas or no patience: the other batches would meet the same.
                break;
            }
        }

        return refusal;
    }

    private async Task<Result<ImmutableArray<PlannedClaim>>> PlanAsync(bool isForced, CancellationToken cancellation)
    {
        var candidates = Candidates(isForced);
        _outlook = null;
        if (candidates.Count == 0)
        {
            return ImmutableArray<PlannedClaim>.Empty;
        }

        if (isForced)
        {
            return ClaimPlan.Of(candidates, GasPrice.Free.Claims, _rules);
        }

        // The price of gas is asked by quoting a settlement, which never reverts.
        var quote = await Account.QuoteAsync(new Settle(_options.Payout), cancellation);
        if (!quote.TryGet(out var gas, out var refusal))
        {
            return refusal;
        }

        var costs = new GasPrice(gas.WeiPerGas, _options.GasMoneyPrice).Claims;
        _outlook = ClaimPlan.Outlook(candidates, costs, _rules);
        return ClaimPlan.Of(candidates, costs, _rules);
    }

    private List<ClaimCandidate> Candidates(bool isForced)
    {
        var now = Now();
        List<ClaimCandidate> candidates = [];
        foreach (var channel in _journal.Durable.Channels.Values)
        {
            if (channel.Claimable.IsZero)
            {
                _aside.Remove(channel.Id);
            }
            else if (isForced || !_aside.Holds(channel.Id))
            {
                candidates.Add(new ClaimCandidate(channel.Id, channel.Claimable, channel.IsWithdrawing)
                {
                    IsNearlySpent = ClaimRules.IsNearlySpent(channel.Base, channel.Deposit),
                    AgeSeconds = now > channel.WaitsSinceMs ? (now - channel.WaitsSinceMs) / 1000 : 0,
                });
            }
        }

        return candidates;
    }

    // One bad row reverts a whole claim, so a dry run finds it first: no customer can hold up the others' money.
    private async Task<Refusal?> SendAsync(PlannedClaim planned, List<Bytes32> claims, CancellationToken cancellation)
    {
        Refusal? refusal = null;
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var rows = Rows(planned.Channels);
            if (rows.Count == 0)
            {
                return null;
            }

            var trial = await DryRun.SplitAsync(
                rows, async some => (await Account.QuoteAsync(Describe(some).Claim, cancellation)).Refusal);
            await SetAsideAsync(trial.Bad, cancellation);
            if (trial.Unanswered is not null || trial.Good.Count == 0)
            {
                return trial.Unanswered;
            }

            if ((await SubmitAsync(trial.Good, cancellation)).TryGet(out var claimed, out refusal))
            {
                claims.Add(claimed);
                LogClaimed(trial.Good.Count, planned.Reason, claimed);
                return null;
            }

            if (ChainRefusals.RevertName(refusal) is null)
            {
                return refusal;
            }

            // It was good a moment ago, so another's transaction came first. The next dry run finds the row.
            planned = planned with { Channels = [.. trial.Good.Select(channel => channel.Id)] };
        }

        return refusal;
    }

    private async Task SetAsideAsync(
        IReadOnlyList<(ProviderChannel Row, Refusal Why)> bad, CancellationToken cancellation)
    {
        foreach (var (row, why) in bad)
        {
            _aside.Add(row.Id, why, row.IsWithdrawing);
            LogAside(row.Id, why.Message);
        }

        if (bad.Count > 0)
        {
            // Mostly the book does not know yet what the chain has: then this is all that it takes.
            await _watch.RefreshAsync([.. bad.Select(one => one.Row.Id)], cancellation);
        }
    }

    // As the book has them now, since time has passed since the plan was made.
    private List<ProviderChannel> Rows(ImmutableArray<Bytes32> batch) =>
        [.. batch.Select(id => _journal.Durable.Channels[id]).Where(channel => !channel.Claimable.IsZero)];

    private async Task<Result<Bytes32>> SubmitAsync(
        IReadOnlyList<ProviderChannel> rows, CancellationToken cancellation)
    {
        var (claim, id) = Describe(rows);
        var parts = rows.Select(channel => new ClaimedChannel(channel.Id, channel.Collectible)).ToList();
        await _journal.RecordAsync(new ClaimSubmitted(id, parts, Now()));
        var outcome = await Account.SubmitAsync(claim with { Hurry = HurryOf(rows) }, cancellation);
        if (!outcome.TryGet(out var mined, out var refusal))
        {
            // It may be mined all the same; reading the channels again before the next try tells.
            await _watch.RefreshAsync([.. rows.Select(channel => channel.Id)], cancellation);
            await _journal.RecordAsync(new ClaimFailed(id, refusal.Code, Now()));
            return refusal;
        }

        await _journal.RecordAsync(new ClaimMined(id, mined.Hash, mined.Block, Now()));
        foreach (var channel in rows)
        {
            _aside.Remove(channel.Id);
        }

        return mined.Hash;
    }

    // What is lost by being late is what would be withdrawn, so no more gas is paid than that is worth.
    private Hurry? HurryOf(IReadOnlyList<ProviderChannel> rows)
    {
        var leaving = rows.Where(channel => channel.IsWithdrawing && _watch.Deadline(channel.Id) is not null).ToList();
        return leaving.Count == 0 ? null : new Hurry(
            leaving.Min(channel => _watch.Deadline(channel.Id)!.Value),
            ClaimTiming.MarginSeconds(_journal.Book, _chain.Network, Now()),
            GasPrice.Wei(
                leaving.Aggregate(Amount.Zero, (sum, channel) => sum + channel.Claimable), _options.GasMoneyPrice));
    }

    private (Claim Claim, Bytes32 Id) Describe(IReadOnlyList<ProviderChannel> rows)
    {
        var claims = rows.Select(channel => new VoucherClaim(
            channel.Config, channel.Ceiling, channel.Highest!.Signature, channel.Collectible)).ToList();
        var entries = rows.Select(
            channel => new ClaimEntry(channel.Id, channel.Ceiling, channel.Collectible)).ToList();
        var signature = ClaimBatch.Sign(_options.AuthorizerKey, _escrow, entries);
        return (new Claim(claims, signature), ClaimBatch.Digest(_escrow, entries));
    }

    private ulong Now() => (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
}
