using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Wire.Tests.Http;

public sealed class HttpWireClientTests
{
    [Fact]
    public async Task A_pinned_peer_is_spoken_to_over_tls()
    {
        using var folder = new TemporaryFolder();
        using var certificates = NodeCertificateStore.Open(folder.Path, TimeProvider.System);
        await using var host = await NodeHost.StartAsync(Handler.Echo, certificates: certificates);
        using var client = Clients.New();
        var target = new PeerTarget(host.Endpoint, certificates.Current.SpkiHash);

        for (var i = 0; i < 3; i++)
        {
            await using var reply = await client.SendAsync(
                target, WireRequest.Json("POST", "/x", Encoding.ASCII.GetBytes($"{{\"i\":{i}}}")), Clients.Soon);
            var body = await reply.ReadAllAsync(100, Clients.Soon);
            Assert.Equal(200, reply.Status);
            Assert.Equal($"{{\"i\":{i}}}", Encoding.ASCII.GetString(body.Span));
        }
    }

    [Fact]
    public async Task A_peer_with_another_key_gets_no_request()
    {
        using var folder = new TemporaryFolder();
        using var certificates = NodeCertificateStore.Open(folder.Path, TimeProvider.System);
        var served = 0;
        await using var host = await NodeHost.StartAsync(
            new Handler((_, response, aborted) =>
            {
                served++;
                return response.SendJsonAsync(200, default, aborted).AsTask();
            }),
            certificates: certificates);
        using var client = Clients.New();

        var failure = await FailureAsync(client, new(host.Endpoint, Bytes32.Parse(new string('1', 64))));

        Assert.Equal((Fault.Theirs, WireCodes.PinMismatch), (failure.Fault, failure.Code));
        Assert.Equal(0, served);
    }

    [Fact]
    public async Task After_a_change_both_pins_work_and_each_gets_its_own_certificate()
    {
        using var folder = new TemporaryFolder();
        var time = new ShiftedTime();
        using var certificates = NodeCertificateStore.Open(folder.Path, time);
        await using var host = await NodeHost.StartAsync(Handler.Echo, certificates: certificates);
        var before = new PeerTarget(host.Endpoint, certificates.Current.SpkiHash);
        var after = new PeerTarget(host.Endpoint, certificates.Rotate().SpkiHash);
        using var client = Clients.New();

        await using var first = await client.SendAsync(before, WireRequest.Get("/"), Clients.Soon);
        await using var second = await client.SendAsync(after, WireRequest.Get("/"), Clients.Soon);
        time.Shift = NodeCertificateStore.Overlap + TimeSpan.FromSeconds(1);
        using var late = Clients.New();
        var failure = await FailureAsync(late, before);

        Assert.Equal((200, 200, WireCodes.PinMismatch), (first.Status, second.Status, failure.Code));
    }

    [Fact]
    public async Task Tls_1_2_is_not_spoken()
    {
        using var certificate = NodeCertificate.Create(TimeProvider.System.GetUtcNow());
        await using var host = await NodeHost.StartAsync(Handler.Echo, listen: o => o.UseHttps(https =>
        {
            https.ServerCertificate = certificate.Certificate;
            https.SslProtocols = SslProtocols.Tls12;
        }));
        using var client = Clients.New();

        var failure = await FailureAsync(client, new(host.Endpoint, certificate.SpkiHash));

        Assert.Equal(WireCodes.TlsFailed, failure.Code);
    }

