using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>
/// A chain in memory: a block at every tick of the simulated clock, escrow, registry, vaults and currency by the
/// contracts'
/// rules. Transactions wait for the next block, cost gas and enter the trace.
/// </summary>
public sealed partial class SimulatedChain : IMarketChain, IDisposable
{
    private const int MostKept = 512;
    private static readonly UInt128 MuchGasMoney = 1_000_000_000_000_000_000;
    private readonly SimulatedScheduler _scheduler;
    private readonly List<Block> _blocks = [];
    private readonly List<Pending> _pending = [];
    private readonly Dictionary<Address, SimulatedAccount> _accounts = [];
    private readonly ITimer _ticks;
    private TaskCompletionSource _mined = new();

    public SimulatedChain(SimulatedScheduler scheduler, NetworkFile network)
    {
        (_scheduler, Network) = (scheduler, network);
        _blocks.Add(new Block(new Head(0, Sha.Hash("genesis"u8), Now), new ChainBooks(), []));
        var period = TimeSpan.FromSeconds(network.BlockTime);
        _ticks = scheduler.Time.CreateTimer(_ => Mine(), null, period, period);
    }

    /// <inheritdoc/>
    public NetworkFile Network { get; }

    /// <summary>While true no block is mined: the newest head grows old.</summary>
    public bool IsHalted { get; set; }

    /// <summary>While true no read and no transaction is answered.</summary>
    public bool IsDown { get; set; }

    /// <summary>The price of gas, in wei.</summary>
    public UInt128 WeiPerGas { get; set; } = 1_000_000_000;

    /// <summary>What a node's transaction has to offer of that price to be mined, in percent: above 100 blocks are
    /// full.</summary>
    public uint LeastPercent { get; set; } = 100;

    /// <summary>Units of gas that a relayed deposit takes; anything else takes
    /// <see cref="SimulatedAccount.Gas"/>.</summary>
    public ulong DepositGas { get; set; } = SimulatedAccount.Gas;

    /// <summary>How many of the newest blocks the node that is being asked does not know yet.</summary>
    internal int Behind { get; set; }

    /// <summary>Told after every block that was mined, and after every reorganisation.</summary>
    public Action? Advanced { get; set; }

    /// <summary>How many transactions were mined, reverted ones included.</summary>
    public int Transactions { get; private set; }

    internal SimulatedScheduler Scheduler => _scheduler;

    internal ChainBooks Books => _blocks[^1].Books;

    internal Head Newest => _blocks[^1].Head;

    private ulong Now => (ulong)_scheduler.Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Gives an account currency and gas money out of nothing, for the start of a scenario.</summary>
    public void Endow(Address account, Amount currency)
    {
        var books = Books.Mint(account, currency);
        _blocks[^1] = _blocks[^1] with
        {
            Books = books with { GasMoney = books.GasMoney.SetItem(account, MuchGasMoney) },
        };
    }

    /// <summary>Currency that an address holds at the newest block.</summary>
    public Amount BalanceOf(Address holder) => Books.BalanceOf(holder);

    /// <summary>A channel at the newest block.</summary>
    public ChannelState Channel(Bytes32 id) => ChannelIn(Books, id);

    /// <inheritdoc/>
    public Task<Result<Head>> HeadAsync(ReadPoint point, CancellationToken cancellation) =>
        Task.FromResult(IsDown ? Unavailable() : (Result<Head>)At(point).Head);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ChannelState>>>> ChannelsAsync(
        IReadOnlyList<Bytes32> channels, ReadPoint point, CancellationToken cancellation) =>
        Read(point, (books, _) => (IReadOnlyList<ChannelState>)[.. channels.Select(id => ChannelIn(books, id))]);

