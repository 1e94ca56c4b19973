using Souk.Protocol;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;

namespace Souk.Simulation.World;

/// <summary>Brings a script's troubles over a market, and ends them.</summary>
internal sealed class Troubles(Script script, MarketHarness market, Lives lives)
{
    private static readonly UInt128 UsualFee = 1_000_000_000;
    private static readonly TimeSpan RestartAfter = TimeSpan.FromSeconds(2);
    private readonly SeededRandomness _random = market.Scheduler.Randomness.Fork("troubles");
    private bool _isProviderUp = true;
    private bool _isGatewayUp = true;
    private Prices _prices = script.Prices;

    /// <summary>Everything that happens by itself, message by message.</summary>
    public void Begin()
    {
        market.Network.Faults = new NetworkFaults
        {
            MostDelay = TimeSpan.FromMilliseconds(script.Has(FaultKind.SlowNetwork) ? 800 : 20),
            RefusedConnection = RateOf(FaultKind.RefusedConnection),
            LostRequest = RateOf(FaultKind.LostRequest),
            LostReply = RateOf(FaultKind.LostReply),
            BrokenPiece = RateOf(FaultKind.BrokenStream) / 4,
            StalledPiece = RateOf(FaultKind.StalledStream),
            DoubledRequest = RateOf(FaultKind.DoubledRequest) * 4,
        };
        lives.Set(new NodeFaults
        {
            MostDelay = TimeSpan.FromMilliseconds(script.Has(FaultKind.SlowNetwork) ? 900 : 30),
            Error = RateOf(FaultKind.RpcError) * 4,
            Stale = RateOf(FaultKind.StaleRead) * 8,
            Stuck = RateOf(FaultKind.StuckTransaction) * 8,
            Lost = RateOf(FaultKind.LostTransaction) * 8,
        });
    }

    /// <summary>Nothing goes wrong any more by itself.</summary>
    public void End()
    {
        market.Network.Faults = new NetworkFaults();
        lives.Set(new NodeFaults());
    }

    /// <summary>Does all of the script's events at their times; completes when the last is over.</summary>
    public Task RunAsync() => Task.WhenAll(script.Events.Select(RunAsync));

    private double RateOf(FaultKind kind) => script.Has(kind) ? script.Rate : 0;

    private async Task RunAsync(FaultEvent one)
    {
        await Task.Delay(one.At, market.Time);
        market.Scheduler.Trace.Record("trouble", $"{one.Number} {one.Kind} {one.For} {one.Size}");
        switch (one.Kind)
        {
            case FaultKind.ProviderKilled:
                await KillProviderAsync(one, _prices);
                break;
            case FaultKind.PriceChange:
                _prices = new(_prices.Input, _prices.Cached, _prices.Output + new Amount((UInt128)one.Size));
                await KillProviderAsync(one, _prices);
                break;
            case FaultKind.GatewayKilled:
                await KillGatewayAsync(one);
                break;
            case FaultKind.Reorganisation:
                // Nodes forget what was in blocks that were replaced, some more than others.
                market.Chain.Reorganise(
                    Math.Min(1 + (one.Size % script.Depth), market.Chain.Depth), _random,
                    one.Size % 3 == 0 ? 0.6 : 0.05);
                break;
            case FaultKind.EngineFailure:
                market.Engine.FailsAfter = one.Size % 2 == 0 ? 0 : one.Size % 20;
                await WaitAsync(one);
                market.Engine.FailsAfter = null;
                break;
            case FaultKind.FeeSpike:
                market.Chain.WeiPerGas = UsualFee * (UInt128)(2 + (one.Size % 999));
                await WaitAsync(one);
                market.Chain.WeiPerGas = UsualFee;
                break;
            case FaultKind.ChainHalt:
                market.Chain.IsHalted = true;
                await WaitAsync(one);
                market.Chain.IsHalted = false;
                break;
            case FaultKind.GatewayCut:
                await CutAsync(one, "gateway", market.ProviderTarget.Endpoint);
                break;
            case FaultKind.IndexerCut:
                await CutAsync(one, one.Size % 2 == 0 ? "gateway" : "provider", market.IndexerListener.Endpoint);
                break;
            case FaultKind.ProviderNodeDown:
                await DownAsync(one, () => lives.Provider.Node);
                break;
            case FaultKind.GatewayNodeDown:
                await DownAsync(one, () => lives.Gateway.Node);
                break;
        }
    }

    private Task WaitAsync(FaultEvent one) => Task.Delay(one.For, market.Time);

    private async Task CutAsync(FaultEvent one, string peer, Uri endpoint)
    {
        market.Network.Cut(peer, endpoint);
        await WaitAsync(one);
        market.Network.Heal(peer, endpoint);
    }

    private async Task DownAsync(FaultEvent one, Func<FaultyNode> node)
    {
        node().IsDown = true;
        await WaitAsync(one);
        node().IsDown = false;
    }

    private async Task KillProviderAsync(FaultEvent one, Prices prices)
    {
        if (!_isProviderUp)
        {
            return;
        }

        _isProviderUp = false;
        lives.Provider.Kill();
        market.KillProvider(one.Size % 4);
        await WaitAsync(one);
        while (await market.TryStartProviderAsync(draft => draft.Prices = prices) is not null)
        {
            lives.Provider.Kill();
            await Task.Delay(RestartAfter, market.Time);
        }

        _isProviderUp = true;
    }

    private async Task KillGatewayAsync(FaultEvent one)
    {
        if (!_isGatewayUp)
        {
            return;
        }

        _isGatewayUp = false;
        lives.Gateway.Kill();
        market.KillGateway(one.Size % 4);
        await WaitAsync(one);
        await market.StartGatewayAsync();
        _isGatewayUp = true;
    }
}
