using Souk.Protocol;
using Souk.Provider.Watch;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;
using Souk.Testbed.Stores;
using Souk.Wire;

namespace Souk.Simulation.Tower;

/// <summary>A watchtower's machine: its disk outlives its processes, each of which has a node of its own.</summary>
internal sealed class TowerHost : IDisposable
{
    // What 10^18 wei are worth: a claim at ten times the usual fee costs a fraction of every channel's total.
    private static readonly Amount GasMoneyPrice = new(10_000_000);
    private readonly SimulatedScheduler _scheduler;
    private readonly SimulatedNetwork _network;
    private readonly SimulatedChain _chain;
    private readonly Address _authorizer;
    private readonly PrivateKey _gas;
    private readonly KeptLogs _logs;
    private readonly MemoryStore _disk = new();
    private SimulatedListener? _listener;
    private CancellationTokenSource? _stopping;
    private FaultyNode? _node;
    private Task _loops = Task.CompletedTask;
    private int _lives;

    public TowerHost(
        SimulatedScheduler scheduler, SimulatedNetwork network, SimulatedChain chain, Address authorizer,
        PrivateKey gas, KeptLogs logs)
    {
        (_scheduler, _network, _chain, _authorizer, _gas, _logs) = (scheduler, network, chain, authorizer, gas, logs);
        chain.Endow(gas.Address, Amount.Zero);
    }

    /// <summary>How long its disk takes for a sync.</summary>
    public required TimeSpan SyncTime { get; init; }

    public PeerTarget Target { get; } =
        new(new Uri("https://tower.example:7446"), Sha.Hash("the tower's certificate"u8));

    /// <summary>What goes wrong at its node, whichever life it lives.</summary>
    public NodeFaults Faults
    {
        get;
        set
        {
            field = value;
            if (_node is { } node)
            {
                node.Faults = value;
            }
        }
    } = new();

    /// <summary>While true its node answers nothing.</summary>
    public bool IsDown
    {
        get;
        set
        {
            field = value;
            if (_node is { } node)
            {
                node.IsDown = value;
            }
        }
    }

    public bool IsUp => _stopping is not null;

    /// <summary>Loops that ended although nobody stopped them.</summary>
    public Exception? Ended => IsUp && _loops.IsCompleted
        ? _loops.Exception?.InnerException ?? new MarketFailedException("The tower's loops ended by themselves.")
        : null;

    public async Task StartAsync()
    {
        var name = $"tower {++_lives}";
        _node = new FaultyNode(_chain, name) { Faults = Faults, IsDown = IsDown };
        var node = await WatchNode.StartAsync(
            new WatchOptions { Authorizers = [_authorizer], GasKey = _gas, GasMoneyPrice = GasMoneyPrice },
            new WatchParts(
                new TracedLedger(_disk.Open(_scheduler.Time, SyncTime), name, _scheduler.Trace), _node,
                _scheduler.Time, _logs.For(name)),
            CancellationToken.None);
        _listener = _network.Listen(Target.Endpoint, node.Handler, Target.SpkiHash);
        _stopping = new CancellationTokenSource();
        _loops = node.RunAsync(_stopping.Token);
    }

    /// <summary>Kills it at this instant; of what was not on its disk yet, some appends survive.</summary>
    public void Kill(int surviving)
    {
        _disk.Crash(surviving);
        _node!.IsDead = true;
        _listener!.Dispose();
        _stopping!.Cancel();
        _stopping = null;
        _ = _loops.ContinueWith(
            static loops => loops.Exception, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Current);
    }

    public void Dispose() => _stopping?.Dispose();
}