    /// <inheritdoc/>
    public Task<Result<Read<ReceiverState>>> ReceiverAsync(
        Address receiver, ReadPoint point, CancellationToken cancellation) =>
        Read(point, (books, _) =>
            books.Receivers.GetValueOrDefault(receiver) ?? new ReceiverState(Amount.Zero, Amount.Zero));

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry?>>>> ProvidersAsync(
        IReadOnlyList<Address> providers, ReadPoint point, CancellationToken cancellation) =>
        Read(point, (books, now) => (IReadOnlyList<ProviderEntry?>)[.. providers.Select(provider =>
            books.Providers.TryGetValue(provider, out var entry) ? RegistryRules.Show(provider, entry, now) : null)]);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry>>>> AllProvidersAsync(
        ReadPoint point, CancellationToken cancellation) =>
        Read(point, (books, now) => (IReadOnlyList<ProviderEntry>)
            [.. books.Registered.Select(provider => RegistryRules.Show(provider, books.Providers[provider], now))]);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderKeySet>>>> KeySetsAsync(
        Address provider, ReadPoint point, CancellationToken cancellation) =>
        Read(point, (books, _) =>
            (IReadOnlyList<ProviderKeySet>)(books.Providers.GetValueOrDefault(provider)?.Sets ?? []));

    /// <inheritdoc/>
    public Task<Result<Read<VaultState?>>> VaultAsync(Address vault, ReadPoint point, CancellationToken cancellation) =>
        Read(point, (books, now) =>
            books.Vaults.ContainsKey(vault) ? VaultRules.Show(books, Network, vault, now) : null);

    /// <inheritdoc/>
    public Task<Result<Address>> VaultAddressAsync(
        VaultSettings settings, Bytes32 salt, CancellationToken cancellation) =>
        Task.FromResult((Result<Address>)VaultRules.AddressOf(settings, salt));

    /// <inheritdoc/>
    public Task<Result<Read<Holdings>>> HoldingsAsync(Address holder, CancellationToken cancellation) =>
        Read(ReadPoint.Newest, (books, _) =>
            new Holdings(books.BalanceOf(holder), books.GasMoney.GetValueOrDefault(holder)));

    /// <inheritdoc/>
    public Task<Result<Eip712Domain>> CurrencyDomainAsync(CancellationToken cancellation) =>
        Task.FromResult((Result<Eip712Domain>)ReceiveRules.Currency(Network));

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChainNews> FollowAsync(
        IReadOnlyList<Address> vaults, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (seen, sure) = (_blocks[^1], At(ReadPoint.Confirmed));
        yield return new ChainNews(seen.Head, true, [], [], []);
        while (true)
        {
            var mined = _mined.Task;
            if (_blocks[^1].Head == seen.Head)
            {
                try
                {
                    await mined.WaitAsync(cancellation);
                }
                catch (OperationCanceledException)
                {
                    yield break;
                }
            }

            var (newest, confirmed) = (_blocks[^1], At(ReadPoint.Confirmed));
            var moved = Moved(seen.Books, newest.Books).Union(Moved(sure.Books, confirmed.Books)).Order().ToList();
            // A head that is no longer there, or so old that it was dropped: nobody can tell what else has changed.
            var isReset = !_blocks.Exists(block => block.Head == seen.Head);
            var changed = newest.Books.Providers.Where(entry =>
                seen.Books.Providers.GetValueOrDefault(entry.Key) != entry.Value).Select(entry => entry.Key);
            yield return new ChainNews(newest.Head, isReset, moved, [.. changed], vaults);
            (seen, sure) = (newest, confirmed);
        }
    }

    /// <inheritdoc/>
    public IMarketAccount Account(PrivateKey key)
    {
        if (!_accounts.TryGetValue(key.Address, out var account))
        {
            account = new SimulatedAccount(this, key.Address);
            _accounts.Add(key.Address, account);
        }

        return account;
    }

    /// <inheritdoc/>
    public void Dispose() => _ticks.Dispose();

    internal static Refusal Unavailable() =>
        new(Fault.Nobody, ChainRefusals.Unavailable, "No node of the simulated chain answers.");

