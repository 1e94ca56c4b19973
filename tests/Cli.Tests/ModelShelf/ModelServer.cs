using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Souk.Cli.Tests.ModelShelf;

/// <summary>A web server on loopback for one test: files by path, ranges, and faults on demand.</summary>
internal sealed class ModelServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;

    public ModelServer()
    {
        listener.Start();
        serving = ServeAsync();
    }

    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Redirects { get; } = new(StringComparer.Ordinal);

    /// <summary>Bodies end after this many bytes, once per path; 0 for never.</summary>
    public int CutAfter { get; set; }

    public List<string> Asked { get; } = [];

    public string Url => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await serving;
        stop.Dispose();
        listener.Dispose();
    }

    private async Task ServeAsync()
    {
        HashSet<string> cut = [];
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(stop.Token);
                await AnswerAsync(client, cut);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or IOException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient client, HashSet<string> cut)
    {
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        string path = (await reader.ReadLineAsync(stop.Token) ?? "").Split(' ').ElementAtOrDefault(1) ?? "";
        int from = 0;
        for (string? line; (line = await reader.ReadLineAsync(stop.Token)) is { Length: > 0 };)
        {
            if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
            {
                from = int.Parse(line["Range: bytes=".Length..].TrimEnd('-'), null);
            }
        }

        Asked.Add($"{path} {from}");
        if (Redirects.TryGetValue(path, out string? elsewhere))
        {
            await HeadAsync(stream, $"302 Found\r\nLocation: {elsewhere}", 0);
            return;
        }

        if (!Files.TryGetValue(path, out byte[]? body))
        {
            await HeadAsync(stream, "404 Not Found", 0);
            return;
        }

        byte[] rest = body[from..];
        string head = from > 0 ? $"206 Partial\r\nContent-Range: bytes {from}-{body.Length - 1}/{body.Length}"
            : "200 OK";
        await HeadAsync(stream, head, rest.Length);
        bool isCut = CutAfter > 0 && rest.Length > CutAfter && cut.Add(path);
        await stream.WriteAsync(isCut ? rest.AsMemory(0, CutAfter) : rest, stop.Token);
    }

    private Task HeadAsync(NetworkStream stream, string head, int length) => stream.WriteAsync(
        Encoding.ASCII.GetBytes($"HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"),
        stop.Token).AsTask();
}
