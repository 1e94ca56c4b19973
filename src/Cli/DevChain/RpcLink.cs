using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Souk.Cli.DevChain;

/// <summary>Raw JSON-RPC to the local anvil.</summary>
internal sealed class RpcLink : IDisposable
{
#pragma warning disable RS0030 // Adapter: talks to a program that this one started, on loopback.
    private readonly HttpClient _http;

    public RpcLink(int port)
    {
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")),
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    /// <summary>Sends a body as it is and returns the reply as it is.</summary>
    public async Task<byte[]> ForwardAsync(ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        using var content = new ReadOnlyMemoryContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var reply = await _http.PostAsync("", content, cancellation);
        return await reply.Content.ReadAsByteArrayAsync(cancellation);
    }

    /// <summary>Calls a method; the result, or null where the node answers with an error.</summary>
    public async Task<JsonElement?> CallAsync(string method, CancellationToken cancellation, params object[] parameters)
    {
        var request = new { jsonrpc = "2.0", id = 1, method, @params = parameters };
        var reply = await ForwardAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(request)), cancellation);
        using var document = JsonDocument.Parse(reply);
        return document.RootElement.TryGetProperty("result", out var result) ? result.Clone() : null;
    }

    public void Dispose() => _http.Dispose();
}
