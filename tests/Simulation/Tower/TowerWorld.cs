using System.Globalization;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;
using Souk.Wire.Paid;

namespace Souk.Simulation.Tower;

/// <summary>How a tower's world fared.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Events">Events that entered its trace.</param>
/// <param name="Trace">The hash over all of them.</param>
/// <param name="Closes">Channels that were closed while the tower held a claim for them.</param>
/// <param name="Reorganisations">How often blocks were replaced.</param>
/// <param name="Crashes">How often the tower was killed.</param>
/// <param name="Violation">What was lost; null where nothing was.</param>
/// <param name="Story">The last logs of a world that failed.</param>
internal sealed record TowerFate(
    ulong Seed, long Events, Bytes32 Trace, int Closes, int Reorganisations, int Crashes, string? Violation,
    string Story);

/// <summary>
/// A watchtower, its chain, and customers who close channels while their provider is down. What the tower said to hold
/// when a channel was closed has to be claimed on the chain at the end; the audit reads the chain's own books.
/// </summary>
internal sealed class TowerWorld : IDisposable
{
    private static readonly UInt128 UsualFee = 1_000_000_000;
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SendAgain = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SpeaksEvery = TimeSpan.FromSeconds(15);
    private readonly TowerScript _script;
    private readonly SimulatedScheduler _scheduler;
    private readonly SimulatedNetwork _network;
    private readonly SimulatedChain _chain;
    private readonly KeptLogs _logs;
    private readonly Customers _customers;
    private readonly TowerHost _tower;
    private readonly NodeClient _provider;
    private List<GuardedChannel> _channels = [];
    private int _reorganisations;
    private int _crashes;
    private bool _isAnswered;

    private TowerWorld(TowerScript script, TextWriter? copy)
    {
        _script = script;
        _scheduler = new SimulatedScheduler(script.Seed, interleaves: true);
        _scheduler.Trace.Copy = copy;
        _logs = new KeptLogs(_scheduler);
        _network = new SimulatedNetwork(_scheduler, new NetworkFaults
        {
            LostRequest = script.Rate, LostReply = script.Rate, DoubledRequest = script.Rate,
            MostDelay = TimeSpan.FromMilliseconds(500),
        });
        _chain = new SimulatedChain(_scheduler, NetworkFile());
        _customers = new Customers(_scheduler, _chain);
        _tower = new TowerHost(
            _scheduler, _network, _chain, _customers.Authorizer,
            Customers.NextKey(_scheduler.Randomness.Fork("tower")), _logs)
        {
            SyncTime = script.SyncTime,
        };
        _provider = new NodeClient(_network.ClientFor("provider"), _scheduler.Time);
    }

    /// <summary>Lives a script's world.</summary>
    public static TowerFate Live(TowerScript script, TextWriter? copy = null)
    {
        using var world = new TowerWorld(script, copy);
        string? violation = null;
        try
        {
            world._scheduler.Run(world.RunAsync);
            violation = world.Audit();
        }
        catch (Exception failure)
        {
            violation = failure.Message.Split('\n')[0];
        }

        return new TowerFate(
            script.Seed, world._scheduler.Trace.Count, world._scheduler.Trace.Hash,
            world._channels.Count(channel => channel.IsClosed && !channel.HeldAtClose.IsZero),
            world._reorganisations, world._crashes, violation,
            violation is null ? "" : string.Join('\n', world._logs.Lines.TakeLast(40)));
    }

    public void Dispose()
    {
        _tower.Dispose();
        _chain.Dispose();
        _scheduler.Dispose();
    }

    private async Task RunAsync()
    {
        _channels = await _customers.OpenAsync(_script);
        await _tower.StartAsync();
        using var ended = new CancellationTokenSource();
        var troubles = TroublesAsync();
        var guarding = GuardAsync(ended.Token);
        await Task.WhenAll(_channels.Select((channel, i) =>
            _customers.CloseAsync(channel, Before + _script.Closes[i])));
        ended.Cancel();
        await troubles;
        await guarding;
    }

    // The provider hands its claims in, a round after the other, each until the tower says that it holds it.
    private async Task GuardAsync(CancellationToken ended)
    {
        for (var round = 0; round < _channels.Max(channel => channel.Claims.Count); round++)
        {
            while (Missing(round) is { Count: > 0 } missing && !ended.IsCancellationRequested)
            {
                await SendAsync(missing);
                await Task.Delay(SendAgain, _scheduler.Time, CancellationToken.None);
            }
        }

        while (_script.IsProviderHeard && !ended.IsCancellationRequested)
        {
            await SendAsync([_channels[0].Claims[^1]]);
            await Task.Delay(SpeaksEvery, _scheduler.Time, CancellationToken.None);
        }
    }

