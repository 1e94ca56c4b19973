using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Souk.Conformance.Composition;

/// <summary>A real EVM node of this test's own: anvil from the pinned npm packages, on a free loopback port.</summary>
internal sealed class LoopbackChain : IAsyncDisposable
{
    /// <summary>anvil's first development account.</summary>
    public const string FunderKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    public const ulong ChainId = 31337;

    private readonly Process _process;
    private readonly HttpClient _http;

    private LoopbackChain(Process process, Uri url) =>
        (_process, Url, _http) = (process, url, new HttpClient { BaseAddress = url });

    public Uri Url { get; }

    /// <summary>Starts a chain that mines at once, until it is told to keep time.</summary>
    public static async Task<LoopbackChain> StartAsync()
    {
        var port = Places.OnePort();
        var start = new ProcessStartInfo(Binary()) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[]
        {
            "--host", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--accounts", "1", "--silent",
        })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var chain = new LoopbackChain(process, new Uri($"http://127.0.0.1:{port}"));
        for (var i = 0; i < 300; i++)
        {
            try
            {
                await chain.CallAsync("eth_chainId");
                return chain;
            }
            catch (HttpRequestException) when (!process.HasExited)
            {
                await Task.Delay(100);
            }
        }

        await chain.DisposeAsync();
        throw new InvalidOperationException("anvil did not answer within 30 s.");
    }

    /// <summary>From now on a block every second, whether or not there are transactions.</summary>
    public Task KeepTimeAsync() => CallAsync("evm_setIntervalMining", 1);

    public Task CallAsync(string method, params object[] parameters) => AskAsync(method, parameters);

    public async Task<JsonElement> AskAsync(string method, params object[] parameters)
    {
        using var reply = await _http.PostAsJsonAsync("",
            new { jsonrpc = "2.0", id = 1, method, @params = parameters });
        var json = await reply.Content.ReadFromJsonAsync<JsonElement>();
        return json.TryGetProperty("result", out var result)
            ? result
            : throw new InvalidOperationException($"{method}: {json.GetRawText()}");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static string Binary() =>
        Directory.GetDirectories(Path.Combine(Places.Root, "contracts", "node_modules", "@foundry-rs"), "anvil-*")
            .Select(package => Path.Combine(package, "bin", OperatingSystem.IsWindows() ? "anvil.exe" : "anvil"))
            .First(File.Exists);
}
