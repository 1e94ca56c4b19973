using System.Text;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Wire;

namespace Souk.Simulation.Network;

public sealed class DeterminismTests
{
    private static readonly Uri Relay = new("http://127.0.0.1:2001");
    private static readonly Uri Source = new("http://127.0.0.1:2002");

    [Fact]
    public void The_same_seed_gives_the_same_trace_a_hundred_times()
    {
        var first = RunOnce(2026);

        Assert.True(first.Events > 300, $"Only {first.Events} events: the scenario exercises too little.");
        for (var i = 1; i < 100; i++)
        {
            Assert.Equal(first, RunOnce(2026));
        }
    }

    [Fact]
    public void Different_seeds_give_different_traces()
    {
        var traces = Enumerable.Range(0, 50).Select(seed => RunOnce((ulong)seed).Hash).ToHashSet();

        Assert.Equal(50, traces.Count);
    }

    /// <summary>Clients read streams through a relay on a bad network, and some lose patience.</summary>
    private static (Bytes32 Hash, long Events, int Good, int Failed) RunOnce(ulong seed)
    {
        using var scheduler = new SimulatedScheduler(seed, interleaves: true);
        var network = new SimulatedNetwork(scheduler, new()
        {
            RefusedConnection = 0.05,
            LostRequest = 0.03,
            LostReply = 0.03,
            BrokenPiece = 0.005,
            StalledPiece = 0.02,
        });
        network.Listen(Source, TestHandlers.Counter(scheduler.Time, 20, TimeSpan.FromMilliseconds(50)));
        var upstream = network.ClientFor("relay");
        network.Listen(Relay, new Handler(async (request, response, aborted) =>
        {
            await using var reply = await upstream.SendAsync(new(Source, null), request, aborted);
            await response.StartAsync(reply.Status, [], aborted);
            await foreach (var piece in reply.ReadAsync(aborted))
            {
                await response.WriteAsync(piece, aborted);
            }
        }));

        var outcomes = scheduler.Run(() => Task.WhenAll(Enumerable.Range(0, 12).Select(ClientAsync)));
        return (scheduler.Trace.Hash, scheduler.Trace.Count, outcomes.Count(o => o), outcomes.Count(o => !o));

        async Task<bool> ClientAsync(int number)
        {
            var random = scheduler.Randomness.Fork($"client {number}");
            await Task.Delay(random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)), scheduler.Time);
            using var patience = new CancellationTokenSource(
                random.Between(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(10)), scheduler.Time);
            try
            {
                await using var reply = await network.ClientFor($"client {number}").SendAsync(
                    new(Relay, null), WireRequest.Get("/"), patience.Token);
                var text = await reply.ReadAllAsync(4096, patience.Token);
                scheduler.Trace.Record("read", text.Span);
                return Encoding.ASCII.GetString(text.Span) == TestHandlers.Numbers(20);
            }
            catch (Exception e) when (e is WireException or OperationCanceledException)
            {
                scheduler.Trace.Record("gave up", e is WireException wire ? wire.Code : "cancelled");
                return false;
            }
        }
    }
}
