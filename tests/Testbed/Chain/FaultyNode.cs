using System.Runtime.CompilerServices;
using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>
/// A role's own node of the simulated chain: it takes time, fails, lags, and loses track of transactions. Once its
/// process is dead nothing of it is answered or done any more.
/// </summary>
public sealed class FaultyNode(SimulatedChain chain, string name) : IMarketChain
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private readonly Dictionary<Address, FaultyAccount> _accounts = [];

    /// <summary>What goes wrong from now on.</summary>
    public NodeFaults Faults { get; set; } = new();

    /// <summary>While true nothing is answered.</summary>
    public bool IsDown { get; set; }

    /// <summary>True once the process that asks has been killed.</summary>
    public bool IsDead { get; set; }

    /// <inheritdoc/>
    public NetworkFile Network => chain.Network;

    internal SeededRandomness Random { get; } = chain.Scheduler.Randomness.Fork($"node of {name}");

    internal SimulatedChain Chain => chain;

    internal TimeProvider Time => chain.Scheduler.Time;

    /// <inheritdoc/>
    public Task<Result<Head>> HeadAsync(ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.HeadAsync(point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ChannelState>>>> ChannelsAsync(
        IReadOnlyList<Bytes32> channels, ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.ChannelsAsync(channels, point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<ReceiverState>>> ReceiverAsync(
        Address receiver, ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.ReceiverAsync(receiver, point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry?>>>> ProvidersAsync(
        IReadOnlyList<Address> providers, ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.ProvidersAsync(providers, point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry>>>> AllProvidersAsync(
        ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.AllProvidersAsync(point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderKeySet>>>> KeySetsAsync(
        Address provider, ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.KeySetsAsync(provider, point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<VaultState?>>> VaultAsync(Address vault, ReadPoint point, CancellationToken cancellation) =>
        AskAsync(() => chain.VaultAsync(vault, point, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Address>> VaultAddressAsync(
        VaultSettings settings, Bytes32 salt, CancellationToken cancellation) =>
        AskAsync(() => chain.VaultAddressAsync(settings, salt, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<Holdings>>> HoldingsAsync(Address holder, CancellationToken cancellation) =>
        AskAsync(() => chain.HoldingsAsync(holder, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<Result<Eip712Domain>> CurrencyDomainAsync(CancellationToken cancellation) =>
        AskAsync(() => chain.CurrencyDomainAsync(cancellation), cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChainNews> FollowAsync(
        IReadOnlyList<Address> vaults, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var news in chain.FollowAsync(vaults, cancellation))
        {
            // Trouble shows as silence; what was missed meanwhile comes in one piece.
            while (IsDown && !cancellation.IsCancellationRequested)
            {
                await Task.Delay(LookAgain, Time, CancellationToken.None);
            }

            await DieAsync();
            yield return news;
        }
    }

    /// <inheritdoc/>
    public IMarketAccount Account(PrivateKey key)
    {
        if (!_accounts.TryGetValue(key.Address, out var account))
        {
            account = new FaultyAccount(this, (SimulatedAccount)chain.Account(key));
            _accounts.Add(key.Address, account);
        }

        return account;
    }

    internal async Task<Result<T>> AskAsync<T>(Func<Task<Result<T>>> ask, CancellationToken cancellation)
    {
        await Task.Delay(Random.Between(TimeSpan.FromMilliseconds(1), Faults.MostDelay), Time, cancellation);
        await DieAsync();
        var isRefused = Random.Happens(Faults.Error);
        var isStale = Random.Happens(Faults.Stale);
        if (IsDown || isRefused)
        {
            return SimulatedChain.Unavailable();
        }

        chain.Behind = isStale ? 1 + Random.NextBelow(Faults.MostBehind) : 0;
        try
        {
            return await ask();
        }
        finally
        {
            chain.Behind = 0;
        }
    }

    /// <summary>Never comes back once the process is dead.</summary>
    internal Task DieAsync() => IsDead ? new TaskCompletionSource().Task : Task.CompletedTask;
}

/// <summary>A key's queue at such a node: one transaction after the other, as the real sender has it.</summary>
internal sealed class FaultyAccount(FaultyNode node, SimulatedAccount account) : IMarketAccount
{
    // As the real sender's own settings have them.
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromMinutes(10);
    private static readonly UInt128 GreatestFee = 500_000_000_000;
    private Task _last = Task.CompletedTask;

    public Address Address => account.Address;

    public Task<Result<GasQuote>> QuoteAsync(MarketAction action, CancellationToken cancellation) =>
        node.AskAsync(() => account.QuoteAsync(action, cancellation), cancellation);

    public async Task<Result<TxOutcome>> SubmitAsync(MarketAction action, CancellationToken cancellation)
    {
        var before = _last;
        var sent = RunAsync(before, action);
        _last = sent.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Current);
        return await sent.WaitAsync(cancellation);
    }

    private async Task<Result<TxOutcome>> RunAsync(Task before, MarketAction action)
    {
        await before;
        await Task.Delay(
            node.Random.Between(TimeSpan.FromMilliseconds(1), node.Faults.MostDelay), node.Time,
            CancellationToken.None);
        await node.DieAsync();
        if (node.IsDown || node.Random.Happens(node.Faults.Error))
        {
            return SimulatedChain.Unavailable();
        }

        if (node.Chain.WeiPerGas > GreatestFee)
        {
            return new Refusal(Fault.Nobody, ChainRefusals.GasTooExpensive, "Gas costs more than the limit.");
        }

        if (!await IsTakenAsync(action))
        {
            return NotMined();
        }

        var late = node.Random.Happens(node.Faults.Stuck) ? 1 + node.Random.NextBelow(node.Faults.MostLate) : 0;
        if (!node.Random.Happens(node.Faults.Lost))
        {
            return await FollowAsync(account.SubmitAsync(action, late, CancellationToken.None));
        }

        // Sent or dropped on the way, and nobody can tell which.
        if (node.Random.Happens(0.5))
        {
            _ = account.SubmitAsync(action, late, CancellationToken.None);
        }

        var wait = node.Random.Between(TimeSpan.Zero, GiveUpAfter);
        await Task.Delay(wait < Calm(action) ? wait : Calm(action), node.Time, CancellationToken.None);
        await node.DieAsync();
        return NotMined();
    }

    private static Refusal NotMined() =>
        new(Fault.Nobody, ChainRefusals.NotMined, "It was not mined in time, and may still be.");

    // Where blocks are full it waits until it offers enough, which it only does in a hurry.
    private async Task<bool> IsTakenAsync(MarketAction action)
    {
        var end = node.Time.GetUtcNow() + GiveUpAfter;
        while (node.Chain.LeastPercent > Offered(action))
        {
            if (node.Time.GetUtcNow() >= end)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromSeconds(node.Network.BlockTime), node.Time, CancellationToken.None);
            await node.DieAsync();
        }

        return true;
    }

    private UInt128 Offered(MarketAction action) => action.Hurry is { } hurry
        ? UInt128.Min(
            hurry.Percent((ulong)node.Time.GetUtcNow().ToUnixTimeSeconds()),
            hurry.MostFee / UInt128.Max(SimulatedAccount.Gas * node.Chain.WeiPerGas / 100, 1))
        : 100;

    // Near its deadline a transaction is replaced at every block, so none is waited for that nobody knows.
    private TimeSpan Calm(MarketAction action)
    {
        if (action.Hurry is not { } hurry)
        {
            return GiveUpAfter;
        }

        var left = (long)hurry.Deadline - (long)hurry.MarginSeconds - node.Time.GetUtcNow().ToUnixTimeSeconds();
        return TimeSpan.FromSeconds(Math.Clamp(left, 0, (long)GiveUpAfter.TotalSeconds));
    }

    private async Task<Result<TxOutcome>> FollowAsync(Task<Result<TxOutcome>> sent)
    {
        var outcome = await sent;
        await node.DieAsync();
        return outcome;
    }
}
