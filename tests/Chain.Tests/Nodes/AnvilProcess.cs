using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Tests.Nodes;

/// <summary>A real EVM node of our own: anvil from the pinned npm packages, on a free loopback port.</summary>
internal sealed class AnvilProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client = new();

    private AnvilProcess(Process process, Uri url)
    {
        _process = process;
        Url = url;
    }

    public Uri Url { get; }

    public static async Task<AnvilProcess> StartAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(FindBinary())
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])["--host", "127.0.0.1", "--port", "0", "--accounts", "1", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        var listening = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var seen = new StringBuilder();
        process.OutputDataReceived += (_, line) =>
        {
            const string Prefix = "Listening on ";
            if (line.Data?.StartsWith(Prefix, StringComparison.Ordinal) == true)
            {
                listening.TrySetResult(new Uri($"http://{line.Data[Prefix.Length..].Trim()}"));
            }
        };
        process.ErrorDataReceived += (_, line) => seen.AppendLine(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException($"anvil ended: {seen}"));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new AnvilProcess(process, await listening.Task.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    public RpcChain Open(RpcOptions? options = null) =>
        new(31337, [Url], options ?? new RpcOptions(), TimeProvider.System);

    /// <summary>A key of the test's own with plenty of gas money.</summary>
    public async Task<PrivateKey> FundedKeyAsync(int seed)
    {
        var key = PrivateKey.Create(new FixedRandomness(seed));
        await CallAsync("anvil_setBalance", key.Address.ToString(), "0x3635c9adc5dea00000");
        return key;
    }

    public Task MineAsync(int blocks = 1) => CallAsync("anvil_mine", Quantity((ulong)blocks));

    public async Task<JsonElement> CallAsync(string method, params JsonNode?[] parameters)
    {
        var body = new JsonObject
        {
            ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray(parameters),
        };
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var reply = await _client.PostAsync(Url, content);
        var json = JsonDocument.Parse(await reply.Content.ReadAsByteArrayAsync()).RootElement;
        return json.TryGetProperty("result", out var result)
            ? result
            : throw new InvalidOperationException($"{method}: {json.GetProperty("error").GetRawText()}");
    }

    public async Task<ulong> NumberAsync(string method, params JsonNode?[] parameters) => ulong.Parse(
        (await CallAsync(method, parameters)).GetString()!.AsSpan(2), NumberStyles.HexNumber,
        CultureInfo.InvariantCulture);

    /// <summary>How many transactions wait in the pool.</summary>
    public async Task<ulong> PendingAsync()
    {
        var status = await CallAsync("txpool_status");
        var count = status.GetProperty("pending").GetString()!.AsSpan(2);
        return ulong.Parse(count, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    public static string Quantity(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static string FindBinary()
    {
        var packages = Path.Combine(VectorFiles.Root, "contracts", "node_modules", "@foundry-rs");
        var name = OperatingSystem.IsWindows() ? "anvil.exe" : "anvil";
        return Directory.GetDirectories(packages, "anvil-*")
            .Select(package => Path.Combine(package, "bin", name))
            .First(File.Exists);
    }
}
