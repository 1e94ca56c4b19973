using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Souk.Engines.Upstream;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

/// <summary>Servers as they fail in the field: whatever they do, the request ends in time, with the right fault, and
/// the next one is served once the server is back.</summary>
public sealed class BrokenUpstreamTests : IAsyncLifetime
{
    private const string Letter = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
    private const string AllButTheEnd = """
        data: {"choices":[{"index":0,"delta":{"content":"whole"},"finish_reason":"stop"}]}

        data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}


        """;

    private LoopbackServer server = null!;

    public async ValueTask InitializeAsync() => server = await LoopbackServer.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task A_stream_that_a_proxy_compressed_is_read(string coding)
    {
        server.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.ContentEncoding = coding;
            await using Stream zip = coding switch
            {
                "br" => new BrotliStream(context.Response.Body, CompressionLevel.Fastest),
                "deflate" => new ZLibStream(context.Response.Body, CompressionLevel.Fastest),
                _ => new GZipStream(context.Response.Body, CompressionLevel.Fastest),
            };
            await zip.WriteAsync(Encoding.UTF8.GetBytes(AllButTheEnd + "data: [DONE]\n\n"));
        };
        await using var engine = await ConnectAsync();
        Assert.Equal("whole", (await engine.AllAsync(Ask.For("Hi"))).Text());
        Assert.Contains("identity", server.AcceptEncoding, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_small_reply_that_unpacks_into_a_huge_one_is_cut_off()
    {
        server.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.ContentEncoding = "gzip";
            await using var zip = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 64; i++)
            {
                await zip.WriteAsync(zeros);
            }
        };
        await using var engine = await ConnectAsync();
        Assert.Equal("upstream_protocol", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    public async Task An_unknown_compression_is_refused(string coding)
    {
        server.Answer = context =>
        {
            context.Response.Headers.ContentEncoding = coding;
            return LoopbackServer.StreamAsync(context, AllButTheEnd);
        };
        await using var engine = await ConnectAsync();
        Assert.Equal("upstream_protocol", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
    }

    [Theory]
    [InlineData(200, "upstream_protocol")]
    [InlineData(403, "upstream_error")]
    [InlineData(502, "upstream_error")]
    public async Task An_html_page_is_no_answer_and_none_of_it_reaches_the_customer(int status, string code)
    {
        server.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "text/html";
            return context.Response.WriteAsync("<html><h1>Bad Gateway</h1><hr>nginx at 10.1.2.3</html>");
        };
        await using var engine = await ConnectAsync();
        var failed = await engine.RefusedAsync(Ask.For("Hi"));
        Assert.Equal((Fault.Ours, code), (failed.Fault, failed.Code));
        Assert.DoesNotContain("nginx", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_is_whole_needs_no_end_mark()
    {
        server.Answer = async context =>
        {
            await LoopbackServer.StreamAsync(context, AllButTheEnd);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        await using var engine = await ConnectAsync(o => o with { EndTimeout = TimeSpan.FromMilliseconds(100) });
        var events = await engine.AllAsync(Ask.For("Hi"));
        Assert.Equal(("whole", new Finished(0, "stop", 2)), (events.Text(), events.End()));
        await server.Left.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
    }

    [Fact]
    public async Task An_answer_that_is_whole_survives_a_connection_that_breaks()
    {
        server.Answer = async context =>
        {
            await LoopbackServer.StreamAsync(context, AllButTheEnd);
            throw new InvalidOperationException("This leaves the body without its last chunk.");
        };
        await using var engine = await ConnectAsync();
        Assert.Equal("whole", (await engine.AllAsync(Ask.For("Hi"))).Text());
    }

    [Fact]
    public async Task A_stream_that_breaks_off_in_the_middle_of_an_event_is_ours()
    {
        server.Answer = async context =>
        {
            await LoopbackServer.StreamAsync(context, Letter + "data: {\"choi");
            throw new InvalidOperationException("This leaves the body without its last chunk.");
        };
        await using var engine = await ConnectAsync();
        Assert.Equal("upstream_truncated", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
    }

    [Fact]
    public async Task A_connection_of_which_the_server_closes_its_half_is_ours_at_once()
    {
        await using var engine = await ConnectAsync();
        var port = server.BaseUrl.Port;
        await server.DisposeAsync();
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        var asking = engine.RefusedAsync(Ask.For("Hi"));
        using var socket = await listener.AcceptSocketAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + $"{Letter.Length:x}\r\n{Letter}\r\n"));
        // It goes on listening, but will say no more.
        socket.Shutdown(SocketShutdown.Send);

        Assert.Equal("upstream_truncated", (await asking).Code);
    }

    [Fact]
    public async Task A_drip_of_bytes_without_a_token_runs_into_the_idle_limit()
    {
        server.Answer = async context =>
        {
            await LoopbackServer.StreamAsync(context, Letter + "data: {\"choices\":");
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await LoopbackServer.WriteAsync(context, " ");
                await Task.Delay(20, context.RequestAborted);
            }
        };
        await using var engine = await ConnectAsync(o => o with { IdleTimeout = TimeSpan.FromMilliseconds(400) });
        Assert.Equal("upstream_idle_timeout", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
    }

    [Fact]
    public async Task A_server_that_restarts_is_asked_again()
    {
        await using var engine = await ConnectAsync();
        int port = server.BaseUrl.Port;
        await server.DisposeAsync();
        var answer = engine.AllAsync(Ask.For("Hi"));
        await Task.Delay(300);
        server = await LoopbackServer.StartAsync(port);
        server.ProbePasses = false;
        Assert.Equal("a", (await answer).Text());
    }

    [Fact]
    public async Task A_storm_of_errors_is_waited_out_without_adding_to_it()
    {
        var time = new FakeTimeProvider();
        await using var engine = await ConnectAsync(time: time);
        int asked = 0;
        bool isBroken = true;
        server.Answer = context =>
        {
            asked++;
            context.Response.StatusCode = isBroken ? 500 : 200;
            return isBroken ? Task.CompletedTask : LoopbackServer.StreamAsync(context, LoopbackServer.Probe);
        };
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("upstream_error", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
        }

        // It rests: nobody is sent there, and callers are told to go elsewhere at once.
        Assert.Equal("engine_busy", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
        Assert.Equal(3, asked);

        // One trial a rest, and each rest is longer.
        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal("upstream_error", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal("engine_busy", (await engine.RefusedAsync(Ask.For("Hi"))).Code);
        isBroken = false;
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("a", (await engine.AllAsync(Ask.For("Hi"))).Text());
        Assert.Equal("a", (await engine.AllAsync(Ask.For("Hi"))).Text());
        Assert.Equal(6, asked);
    }

    [Fact]
    public async Task Refusing_customers_and_being_full_is_no_failure_of_the_server()
    {
        await using var engine = await ConnectAsync();
        server.Answer = context =>
        {
            context.Response.StatusCode = server.Asked.Count % 2 == 0 ? 400 : 503;
            return Task.CompletedTask;
        };
        for (int i = 0; i < 10; i++)
        {
            await engine.RefusedAsync(Ask.For("Hi"));
        }

        Assert.Equal(11, server.Asked.Count);
    }

    [Fact]
    public async Task A_connection_that_was_closed_while_idle_is_replaced()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAndCloseAsync(listener, replies: 2);
        using var http = new UpstreamHttp(
            new UpstreamOptions { BaseUrl = new Uri($"http://{listener.LocalEndpoint}/v1") }, null);
        Assert.Equal(200, (await http.PostShortAsync("chat/completions", "{}"u8.ToArray(), default)).Status);
        await Task.Delay(100);
        Assert.Equal(200, (await http.PostShortAsync("chat/completions", "{}"u8.ToArray(), default)).Status);
        await serving;
    }

    // Promises to keep the connection, and closes it all the same.
    private static async Task ServeAndCloseAsync(TcpListener listener, int replies)
    {
        for (int i = 0; i < replies; i++)
        {
            using var client = await listener.AcceptTcpClientAsync();
            byte[] request = new byte[4096];
            string seen = "";
            while (!seen.EndsWith("{}", StringComparison.Ordinal))
            {
                seen += Encoding.ASCII.GetString(request, 0, await client.GetStream().ReadAsync(request));
            }

            await client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"u8.ToArray());
        }
    }

    private async Task<UpstreamEngine> ConnectAsync(
        Func<UpstreamOptions, UpstreamOptions>? change = null, TimeProvider? time = null)
    {
        var options = new UpstreamOptions { BaseUrl = server.BaseUrl, Features = [] };
        return await UpstreamEngine.ConnectAsync(
            change?.Invoke(options) ?? options, time ?? TimeProvider.System, default);
    }
}
