using Souk.Engines;
using Souk.Simulation.Audit;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;

namespace Souk.Simulation.World;

/// <summary>One process's life: its way out, its node of the chain, its engine. Killed, none of them does anything.
/// </summary>
internal sealed record Life(SimulatedClient Wire, FaultyNode Node)
{
    public WatchedEngine? Engine { get; set; }

    public void Kill()
    {
        Node.IsDead = true;
        Wire.Kill();
        if (Engine is { } engine)
        {
            engine.IsDead = true;
        }
    }
}

#pragma warning disable CA1001 // The engine that is watched belongs to its process.
/// <summary>The lives that the roles live now, and the auditor who watches them.</summary>
internal sealed class Lives(Script script)
{
    private WatchedEngine? _engine;

    /// <summary>Where all that happens is written; null for nowhere.</summary>
    public TextWriter? Copy { get; init; }

    public Auditor Auditor { get; private set; } = null!;

    public Life Provider { get; private set; } = null!;

    public Life Gateway { get; private set; } = null!;

    public Life Indexer { get; private set; } = null!;

    /// <summary>What goes wrong at nodes of the chain now.</summary>
    public NodeFaults NodeFaults { get; private set; } = new();

    public void Set(NodeFaults faults)
    {
        NodeFaults = faults;
        foreach (var life in new[] { Provider, Gateway, Indexer })
        {
            life.Node.Faults = faults;
        }
    }

    /// <summary>The options of the script's market, with everything put in between.</summary>
    public MarketOptions Options() => new()
    {
        Seed = script.Seed,
        Interleaves = true,
        Prices = script.Prices,
        Counting = script.CountsUsage ? Protocol.CountingKinds.Usage : Protocol.CountingKinds.Ids,
        SliceTokens = (ulong)script.SliceTokens,
        WarmChannels = script.WarmChannels,
        Concurrency = script.Concurrency,
        WithdrawDelay = script.WithdrawDelay,
        ChannelDeposit = script.Deposit,
        Confirmations = script.Depth + 1,
        GasMoneyPrice = script.GasMoneyPrice,
        HotKeyHasGas = script.HotKeyHasGas,
        Budget = script.Budgets[0],
        AwaitsChannels = false,
        Prepared = Prepare,
        EngineAround = Watch,
        ProviderParts = parts =>
        {
            Provider = new Life((SimulatedClient)parts.Wire, NodeOf(parts.Chain, "provider")) { Engine = _engine };
            return parts with { Chain = Provider.Node };
        },
        GatewayParts = parts =>
        {
            Gateway = new Life((SimulatedClient)parts.Wire, NodeOf(parts.Chain, "gateway"));
            return parts with { Chain = Gateway.Node };
        },
        IndexerParts = parts =>
        {
            Indexer = new Life((SimulatedClient)parts.Wire, NodeOf(parts.Chain, "indexer"));
            return parts with { Chain = Indexer.Node };
        },
    };

    private void Prepare(MarketHarness market)
    {
        market.Scheduler.Trace.Copy = Copy;
        Auditor = new Auditor(market.Chain, market.ProviderTarget.Endpoint, (ulong)script.SliceTokens);
        market.ProviderDisk.Written = Auditor.SeeProvider;
        market.GatewayDisk.Written = Auditor.SeeCustomer;
        market.Network.Witness = Auditor.Wire;
    }

    private WatchedEngine Watch(IEngine engine) => _engine = new WatchedEngine(engine, () => Auditor);

    private int _nodes;

    private FaultyNode NodeOf(Souk.Chain.IMarketChain chain, string name) =>
        new((SimulatedChain)chain, $"{name} {++_nodes}") { Faults = NodeFaults };
}
