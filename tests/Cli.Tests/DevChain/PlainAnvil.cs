using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Souk.Cli.Tests.DevChain;

/// <summary>anvil as it comes, with its twenty accounts, for comparison.</summary>
internal sealed class PlainAnvil : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _http = new();

    private PlainAnvil(Process process, int port)
    {
        _process = process;
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/");
    }

    public string Url { get; }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static async Task<PlainAnvil> StartAsync(ulong chainId)
    {
        var port = FreePort();
        string[] arguments =
        [
            "--host", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--silent", "--accounts",
                "20",
            "--chain-id", chainId.ToString(CultureInfo.InvariantCulture),
        ];
        var anvil = new PlainAnvil(Process.Start(Cli.DevChain.AnvilProcess.Find()!, arguments), port);
        var deadline = TimeSpan.FromSeconds(30);
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await anvil.CallAsync("eth_chainId");
                return anvil;
            }
            catch (HttpRequestException) when (TimeProvider.System.GetElapsedTime(started) < deadline)
            {
                await Task.Delay(50);
            }
        }
    }

    public async Task<JsonElement> CallAsync(string method, params object[] parameters)
    {
        using var reply = await _http.PostAsJsonAsync(
            Url, new { jsonrpc = "2.0", id = 1, method, @params = parameters });
        var json = await reply.Content.ReadFromJsonAsync<JsonElement>();
        return json.GetProperty("result");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
    }
}