    /// <summary>What an action would do at the next block; a refusal where it would revert.</summary>
    internal Result<ChainBooks> Try(ChainBooks books, Address sender, MarketAction action, ulong? at = null)
    {
        try
        {
            return books.Apply(action, new Acting(Network, sender, at ?? Now));
        }
        catch (RevertException revert)
        {
            return new Refusal(Fault.Ours, ChainRefusals.Reverted + revert.Name, $"The contract says {revert.Name}.");
        }
    }

    internal Task<Result<TxOutcome>> EnqueueAsync(Address sender, MarketAction action, int blocksLater = 0)
    {
        var pending = new Pending(sender, action) { NotBefore = Newest.Number + 1 + (ulong)blocksLater };
        _pending.Add(pending);
        return pending.Outcome.Task;
    }

    private static ChannelState ChannelIn(ChainBooks books, Bytes32 id) =>
        books.Channels.TryGetValue(id, out var channel)
            ? channel.State
            : new ChannelState(id, Amount.Zero, Amount.Zero, null, 0);

    private static IEnumerable<Bytes32> Moved(ChainBooks before, ChainBooks after) => after.Channels
        .Where(entry => before.Channels.GetValueOrDefault(entry.Key) != entry.Value).Select(entry => entry.Key);

    private Task<Result<Read<T>>> Read<T>(ReadPoint point, Func<ChainBooks, ulong, T> read)
    {
        var block = At(point);
        return Task.FromResult(IsDown
            ? Unavailable()
            : (Result<Read<T>>)new Read<T>(block.Head, read(block.Books, block.Head.Timestamp)));
    }

    private Block At(ReadPoint point) => _blocks[Math.Max(
        0, _blocks.Count - 1 - Behind - (point == ReadPoint.Newest ? 0 : Math.Max(Network.Confirmations, 1) - 1))];

    private void Mine()
    {
        if (IsHalted || IsDown)
        {
            return;
        }

        var due = _pending.FindAll(pending => pending.NotBefore <= Newest.Number + 1);
        _pending.RemoveAll(due.Contains);
        Transactions += due.Count;
        var outcomes = Append(Now, [.. due.Select(pending => new Sent(pending.Sender, pending.Action))]);
        Tell();
        for (var i = 0; i < due.Count; i++)
        {
            due[i].Outcome.TrySetResult(outcomes[i]);
        }
    }

    private List<Result<TxOutcome>> Append(ulong timestamp, IReadOnlyList<Sent> transactions)
    {
        var books = Books;
        var head = Newest;
        var number = head.Number + 1;
        var hash = Sha.Hash(Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{head.Hash}{number}{timestamp}{_reorganisations}")));
        List<Result<TxOutcome>> outcomes = [];
        foreach (var (sender, action) in transactions)
        {
            var fee = SimulatedAccount.Gas * WeiPerGas;
            books = books.PayGas(sender, fee);
            var result = Try(books, sender, action, timestamp);
            var id = Sha.Hash(Encoding.ASCII.GetBytes($"{hash}{outcomes.Count}"));
            _scheduler.Trace.Record("transaction", $"{sender} {action.GetType().Name} {result.Refusal?.Code}");
            if (result.TryGet(out var after, out var refusal))
            {
                books = after;
            }

            outcomes.Add(refusal is null ? new TxOutcome(id, number, hash, SimulatedAccount.Gas, fee) : refusal);
        }

        _blocks.Add(new Block(new Head(number, hash, timestamp), books, transactions));
        if (_blocks.Count > MostKept)
        {
            _blocks.RemoveAt(0);
        }

        return outcomes;
    }

    private void Tell()
    {
        var told = _mined;
        _mined = new TaskCompletionSource();
        told.SetResult();
        Advanced?.Invoke();
    }

    private sealed record Sent(Address Sender, MarketAction Action);

    private sealed record Block(Head Head, ChainBooks Books, IReadOnlyList<Sent> Transactions);

    private sealed class Pending(Address sender, MarketAction action)
    {
        public Address Sender { get; } = sender;

        public MarketAction Action { get; } = action;

        public ulong NotBefore { get; init; }

        public TaskCompletionSource<Result<TxOutcome>> Outcome { get; } = new();
    }
}
