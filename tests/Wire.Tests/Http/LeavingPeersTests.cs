using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Souk.Wire.Tests.Http;

/// <summary>A peer that goes while it sends is nothing that an operator has to look at.</summary>
public sealed class LeavingPeersTests
{
    [Fact]
    public async Task A_stream_reset_amid_its_body_is_no_error()
    {
        var logged = new Logged();
        await using var host = await NodeHost.StartAsync(
            Handler.Echo, listen: static listen => listen.Protocols = HttpProtocols.Http2, logged: logged);
        using var client = new HttpClient
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        var url = new Uri($"http://127.0.0.1:{host.Endpoint.Port}/");

        // The body is sent once the server has asked for it, which it does when it begins to read.
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new Half(), Headers = { ExpectContinue = true },
        };
        await Assert.ThrowsAnyAsync<Exception>(() => client.SendAsync(request, Clients.Soon));

        Assert.Equal(LogLevel.Debug, await logged.NextAsync());
        using var next = await client.PostAsync(url, new StringContent("whole"), Clients.Soon);
        Assert.Equal("whole", await next.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_connection_reset_amid_a_body_is_no_error()
    {
        var logged = new Logged();
        await using var host = await NodeHost.StartAsync(Handler.Echo, logged: logged);
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(IPAddress.Loopback, host.Endpoint.Port);
            await socket.SendAsync(
                Encoding.ASCII.GetBytes(
                    "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"));
            // Closed without lingering, TCP sends a reset.
            Assert.NotEqual(0, await socket.ReceiveAsync(new byte[64]));
            socket.LingerState = new LingerOption(enable: true, 0);
        }

        Assert.Equal(LogLevel.Debug, await logged.NextAsync());
    }

    /// <summary>Breaks off after some bytes, which a client tells the server by a reset.</summary>
    private sealed class Half : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("half"u8.ToArray());
            await stream.FlushAsync();
            throw new IOException("Broken off.");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 9;
            return true;
        }
    }
}