    private List<GuardedClaim> Missing(int round) =>
    [
        .. _channels.Where(channel => round < channel.Claims.Count
            && channel.Held < channel.Claims[round].Total).Select(channel => channel.Claims[round]),
    ];

    private async Task SendAsync(IReadOnlyList<GuardedClaim> claims)
    {
        var sent = await _provider.GuardAsync(
            _tower.Target, new GuardRequest(Amount.Zero, claims), CancellationToken.None);
        if (!sent.TryGet(out var reply, out _))
        {
            return;
        }

        foreach (var held in reply.Held)
        {
            var channel = _channels.Find(one => one.Id == held.ChannelId)!;
            channel.Held = Amount.Max(channel.Held, held.Total);
        }

        if (_script.IsKilledAtFirstAnswer && !_isAnswered)
        {
            _isAnswered = true;
            await CrashAsync(SendAgain, 0);
        }
    }

    private async Task TroublesAsync()
    {
        _tower.Faults = new NodeFaults
        {
            Error = _script.Rate * 2, Stale = _script.Rate * 2, Stuck = _script.Rate, Lost = _script.Rate,
            MostDelay = TimeSpan.FromMilliseconds(500),
        };
        await Task.WhenAll(
        [
            .. _script.Outages.Select(GoDownAsync), .. _script.Reorganisations.Select(ReorganiseAsync),
            CrashesAsync(), BeDearAsync(), CalmAsync(),
        ]);
    }

    private Task AtAsync(TimeSpan at) => Task.Delay(Before + at, _scheduler.Time);

    private async Task CalmAsync()
    {
        await AtAsync(_script.CalmFrom);
        _tower.Faults = new NodeFaults();
        _network.Faults = new NetworkFaults();
    }

    private async Task GoDownAsync(Stretch outage)
    {
        await AtAsync(outage.From);
        _tower.IsDown = true;
        await Task.Delay(outage.Length, _scheduler.Time);
        _tower.IsDown = false;
    }

    private async Task ReorganiseAsync((TimeSpan At, int Depth) one)
    {
        await AtAsync(one.At);
        _chain.Reorganise(one.Depth, _scheduler.Randomness.Fork(
            string.Create(CultureInfo.InvariantCulture, $"reorganisation {++_reorganisations}")));
    }

    private async Task CrashesAsync()
    {
        var start = _scheduler.Elapsed + Before;
        foreach (var (at, pause, surviving) in _script.Crashes)
        {
            if (start + at > _scheduler.Elapsed)
            {
                await Task.Delay(start + at - _scheduler.Elapsed, _scheduler.Time);
            }

            await CrashAsync(pause, surviving);
        }
    }

    private async Task CrashAsync(TimeSpan pause, int surviving)
    {
        if (!_tower.IsUp)
        {
            return;
        }

        _crashes++;
        _tower.Kill(surviving);
        await Task.Delay(pause, _scheduler.Time);
        await _tower.StartAsync();
    }

    private async Task BeDearAsync()
    {
        var half = _script.Dear.Length / 2;
        await AtAsync(_script.Dear.From);
        _chain.WeiPerGas = UsualFee * 10;
        await Task.Delay(half, _scheduler.Time);
        _chain.LeastPercent = _script.LeastPercent;
    }

    private string? Audit()
    {
        if (_tower.Ended is { } ended)
        {
            return $"the tower's loops ended: {ended.Message}";
        }

        var (lost, channels) = (Amount.Zero, 0);
        foreach (var channel in _channels)
        {
            var missing = Amount.SubtractToZero(channel.HeldAtClose, _chain.Channel(channel.Id).Claimed);
            lost += missing;
            channels += missing.IsZero ? 0 : 1;
        }

        return channels == 0 ? null : $"{channels} channels lost {lost}";
    }

    private static NetworkFile NetworkFile()
    {
        Address At(byte number)
        {
            Span<byte> bytes = stackalloc byte[20];
            (bytes[0], bytes[19]) = (0xC0, number);
            return Address.FromBytes(bytes);
        }

        return new NetworkFile(
            31337, ["http://127.0.0.1:8545"], At(1), At(2), At(3), At(4), 6, 2,
            TowerScript.DeepestReorganisation + 1, 60, null, null, [], At(5));
    }
}