    [Fact]
    public async Task The_listener_speaks_nothing_below_tls_1_3()
    {
        using var folder = new TemporaryFolder();
        using var certificates = NodeCertificateStore.Open(folder.Path, TimeProvider.System);
        await using var host = await NodeHost.StartAsync(Handler.Echo, certificates: certificates);
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, host.Endpoint.Port, Clients.Soon);
        await using var tls = new SslStream(socket.GetStream());

        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = certificates.Current.ServerName,
                EnabledSslProtocols = SslProtocols.Tls12,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
            Clients.Soon));
    }

    [Theory]
    [InlineData("https://127.0.0.1:{0}")]
    [InlineData("https://localhost:{0}")]
    [InlineData("https://[::ffff:127.0.0.1]:{0}")]
    [InlineData("https://2130706433:{0}")]
    public async Task Outside_a_development_chain_no_private_address_is_even_connected_to(string endpoint)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var client = Clients.New(new());

        var failure = await FailureAsync(
            client, new(new Uri(string.Format(null, endpoint, port)), Bytes32.Parse(new string('1', 64))));

        Assert.Equal((Fault.Theirs, WireCodes.AddressRefused), (failure.Fault, failure.Code));
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("http://192.0.2.1/")]
    [InlineData("http://example.invalid/")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("https://user:word@example.org/")]
    [InlineData("https://example.org/path")]
    [InlineData("https://example.org/?q=1")]
    [InlineData("https://example.org/#f")]
    public async Task An_endpoint_of_another_form_is_refused(string endpoint)
    {
        using var client = Clients.New();

        var failure = await FailureAsync(client, new(new Uri(endpoint), Bytes32.Parse(new string('1', 64))));

        Assert.Equal(WireCodes.BadEndpoint, failure.Code);
    }

    [Fact]
    public async Task Https_without_a_pin_is_refused()
    {
        using var client = Clients.New();

        var failure = await FailureAsync(client, new(new Uri("https://example.org"), null));

        Assert.Equal(WireCodes.BadEndpoint, failure.Code);
    }

    [Fact]
    public async Task A_redirect_is_an_error()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
            await response.StartAsync(302, new() { { "location", "/elsewhere" } }, aborted)));
        using var client = Clients.New();

        Assert.Equal(WireCodes.Redirected, (await FailureAsync(client, host.Plain)).Code);
    }

    [Fact]
    public async Task A_peer_that_never_finishes_the_handshake_runs_into_the_connect_timeout()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = Clients.New(Clients.Development with { ConnectTimeout = TimeSpan.FromMilliseconds(200) });
        var endpoint = new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        var failure = await FailureAsync(client, new(endpoint, Bytes32.Parse(new string('1', 64))));

        Assert.Equal((Fault.Theirs, WireCodes.ConnectTimeout), (failure.Fault, failure.Code));
    }

    [Fact]
    public async Task A_closed_port_is_told_apart_from_a_slow_one()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        listener.Stop();
        using var client = Clients.New();

        Assert.Equal(WireCodes.ConnectFailed, (await FailureAsync(client, new(endpoint, null))).Code);
    }

    [Fact]
    public async Task A_peer_that_takes_the_request_and_is_silent_runs_into_the_headers_timeout()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, _, aborted) =>
            await Task.Delay(Timeout.InfiniteTimeSpan, aborted)));
        using var client = Clients.New(Clients.Development with { HeadersTimeout = TimeSpan.FromMilliseconds(200) });

        var failure = await FailureAsync(client, host.Plain);

        Assert.Equal((Fault.Theirs, WireCodes.HeadersTimeout), (failure.Fault, failure.Code));
    }

    [Fact]
    public async Task A_body_that_stalls_runs_into_the_idle_timeout()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
        {
            await response.StartAsync(200, [], aborted);
            await response.WriteAsync("first"u8.ToArray(), aborted);
            await Task.Delay(Timeout.InfiniteTimeSpan, aborted);
        }));
        using var client = Clients.New(Clients.Development with { IdleTimeout = TimeSpan.FromMilliseconds(300) });
        await using var reply = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);

        var failure = await Assert.ThrowsAsync<WireException>(() => reply.ReadAllAsync(100, Clients.Soon));

        Assert.Equal((Fault.Theirs, WireCodes.IdleTimeout), (failure.Fault, failure.Code));
    }

    [Fact]
    public async Task A_body_without_end_is_cut_at_the_bound()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
        {
            await response.StartAsync(200, [], aborted);
            while (true)
            {
                await response.WriteAsync(new byte[4096], aborted);
            }
        }));
        using var client = Clients.New(Clients.Development with { MaxReplyBytes = 100_000 });

        await using var streamed = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);
        await using var whole = await client.SendAsync(host.Plain, WireRequest.Get("/"), Clients.Soon);
        var first = await Assert.ThrowsAsync<WireException>(async () =>
        {
            await foreach (var _ in streamed.ReadAsync(Clients.Soon))
            {
            }
        });
        var second = await Assert.ThrowsAsync<WireException>(() => whole.ReadAllAsync(10_000, Clients.Soon));

        Assert.Equal((WireCodes.TooLarge, WireCodes.TooLarge), (first.Code, second.Code));
    }

    [Theory]
    [InlineData("this is not http\r\n\r\n", WireCodes.Malformed)]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", WireCodes.Disconnected)]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", WireCodes.Disconnected)]
    [InlineData("", WireCodes.Disconnected)]
    [InlineData("HTTP/1.1 200 OK\r\nx y: a\r\ncontent-length: 0\r\n\r\n", WireCodes.Malformed)]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n", WireCodes.Disconnected)]
    public async Task Garbage_and_half_replies_are_the_peers_fault(string reply, string code)
    {
        await using var peer = new RawPeer(Encoding.ASCII.GetBytes(reply));
        using var client = Clients.New();

        var failure = await FailureAsync(client, peer.Target);

        Assert.Equal((Fault.Theirs, code), (failure.Fault, failure.Code));
    }

    [Fact]
    public async Task A_control_character_in_a_header_does_not_come_through()
    {
        await using var peer = new RawPeer("HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"u8.ToArray());
        using var client = Clients.New();

        await using var reply = await client.SendAsync(peer.Target, WireRequest.Get("/"), Clients.Soon);

        Assert.DoesNotContain(reply.Headers["x"]!, char.IsControl);
    }

    [Fact]
    public async Task Huge_reply_headers_are_refused()
    {
        var headers = string.Concat(Enumerable.Range(0, 5000).Select(i => $"h{i}: 0123456789\r\n"));
        await using var peer = new RawPeer(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\n{headers}\r\n"));
        using var client = Clients.New();

        Assert.Equal(WireCodes.TooLarge, (await FailureAsync(client, peer.Target)).Code);
    }

    [Fact]
    public async Task Cancelling_is_cancellation_and_no_fault()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, _, aborted) =>
            await Task.Delay(Timeout.InfiniteTimeSpan, aborted)));
        using var client = Clients.New();
        using var cancel = new CancellationTokenSource();

        var sending = client.SendAsync(host.Plain, WireRequest.Get("/"), cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task Connections_of_the_longest_unused_peers_are_given_up_but_not_under_an_open_reply()
    {
        await using var first = await NodeHost.StartAsync(Handler.Echo);
        await using var second = await NodeHost.StartAsync(Handler.Echo);
        using var client = Clients.New(Clients.Development with { MaxPeers = 1 });
        var body = new byte[200_000];

        await using var open = await client.SendAsync(
            first.Plain, WireRequest.Json("POST", "/", body), Clients.Soon);
        await using var other = await client.SendAsync(second.Plain, WireRequest.Get("/"), Clients.Soon);
        await using var again = await client.SendAsync(first.Plain, WireRequest.Get("/"), Clients.Soon);

        Assert.Equal(body.Length, (await open.ReadAllAsync(body.Length, Clients.Soon)).Length);
        Assert.Equal((200, 200), (other.Status, again.Status));
    }

    [Theory]
    [InlineData("//evil.example/x")]
    [InlineData("x")]
    [InlineData("")]
    public async Task A_path_cannot_change_the_host(string path)
    {
        using var client = Clients.New();

        await Assert.ThrowsAsync<ArgumentException>(
            () => client.SendAsync(new(new Uri("http://127.0.0.1:9"), null), WireRequest.Get(path), Clients.Soon));
    }

    private static async Task<WireException> FailureAsync(HttpWireClient client, PeerTarget target) =>
        await Assert.ThrowsAsync<WireException>(async () =>
        {
            await using var reply = await client.SendAsync(target, WireRequest.Get("/"), Clients.Soon);
            await reply.ReadAllAsync(1 << 20, Clients.Soon);
        });

    /// <summary>Answers any connection with fixed bytes and closes it.</summary>
    private sealed class RawPeer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;

        public RawPeer(byte[] reply)
        {
            _listener.Start();
            Target = new(new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}"), null);
            _serving = ServeAsync(reply);
        }

        public PeerTarget Target { get; }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync(byte[] reply)
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    var stream = client.GetStream();
                    await stream.ReadAtLeastAsync(new byte[4096], 16);
                    await stream.WriteAsync(reply);
                    client.Client.Shutdown(SocketShutdown.Send);
                    await stream.ReadAtLeastAsync(new byte[4096], 1, throwOnEndOfStream: false);
                }
            }
            catch (Exception e) when (e is SocketException or IOException or InvalidOperationException)
            {
                // The test has ended, or its client has hung up.
            }
        }
    }
}
