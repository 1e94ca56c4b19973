using Souk.Ledger;
using Souk.Protocol;
using Souk.Provider.Watch;
using Souk.Testbed.Stores;
using Souk.Wire;

namespace Souk.Testbed.Market;

/// <summary>A watchtower in a simulated market, as the product composes it, on a disk of its own.</summary>
public sealed class TowerHarness : IAsyncDisposable
{
    private static readonly TimeSpan SyncTime = TimeSpan.FromMilliseconds(2);
    private readonly MarketHarness _market;
    private readonly string _name;
    private ILedger? _ledger;
    private SimulatedListener? _listener;
    private CancellationTokenSource? _stopping;
    private Task _loops = Task.CompletedTask;

    /// <summary>Not started yet.</summary>
    /// <param name="market">Its market.</param>
    /// <param name="name">Its host's name.</param>
    public TowerHarness(MarketHarness market, string name = "tower")
    {
        ArgumentNullException.ThrowIfNull(market);
        (_market, _name) = (market, name);
        Target = new PeerTarget(new Uri($"https://{name}.example:7446"), Sha.Hash("the tower's certificate"u8));
        Span<byte> secret = stackalloc byte[32];
        market.Scheduler.Randomness.Fork(name).Fill(secret);
        GasKey = PrivateKey.FromBytes(secret);
        market.Chain.Endow(GasKey.Address, Amount.Zero);
    }

    /// <summary>Where it answers, and its certificate.</summary>
    public PeerTarget Target { get; }

    /// <summary>As a provider is told of it.</summary>
    public string Url => $"{Target.Endpoint.ToString().TrimEnd('/')}#{Target.SpkiHash}";

    /// <summary>Pays its gas.</summary>
    public PrivateKey GasKey { get; }

    /// <summary>Its disk.</summary>
    public MemoryStore Disk { get; private set; } = new();

    /// <summary>How many rows are on it.</summary>
    public long Rows => Disk.RowCount;

    /// <summary>The node, once started.</summary>
    public WatchNode Node { get; private set; } = null!;

    /// <summary>Its place on the network, to cut it off.</summary>
    public SimulatedListener Listener => _listener!;

    /// <summary>Starts or restarts it on its disk.</summary>
    /// <param name="mostChannels">Most channels that it holds.</param>
    /// <param name="claimsPerMinute">Claims that a provider may have written down in a minute.</param>
    /// <param name="chain">Stands between it and the chain.</param>
    public async Task StartAsync(
        int mostChannels = 100_000, uint claimsPerMinute = 3_000,
        Func<Souk.Chain.IMarketChain, Souk.Chain.IMarketChain>? chain = null)
    {
        _ledger = new TracedLedger(Disk.Open(_market.Time, SyncTime), _name, _market.Scheduler.Trace);
        var options = new WatchOptions
        {
            Authorizers = [_market.Keys.Authorizer.Address], GasKey = GasKey,
            GasMoneyPrice = _market.Options.GasMoneyPrice, MostChannels = mostChannels,
            ClaimsPerMinute = claimsPerMinute, LetGoAfter = TimeSpan.FromMinutes(10),
        };
        Node = await WatchNode.StartAsync(
            options,
            new WatchParts(
                _ledger, chain?.Invoke(_market.Chain) ?? _market.Chain, _market.Time, _market.Logs.For(_name)),
            CancellationToken.None);
        _listener = _market.Network.Listen(Target.Endpoint, Node.Handler, Target.SpkiHash);
        _stopping = new CancellationTokenSource();
        _loops = Node.RunAsync(_stopping.Token);
    }

    /// <summary>Kills it at this instant; of what was not on its disk yet, some appends may survive.</summary>
    public async Task CrashAsync(int surviving = 0)
    {
        Disk.Crash(surviving);
        await DisposeAsync();
    }

    /// <summary>Kills it and takes its disk away.</summary>
    public async Task LoseDiskAsync()
    {
        await CrashAsync();
        Disk = new MemoryStore();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stopping is null)
        {
            return;
        }

        _listener!.Dispose();
        _stopping.Cancel();
        try
        {
            await _loops;
        }
        catch (OperationCanceledException)
        {
            // What was asked for. Anything else is a loop that died, which fails the scenario.
        }

        _stopping.Dispose();
        _stopping = null;
    }
}
