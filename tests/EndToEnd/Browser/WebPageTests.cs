using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Souk.EndToEnd.Processes;
using Souk.EndToEnd.Reading;

namespace Souk.EndToEnd.Browser;

/// <summary>One network for all pages.</summary>
public sealed class VisitedNetwork : IAsyncLifetime
{
    private readonly string folder = SoukProcess.NewFolder();

    internal SoukProcess? Network { get; private set; }

    /// <summary>The browser, or null where a user's machine has none.</summary>
    internal static string? Browser { get; } =
        File.Exists("/usr/bin/chromium") || Environment.GetEnvironmentVariable("CI") == "true"
            ? "/usr/bin/chromium"
            : null;

    public async ValueTask InitializeAsync() =>
        Network = Browser is null ? null : await SoukProcess.UpAsync(folder, isQuiet: true);

    public async ValueTask DisposeAsync()
    {
        await (Network?.DisposeAsync() ?? ValueTask.CompletedTask);
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>
/// A hostile web page in a real browser on the machine that runs a network: under its own origin, and under a name
/// that it lets point at this machine (DNS rebinding). It must neither read nor change anything.
/// </summary>
[Trait("system", "chromium")]
public sealed class WebPageTests(VisitedNetwork visited) : IClassFixture<VisitedNetwork>
{
    private const string Marker = "0x00000000000000000000000000000000000bad01";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly SoukProcess network = Here(visited);

    [Fact]
    public async Task A_page_of_another_origin_neither_reads_nor_spends()
    {
        // Even with the credentials in hand a page of another origin gets nowhere: the browser asks first, and is told
        // no. Requests that need no question ("no-cors") carry no credentials.
        var seen = await VisitAsync("http://page.test", "http://127.0.0.1", network.ApiKey, network.AdminToken);
        Assert.All(seen, answer => Assert.True(
            answer.TryGetProperty("error", out _)
                || (answer.GetProperty("type").GetString() == "opaque" && answer.GetProperty("body").GetString() == ""),
            answer.ToString()));
        await NothingHasChangedAsync();
    }

    // The provider's door, the third, speaks TLS with a certificate that no browser takes.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_name_that_was_made_to_point_here_opens_no_door(int door)
    {
        var port = network.PortBase + door;
        var origin = string.Create(CultureInfo.InvariantCulture, $"http://page.test:{port}");
        var seen = await VisitAsync(origin, "http://page.test", apiKey: null, adminToken: null, port);
        foreach (var answer in seen.Where(answer => answer.TryGetProperty("status", out _)))
        {
            var (name, status) = (answer.GetProperty("name").GetString()!, answer.GetProperty("status").GetInt32());
            Assert.True(status >= 400 || name.EndsWith(" public", StringComparison.Ordinal), answer.ToString());
        }

        // The page did get through to the service, or its silence would show nothing.
        Assert.Contains(seen, answer => answer.TryGetProperty("status", out var status) && status.GetInt32() > 0);
        await NothingHasChangedAsync();
    }

    private static SoukProcess Here(VisitedNetwork visited)
    {
        Assert.SkipWhen(visited.Network is null, "Needs the Debian package chromium.");
        return visited.Network!;
    }

    private async Task NothingHasChangedAsync()
    {
        using var admin = new AdminReader(network.AdminUrl, network.AdminToken);
        var keys = await admin.GetAsync("/admin/v1/keys");
        var key = Assert.Single(keys.GetProperty("keys").EnumerateArray());
        Assert.Equal(0, AdminReader.Units(key.GetProperty("spent").GetString()!));
        var status = await admin.GetAsync("/admin/v1/status");
        Assert.Equal(0, status.GetProperty("in_flight").GetInt32());
        using var chain = new ChainReader(network.RpcUrl);
        Assert.True((await chain.BalanceAsync(Marker)).IsZero);
    }

    private async Task<JsonElement[]> VisitAsync(
        string page, string host, string? apiKey, string? adminToken, int? onlyPort = null)
    {
        var tries = Tries(host, apiKey, adminToken)
            .Where(attempt => onlyPort is null || new Uri(attempt.Url).Port == onlyPort)
            .Select(attempt => new { name = attempt.Name, url = attempt.Url, init = attempt.Init });
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            ArgumentList = { Path.Combine(Places.Root, "tests", "EndToEnd", "Browser", "visitor.mjs"),
                VisitedNetwork.Browser! },
        };
        using var visitor = Process.Start(start)!;
        await visitor.StandardInput.WriteAsync(JsonSerializer.Serialize(new { page, tries }));
        visitor.StandardInput.Close();
        var output = visitor.StandardOutput.ReadToEndAsync();
        var error = visitor.StandardError.ReadToEndAsync();
        await visitor.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(visitor.ExitCode == 0, await error);
        using var report = JsonDocument.Parse(await output);
        return [.. report.RootElement.EnumerateArray().Select(answer => answer.Clone())];
    }

    private IEnumerable<(string Name, string Url, object Init)> Tries(string host, string? apiKey, string? adminToken)
    {
        const string Chat = """{"model":"souk-demo","messages":[{"role":"user","content":"What is 1 plus 1?"}]}""";
        const string Head = """{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}""";
        const string Mint =
            $$"""{"jsonrpc":"2.0","id":1,"method":"anvil_setBalance","params":["{{Marker}}","0x1"]}""";
        const string NewKey = """{"name":"page","budget":"1"}""";
        using var running = JsonDocument.Parse(File.ReadAllText(Path.Combine(network.Data, "running.json")));
        (int Port, string Path, string? Body, string? Token)[] targets =
        [
            (0, "/health public", null, null), (0, "/v1/models", null, apiKey),
            (0, "/v1/chat/completions", Chat, apiKey), (0, "/v1/messages", Chat, apiKey),
            (1, "/admin/v1/status", null, adminToken), (1, "/admin/v1/keys", null, adminToken),
            (1, "/admin/v1/keys", NewKey, adminToken), (1, "/provider/v1/status", null, adminToken),
            (1, "/provider/v1/claim", "{}", adminToken),
            (2, "/souk/v1/channels", "{}", null), (3, "/souk/v1/nothing", null, null),
            (4, "/", Head, null), (4, "/", Mint, null),
        ];
        var port = network.PortBase;
        List<(int Port, string Path, string? Body, string? Token)> all =
            [.. targets.Select(target => target with { Port = port + target.Port })];
        // anvil itself stands behind the chain's port, on another that no page can know; this one guesses right.
        all.Add((running.RootElement.GetProperty("anvilPort").GetInt32(), "/", Mint, null));
        foreach (var (at, path, body, token) in all)
        {
            var url = string.Create(CultureInfo.InvariantCulture, $"{host}:{at}{path.Split(' ')[0]}");
            var method = body is null ? "GET" : "POST";
            Dictionary<string, string> headers = new() { ["content-type"] = "application/json" };
            if (token is not null)
            {
                headers["authorization"] = $"Bearer {token}";
            }

            yield return ($"{method} {path}", url, body is null
                ? new { method, headers }
                : new { method, headers, body });
            yield return ($"simple {method} {path}", url, body is null
                ? new { method, mode = "no-cors" }
                : new { method, mode = "no-cors", body });
        }
    }
}
