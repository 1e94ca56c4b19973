using System.IO.Pipelines;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Wire;
using static Souk.Simulation.Network.TestHandlers;

namespace Souk.Simulation.Network;

public sealed class SimulatedNetworkTests
{
    private static readonly PeerTarget Target = new(Somewhere, null);

    [Fact]
    public void Pieces_arrive_whole_and_in_order_however_their_delays_fall()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(
            scheduler, new() { LeastDelay = TimeSpan.Zero, MostDelay = TimeSpan.FromSeconds(3) });
        network.Listen(Somewhere, Counter(scheduler.Time, 500, TimeSpan.FromMilliseconds(10)));

        var text = scheduler.Run(async () =>
        {
            await using var reply = await network.SendAsync(Target, WireRequest.Get("/"), default);
            return await reply.ReadTextAsync();
        });

        Assert.Equal(Numbers(500), text);
    }

    [Fact]
    public void The_handler_sees_the_request_as_it_was_sent()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        WireRequest? seen = null;
        network.Listen(Somewhere, new Handler(async (request, response, aborted) =>
        {
            seen = request;
            await response.StartAsync(204, new() { { "souk-thing", "7" } }, aborted);
        }));

        var (status, header) = scheduler.Run(async () =>
        {
            var body = new byte[] { 1, 2, 3 };
            var request = new WireRequest("PUT", "/a", "b=c", new() { { "x", "y" } }, body, "");
            var sending = network.ClientFor("gateway-1").SendAsync(Target, request, default);
            body[0] = 9;
            await using var reply = await sending;
            return (reply.Status, reply.Headers["Souk-Thing"]);
        });

        Assert.Equal((204, "7"), (status, header));
        Assert.Equal(("PUT", "/a", "b=c", "y", "gateway-1"),
            (seen!.Method, seen.Path, seen.Query, seen.Headers["X"], seen.Peer));
        Assert.Equal(new byte[] { 1, 2, 3 }, seen.Body.ToArray());
    }

    [Fact]
    public void Leaving_a_reply_tells_the_handler()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        var stopped = new TaskCompletionSource<int>();
        network.Listen(Somewhere, new Handler(async (_, response, aborted) =>
        {
            await response.StartAsync(200, [], aborted);
            var sent = 0;
            try
            {
                while (true)
                {
                    await response.WriteAsync(new byte[] { 1 }, aborted);
                    sent++;
                    await Task.Delay(TimeSpan.FromSeconds(1), scheduler.Time, aborted);
                }
            }
            finally
            {
                stopped.SetResult(sent);
            }
        }));

        var sent = scheduler.Run(async () =>
        {
            await using (var reply = await network.SendAsync(Target, WireRequest.Get("/"), default))
            {
                await foreach (var _ in reply.ReadAsync(default))
                {
                    break;
                }
            }

            return await stopped.Task;
        });

        Assert.InRange(sent, 1, 2);
    }

    [Fact]
    public void Cancelling_before_the_head_tells_the_handler()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        var told = new TaskCompletionSource();
        network.Listen(Somewhere, new Handler(async (_, _, aborted) =>
        {
            using var registration = aborted.Register(() => told.SetResult());
            await Task.Delay(Timeout.InfiniteTimeSpan, scheduler.Time, aborted);
        }));

        scheduler.Run(async () =>
        {
            using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(5), scheduler.Time);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => network.SendAsync(Target, WireRequest.Get("/"), cancel.Token));
            await told.Task;
        });
    }

    [Fact]
    public void A_closed_listener_breaks_its_streams_and_refuses_new_ones()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        var listener = network.Listen(Somewhere, Counter(scheduler.Time, 100, TimeSpan.FromSeconds(1)));

        scheduler.Run(async () =>
        {
            await using var reply = await network.SendAsync(Target, WireRequest.Get("/"), default);
            var reading = reply.ReadTextAsync();
            await Task.Delay(TimeSpan.FromSeconds(10), scheduler.Time);
            listener.Dispose();
            var broken = await Assert.ThrowsAsync<WireException>(() => reading);
            Assert.Equal((Fault.Theirs, WireCodes.Disconnected), (broken.Fault, broken.Code));
            var refused = await Assert.ThrowsAsync<WireException>(
                () => network.SendAsync(Target, WireRequest.Get("/"), default));
            Assert.Equal(WireCodes.ConnectFailed, refused.Code);
            network.Listen(Somewhere, Counter(scheduler.Time, 3, TimeSpan.Zero));
            await using var again = await network.SendAsync(Target, WireRequest.Get("/"), default);
            Assert.Equal(Numbers(3), await again.ReadTextAsync());
        });
    }

    [Fact]
    public void Another_certificate_than_the_pinned_one_is_refused()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        var pin = scheduler.Randomness.NextBytes32();
        var endpoint = new Uri("https://provider.example:8443");
        network.Listen(endpoint, Counter(scheduler.Time, 1, TimeSpan.Zero), pin);

        scheduler.Run(async () =>
        {
            await using var good = await network.SendAsync(new(endpoint, pin), WireRequest.Get("/"), default);
            var bad = await Assert.ThrowsAsync<WireException>(
                () => network.SendAsync(new(endpoint, Bytes32.Zero), WireRequest.Get("/"), default));
            Assert.Equal(WireCodes.PinMismatch, bad.Code);
            var bare = await Assert.ThrowsAsync<WireException>(
                () => network.SendAsync(new(endpoint, null), WireRequest.Get("/"), default));
            Assert.Equal(WireCodes.BadEndpoint, bare.Code);
        });
    }

    [Fact]
    public void A_lost_request_and_a_silent_peer_run_into_their_own_timeouts()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler, new() { LostRequest = 1 });
        network.Listen(Somewhere, Counter(scheduler.Time, 5, TimeSpan.FromMinutes(5)));

        scheduler.Run(async () =>
        {
            var lost = await Assert.ThrowsAsync<WireException>(
                () => network.SendAsync(Target, WireRequest.Get("/"), default));
            Assert.Equal(WireCodes.HeadersTimeout, lost.Code);
            network.Faults = new();
            await using var reply = await network.SendAsync(Target, WireRequest.Get("/"), default);
            var silent = await Assert.ThrowsAsync<WireException>(reply.ReadTextAsync);
            Assert.Equal(WireCodes.IdleTimeout, silent.Code);
        });
    }

    [Fact]
    public void A_request_arrives_twice_only_where_a_connection_was_made()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler, new() { DoubledRequest = 1 });
        var arrivals = 0;
        var handler = new Handler(async (_, response, aborted) =>
        {
            arrivals++;
            await response.StartAsync(204, [], aborted);
        });

        scheduler.Run(async () =>
        {
            var refused = await Assert.ThrowsAsync<WireException>(
                () => network.SendAsync(Target, WireRequest.Get("/"), default));
            Assert.Equal(WireCodes.ConnectFailed, refused.Code);
            network.Listen(Somewhere, handler);
            await Task.Delay(network.Faults.LatestCopy + TimeSpan.FromSeconds(1), scheduler.Time);
            Assert.Equal(0, arrivals);

            await using var reply = await network.SendAsync(Target, WireRequest.Get("/"), default);
            await Task.Delay(network.Faults.LatestCopy + TimeSpan.FromSeconds(1), scheduler.Time);
            Assert.Equal(2, arrivals);
        });
    }

    [Fact]
    public void A_failing_handler_answers_500_or_breaks_what_it_has_begun()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        network.Listen(Somewhere, new Handler(async (request, response, aborted) =>
        {
            if (request.Path == "/late")
            {
                await response.StartAsync(200, [], aborted);
            }

            throw new InvalidOperationException();
        }));

        scheduler.Run(async () =>
        {
            await using var early = await network.SendAsync(Target, WireRequest.Get("/early"), default);
            Assert.Equal(500, early.Status);
            var failure = await Record.ExceptionAsync(async () =>
            {
                await using var late = await network.SendAsync(Target, WireRequest.Get("/late"), default);
                await late.ReadTextAsync();
            });
            Assert.Equal(WireCodes.Disconnected, Assert.IsType<WireException>(failure).Code);
        });
    }

    [Fact]
    public void A_client_that_does_not_read_stops_the_writer_and_is_cut_in_the_end()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        var written = 0;
        var ended = new TaskCompletionSource<Exception>();
        network.Listen(Somewhere, new Handler(async (_, response, aborted) =>
        {
            await response.StartAsync(200, [], aborted);
            try
            {
                while (true)
                {
                    await response.WriteAsync(new byte[1024], aborted);
                    written += 1024;
                }
            }
            catch (OperationCanceledException e)
            {
                ended.SetResult(e);
            }
        }));

        scheduler.Run(async () =>
        {
            await using var reply = await network.SendAsync(Target, WireRequest.Get("/"), default);
            await ended.Task;
        });

        Assert.InRange(written, 60 << 10, 70 << 10);
        Assert.InRange(scheduler.Elapsed, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(31));
    }

    [Fact]
    public void Framework_readers_over_a_simulated_body_stay_on_the_thread()
    {
        using var scheduler = new SimulatedScheduler(4);
        var network = new SimulatedNetwork(scheduler);
        network.Listen(Somewhere, Counter(scheduler.Time, 200, TimeSpan.FromSeconds(1)));

        var length = scheduler.Run(async () =>
        {
            await using var reply = await network.SendAsync(Target, WireRequest.Get("/"), default);
            var pipe = PipeReader.Create(reply.Body);
            while (true)
            {
                var read = await pipe.ReadAsync();
                if (read.IsCompleted)
                {
                    return read.Buffer.Length;
                }

                pipe.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        });

        Assert.Equal(Numbers(200).Length, length);
    }
}
