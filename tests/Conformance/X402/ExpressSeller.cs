using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;
using Souk.Protocol;

namespace Souk.Conformance.X402;

/// <summary>
/// x402's reference server, unmodified, in a process of its own: it sells what an OpenAI-compatible upstream answers,
/// at most <see cref="Price"/> a request and what the tokens cost.
/// </summary>
internal sealed class ExpressSeller : IAsyncDisposable
{
    /// <summary>The most that a request costs, in smallest units.</summary>
    public const int Price = 2_000;

    /// <summary>What a token costs, in smallest units.</summary>
    public const int PerToken = 3;

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly HttpClient _http;

    private ExpressSeller(Process process, Task<string> errors, int port)
    {
        (_process, _errors) = (process, errors);
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    /// <summary>Starts the server on a port.</summary>
    public static async Task<ExpressSeller> StartAsync(
        MarketNetwork network, int port, Address payTo, PrivateKey relayer, PrivateKey authorizer, string upstreamKey)
    {
        var start = new ProcessStartInfo("node", ["x402-server.mjs"])
        {
            WorkingDirectory = Path.Combine(Places.Root, "tests", "node"), RedirectStandardInput = true,
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var setup = new JsonObject
        {
            ["rpc"] = network.Basics.Node.Url.ToString(), ["relayerKey"] = Hex(relayer), ["authorizerKey"] = Hex(
                authorizer),
            ["payTo"] = payTo.ToString(), ["asset"] = network.Basics.Network.Currency.ToString(),
            ["price"] = $"{Price}", ["perToken"] = PerToken, ["port"] = port,
            ["upstream"] = network.BaseUrl.ToString().TrimEnd('/'), ["upstreamKey"] = upstreamKey,
            ["upstreamModel"] = MarketNetwork.Model,
        };
        await process.StandardInput.WriteLineAsync(setup.ToJsonString());
        await process.StandardInput.FlushAsync();
        var told = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return told is not null
            ? new ExpressSeller(process, errors, port)
            : throw new InvalidOperationException(await errors);
    }

    /// <summary>The server claims everything that it was promised and is paid.</summary>
    public Task<JsonElement> ClaimAndSettleAsync() => PostAsync("/test/claim");

    /// <summary>The next replies never arrive, after they were charged.</summary>
    public Task LoseAsync(int count) => PostAsync($"/test/lose?count={count}");

    /// <summary>What the server remembers of its channels.</summary>
    public async Task<IReadOnlyList<JsonElement>> ChannelsAsync() =>
        [.. (await _http.GetFromJsonAsync<JsonElement>("/test/channels")).EnumerateArray()];

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        await _errors;
        _process.Dispose();
    }

    private async Task<JsonElement> PostAsync(string path)
    {
        using var reply = await _http.PostAsync(path, null);
        var text = await reply.Content.ReadAsStringAsync();
        Assert.True(reply.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static string Hex(PrivateKey key)
    {
        var bytes = new byte[32];
        key.CopyTo(bytes);
        return "0x" + Convert.ToHexStringLower(bytes);
    }
}
