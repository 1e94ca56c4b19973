using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Souk.Cli.Tests.Doctor;

/// <summary>Answers every request on a port of this machine with one body, dated as it is told.</summary>
internal sealed class PlainServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _serving;
    private readonly byte[] _reply;

    public PlainServer(string body, DateTimeOffset? date = null)
    {
        _reply = Encoding.UTF8.GetBytes(
            $"HTTP/1.1 200 OK\r\nDate: {date ?? TimeProvider.System.GetUtcNow():R}\r\nContent-Type: "
                + $"application/json\r\n"
            + string.Create(CultureInfo.InvariantCulture, $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n")
            + $"Connection: close\r\n\r\n{body}");
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _serving;
        _listener.Dispose();
        _over.Dispose();
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[8192];
        while (!_over.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_over.Token);
                var stream = client.GetStream();
                await stream.ReadAtLeastAsync(buffer, 1, false, _over.Token);
                await stream.WriteAsync(_reply, _over.Token);
            }
            catch (Exception gone) when (gone is OperationCanceledException or IOException or SocketException)
            {
                // The client has left, or the test is over.
            }
        }
    }
}
