using System.Net;
using System.Net.Sockets;
using System.Text;
using Souk.Wire.Http;

namespace Souk.Wire.Tests.Http;

public sealed class WireEndpointTests
{
    [Fact]
    public async Task A_handler_sees_method_path_query_headers_body_and_peer()
    {
        WireRequest? seen = null;
        await using var host = await NodeHost.StartAsync(new Handler((request, response, aborted) =>
        {
            seen = request;
            return response.SendJsonAsync(201, "{}"u8.ToArray(), aborted).AsTask();
        }));
        using var client = Clients.New();

        var sent = new WireRequest(
            "PUT", "/souk/v1/a%2Fb", "x=1&y=a%20b", new() { { "souk-one", "1" } }, new byte[] { 1, 2 }, "");
        await using var reply = await client.SendAsync(host.Plain, sent, Clients.Soon);

        Assert.Equal((201, "application/json"), (reply.Status, reply.Headers["Content-Type"]));
        Assert.Equal(("PUT", "/souk/v1/a%2Fb", "a b", "1", "127.0.0.1"),
            (seen!.Method, seen.Path, seen.QueryValue("y"), seen.Headers["Souk-One"], seen.Peer));
        Assert.Equal(new byte[] { 1, 2 }, seen.Body.ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_leaves_cancels_the_handler(bool isTls)
    {
        using var folder = new TemporaryFolder();
        using var certificates = NodeCertificateStore.Open(folder.Path, TimeProvider.System);
        var left = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await NodeHost.StartAsync(
            new Handler(async (_, response, aborted) =>
            {
                try
                {
                    await response.StartAsync(200, new() { { "content-type", "text/event-stream" } }, aborted);
                    while (true)
                    {
                        await response.WriteAsync(": hi\n\n"u8.ToArray(), aborted);
                        await Task.Delay(5, aborted);
                    }
                }
                finally
                {
                    left.TrySetResult(aborted.IsCancellationRequested);
                }
            }),
            certificates: isTls ? certificates : null);
        using var client = Clients.New();
        var target = new PeerTarget(host.Endpoint, isTls ? certificates.Current.SpkiHash : null);

        await using (var reply = await client.SendAsync(target, WireRequest.Get("/"), Clients.Soon))
        {
            await foreach (var _ in reply.ReadAsync(Clients.Soon))
            {
                break;
            }
        }

        Assert.True(await left.Task.WaitAsync(Clients.Soon));
    }

    [Fact]
    public async Task A_bodys_size_is_bounded_however_it_is_announced()
    {
        await using var host = await NodeHost.StartAsync(Handler.Echo, new() { MaxBodyBytes = 1000 });

        var announced = await RawAsync(host, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n");
        var chunked = await RawAsync(
            host,
            $"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            + $"3e9\r\n{new string('a', 1001)}\r\n0\r\n\r\n");
        var fits = await RawAsync(
            host,
            $"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            + $"3e8\r\n{new string('a', 1000)}\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413", announced, StringComparison.Ordinal);
        Assert.Contains("too_large", announced, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 413", chunked, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", fits, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_body_within_bounds_arrives_whole()
    {
        await using var host = await NodeHost.StartAsync(Handler.Echo);
        using var client = Clients.New();
        var body = new byte[7 << 20];
        new Random(1).NextBytes(body);

        await using var reply = await client.SendAsync(host.Plain, WireRequest.Json("POST", "/", body), Clients.Soon);

        Assert.True((await reply.ReadAllAsync(8 << 20, Clients.Soon)).Span.SequenceEqual(body));
    }

    [Fact]
    public async Task Bodies_of_all_peers_together_are_bounded_and_given_back()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await NodeHost.StartAsync(
            new Handler(async (request, response, aborted) =>
            {
                await response.StartAsync(200, [], aborted);
                await response.WriteAsync("x"u8.ToArray(), aborted);
                await (request.Path == "/hold" ? release.Task : Task.CompletedTask);
            }),
            new() { MaxBufferedBytes = 1500 });
        using var client = Clients.New();
        async Task<int> StatusAsync()
        {
            await using var reply = await client.SendAsync(
                host.Plain, WireRequest.Json("POST", "/", new byte[1000]), Clients.Soon);
            return reply.Status;
        }

        await using var held = await client.SendAsync(
            host.Plain, WireRequest.Json("POST", "/hold", new byte[1000]), Clients.Soon);
        var refused = await StatusAsync();
        release.SetResult();
        await held.ReadAllAsync(100, Clients.Soon);
        var taken = 503;
        for (var i = 0; i < 200 && taken == 503; i++)
        {
            await Task.Delay(10);
            taken = await StatusAsync();
        }

        Assert.Equal((503, 200), (refused, taken));
    }

    [Fact]
    public async Task A_body_that_dribbles_in_is_answered_408()
    {
        await using var host = await NodeHost.StartAsync(
            Handler.Echo, new() { BodyTimeout = TimeSpan.FromMilliseconds(200) });

        var answer = await RawAsync(host, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab");

        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains("body_too_slow", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Huge_and_many_headers_are_answered_431()
    {
        await using var host = await NodeHost.StartAsync(
            Handler.Echo, new() { MaxHeaderBytes = 4096, MaxHeaders = 20 });
        var many = string.Concat(Enumerable.Range(0, 30).Select(i => $"h{i}: 1\r\n"));

        var huge = await RawAsync(host, $"GET / HTTP/1.1\r\nhost: x\r\nh: {new string('a', 5000)}\r\n\r\n");
        var manifold = await RawAsync(host, $"GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n");

        Assert.StartsWith("HTTP/1.1 431", huge, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 431", manifold, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 100, 100, 503)]
    [InlineData(100, 1, 100, 429)]
    [InlineData(100, 100, 1, 429)]
    public async Task What_is_open_at_once_is_bounded_and_given_back(int all, int perPeer, int streams, int expected)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await NodeHost.StartAsync(
            new Handler(async (_, response, aborted) =>
            {
                await response.StartAsync(200, new() { { "content-type", "text/event-stream" } }, aborted);
                await response.WriteAsync(": open\n\n"u8.ToArray(), aborted);
                await release.Task;
            }),
            new() { MaxRequests = all, MaxRequestsPerPeer = perPeer, MaxStreamsPerPeer = streams });
        using var client = Clients.New();

        await using var first = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);
        await using (var second = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon))
        {
            Assert.Equal(expected, second.Status);
            Assert.Contains("busy", await TextAsync(second), StringComparison.Ordinal);
        }

        release.SetResult();
        await first.ReadAllAsync(100, Clients.Soon);
        // The place is given back a moment after the last byte has arrived.
        var third = expected;
        for (var i = 0; i < 200 && third == expected; i++)
        {
            await Task.Delay(10);
            await using var reply = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);
            third = reply.Status;
        }

        Assert.Equal(200, third);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_after_the_time_bound()
    {
        var ended = new TaskCompletionSource<(Exception Error, long Written)>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await NodeHost.StartAsync(
            new Handler(async (_, response, aborted) =>
            {
                var written = 0L;
                try
                {
                    await response.StartAsync(200, [], aborted);
                    while (true)
                    {
                        await response.WriteAsync(new byte[16 << 10], aborted);
                        written += 16 << 10;
                    }
                }
                catch (Exception e)
                {
                    ended.SetResult((e, written));
                    throw;
                }
            }),
            new() { WriteTimeout = TimeSpan.FromMilliseconds(300) });
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, host.Endpoint.Port, Clients.Soon);
        await socket.GetStream().WriteAsync("GET / HTTP/1.1\r\nhost: x\r\n\r\n"u8.ToArray(), Clients.Soon);

        var (error, written) = await ended.Task.WaitAsync(Clients.Soon);

        Assert.IsAssignableFrom<OperationCanceledException>(error);
        Assert.InRange(written, 1, 64 << 20);
    }

    [Fact]
    public async Task A_failing_handler_answers_500_without_a_word_of_why_or_breaks_what_it_began()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            if (request.Path == "/late")
            {
                await response.StartAsync(200, [], aborted);
                await response.WriteAsync("abc"u8.ToArray(), aborted);
            }

            throw new InvalidOperationException("secret");
        }));
        using var client = Clients.New();

        await using var early = await client.SendAsync(host.Plain, WireRequest.Get("/early"), Clients.Soon);
        var text = await TextAsync(early);
        // A reset may overtake what was sent before it, so the client learns of it with the head or with the body.
        var broken = await Assert.ThrowsAsync<WireException>(async () =>
        {
            await using var late = await client.SendAsync(host.Plain, WireRequest.Get("/late"), Clients.Soon);
            await late.ReadAllAsync(100, Clients.Soon);
        });

        Assert.Equal(500, early.Status);
        Assert.Contains("\"fault\":\"responder\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.Equal(WireCodes.Disconnected, broken.Code);
    }

    [Fact]
    public async Task A_handler_that_never_starts_its_response_is_a_bug_that_answers_500()
    {
        await using var host = await NodeHost.StartAsync(new Handler((_, _, _) => Task.CompletedTask));
        using var client = Clients.New();

        await using var reply = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);

        Assert.Equal(500, reply.Status);
    }

    [Fact]
    public async Task Each_write_is_on_the_wire_before_the_next()
    {
        var seen = new SemaphoreSlim(0);
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
        {
            await response.StartAsync(200, new() { { "content-type", "text/event-stream" } }, aborted);
            for (var i = 0; i < 20; i++)
            {
                await response.WriteAsync(new byte[] { (byte)i }, aborted);
                await seen.WaitAsync(aborted);
            }
        }));
        using var client = Clients.New();
        var expected = 0;

        await using var reply = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);
        await foreach (var piece in reply.ReadAsync(Clients.Soon))
        {
            Assert.Equal(expected++, piece.ToArray().Single());
            seen.Release();
        }

        Assert.Equal(20, expected);
    }

    private static async Task<string> TextAsync(WireReply reply)
    {
        var body = await reply.ReadAllAsync(4096, Clients.Soon);
        return Encoding.UTF8.GetString(body.Span);
    }

    private static async Task<string> RawAsync(NodeHost host, string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, host.Endpoint.Port, Clients.Soon);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Clients.Soon);
        using var reader = new StreamReader(socket.GetStream());
        return await reader.ReadToEndAsync(Clients.Soon);
    }
}
