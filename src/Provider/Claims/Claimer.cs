using System.Collections.Immutable;
using System.Numerics;
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
/// Turns receipts into money: claims many vouchers in one transaction when their value is well above the gas, or at
/// once when a customer starts to withdraw, and settles what was claimed to the payout. A claim moves no money;
/// settling does.
/// </summary>
internal sealed partial class Claimer : IDisposable
{
    private const ulong GasPerTransaction = 50_000;
    private const ulong GasPerChannel = 60_000;
    private static readonly ClaimCosts Free = new(Amount.Zero, Amount.Zero);
    private static readonly UInt128 OneGasMoney = 1_000_000_000_000_000_000;
    private readonly ProviderOptions _options;
    private readonly IMarketChain _chain;
    private readonly Journal<ProviderBook> _journal;
    private readonly ChainWatch _watch;
    private readonly TimeProvider _time;
    private readonly ILogger<Claimer> _log;
    private readonly EscrowDomain _escrow;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private TaskCompletionSource _urgent = new();

    public Claimer(
        ProviderOptions options, IMarketChain chain, Journal<ProviderBook> journal, ChainWatch watch, TimeProvider time,
        ILogger<Claimer> log)
    {
        (_options, _chain, _journal, _watch, _time, _log) = (options, chain, journal, watch, time, log);
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

    /// <summary>Claims what is due (everything when forced), then settles. One claim at a time.</summary>
    public async Task<Result<ClaimReport>> ClaimAsync(bool isForced, CancellationToken cancellation)
    {
        // Without a token, so that the wait ends on the caller's context; whoever holds the turn heeds the
        // cancellation.
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            List<Bytes32> claims = [];
            Refusal? refusal = null;
            foreach (var batch in await PlanAsync(isForced, cancellation))
            {
                var refused = await SendAsync(batch, claims, cancellation);
                refusal ??= refused;
                if (refused is not null && ChainRefusals.RevertName(refused) is null)
                {
                    // No node, no gas or no patience: the other batches would meet the same.
                    break;
                }
            }

            // Whatever was refused, what earlier claims brought is paid out.
            var report = await SettleAsync(claims, cancellation);
            return refusal is null ? report : refusal;
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

    private async Task<ImmutableArray<ImmutableArray<Bytes32>>> PlanAsync(bool isForced, CancellationToken cancellation)
    {
        var candidates = _journal.Durable.Channels.Values
            .Where(channel => !channel.Claimable.IsZero)
            .Select(channel => new ClaimCandidate(channel.Id, channel.Claimable, channel.IsWithdrawing))
            .ToList();
        if (candidates.Count == 0)
        {
            return [];
        }

        var costs = isForced ? Free : await CostsAsync(cancellation);
        return ClaimPlan.Of(candidates, costs, Math.Max(_options.ClaimValueOverGas, 1));
    }

    // The price of gas is asked by quoting a settlement, which never reverts. Where nobody answers, sending will tell
    // why.
    private async Task<ClaimCosts> CostsAsync(CancellationToken cancellation)
    {
        var quote = await Account.QuoteAsync(new Settle(_options.Payout), cancellation);
        return quote.TryGet(out var gas, out _)
            ? new ClaimCosts(InCurrency(gas.WeiPerGas, GasPerTransaction + gas.Gas), InCurrency(gas.WeiPerGas,
                GasPerChannel))
            : Free;
    }

    private Amount InCurrency(UInt128 weiPerGas, ulong gas) => new((UInt128)BigInteger.Min(
        (BigInteger)weiPerGas * gas * (BigInteger)_options.GasMoneyPrice.Units / (BigInteger)OneGasMoney,
        (BigInteger)UInt128.MaxValue / (1UL << 40)));

    // One bad row reverts a whole claim, so after a revert each row goes alone: no customer can hold up the others'
    // money.
    private async Task<Refusal?> SendAsync(
        ImmutableArray<Bytes32> batch, List<Bytes32> claims, CancellationToken cancellation)
    {
        var rows = Rows(batch);
        if (rows.Count == 0)
        {
            return null;
        }

        if ((await SubmitAsync(rows, cancellation)).TryGet(out var claimed, out var refusal))
        {
            claims.Add(claimed);
            return null;
        }

        if (rows.Count == 1 || ChainRefusals.RevertName(refusal) is null)
        {
            return refusal;
        }

        LogApart(rows.Count, refusal.Message);
        Refusal? first = null;
        foreach (var id in batch)
        {
            first ??= await SendAsync([id], claims, cancellation);
        }

        return first;
    }

    // As the book has them now, since time has passed since the plan was made.
    private List<ProviderChannel> Rows(ImmutableArray<Bytes32> batch) =>
        [.. batch.Select(id => _journal.Durable.Channels[id]).Where(channel => !channel.Claimable.IsZero)];

    private async Task<Result<Bytes32>> SubmitAsync(List<ProviderChannel> rows, CancellationToken cancellation)
    {
        var (claim, id) = Describe(rows);
        var parts = rows.ConvertAll(channel => new ClaimedChannel(channel.Id, channel.Collectible));
        await _journal.RecordAsync(new ClaimSubmitted(id, parts, Now()));
        var outcome = await Account.SubmitAsync(claim, cancellation);
        if (!outcome.TryGet(out var mined, out var refusal))
        {
            // It may be mined all the same; reading the channels again before the next try tells.
            await _watch.RefreshAsync([.. rows.Select(channel => channel.Id)], cancellation);
            await _journal.RecordAsync(new ClaimFailed(id, refusal.Code, Now()));
            return refusal;
        }

        await _journal.RecordAsync(new ClaimMined(id, mined.Hash, mined.Block, Now()));
        LogClaimed(rows.Count, mined.Hash);
        return mined.Hash;
    }

    private async Task<Result<ClaimReport>> SettleAsync(List<Bytes32> claims, CancellationToken cancellation)
    {
        var read = await _chain.ReceiverAsync(_options.Payout, ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var receiver, out var refusal))
        {
            return refusal;
        }

        var owed = receiver.Value.Claimed - receiver.Value.Settled;
        if (owed.IsZero)
        {
            return new ClaimReport(claims, null, Amount.Zero);
        }

        var outcome = await Account.SubmitAsync(new Settle(_options.Payout), cancellation);
        if (!outcome.TryGet(out var mined, out refusal))
        {
            return refusal;
        }

        await _journal.RecordAsync(new Settled(_options.Payout, _chain.Network.Currency, owed, mined.Hash, Now()));
        LogSettled(owed, mined.Hash);
        return new ClaimReport(claims, mined.Hash, owed);
    }

    private (Claim Claim, Bytes32 Id) Describe(List<ProviderChannel> rows)
    {
        var claims = rows.ConvertAll(channel => new VoucherClaim(
            channel.Config, channel.Ceiling, channel.Highest!.Signature, channel.Collectible));
        var entries = rows.ConvertAll(channel => new ClaimEntry(channel.Id, channel.Ceiling, channel.Collectible));
        var signature = ClaimBatch.Sign(_options.AuthorizerKey, _escrow, entries);
        return (new Claim(claims, signature), ClaimBatch.Digest(_escrow, entries));
    }

    private ulong Now() => (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
}
