using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Souk.Conformance.Composition;

namespace Souk.Bench;

/// <summary>A network of which every role is the program's own command in a process of its own.</summary>
internal sealed class SplitNetwork : IAsyncDisposable
{
    private const int WarmUps = 4;
    private const int Times = 5;
    private readonly List<IAsyncDisposable> _parts = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-bench-").FullName;
    private string _model = "";
    private string _program = "";

    /// <summary>A role's ledger.</summary>
    public string Ledger(string role) => Path.Combine(_folder, role, role + ".ledger");

    public RoleProcess Indexer { get; private set; } = null!;

    public RoleProcess Provider { get; private set; } = null!;

    public RoleProcess Gateway { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>Starts it.</summary>
    /// <param name="pauseMs">Milliseconds between the tokens of a trivial upstream; null sells the real model.</param>
    /// <param name="program">The program; null for the one of this build.</param>
    public static async Task<SplitNetwork> StartAsync(double? pauseMs, string? program = null)
    {
        var network = new SplitNetwork { _program = program ?? Places.Program };
        try
        {
            await network.BeginAsync(pauseMs);
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>One answer of a number of tokens, streamed to its end.</summary>
    public async Task AnswerAsync(int tokens, int number, bool isStreamed = true)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            model = _model,
            messages = new[] { new { role = "user", content = $"What is {number} plus 4?" } },
            max_tokens = tokens,
            stream = isStreamed,
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions");
        request.Content = new ByteArrayContent(body);
        using var reply = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await reply.Content.ReadAsStreamAsync();
        var buffer = new byte[64 << 10];
        var last = "";
        while (await stream.ReadAsync(buffer) is var count and > 0)
        {
            // The end may come in several pieces.
            last += System.Text.Encoding.UTF8.GetString(buffer, 0, count);
            last = last[Math.Max(0, last.Length - 256)..];
        }

        if (!reply.IsSuccessStatusCode || (isStreamed && !last.Contains("[DONE]", StringComparison.Ordinal)))
        {
            throw new InvalidOperationException($"{reply.StatusCode} {last}");
        }
    }

    /// <summary>Answers by several apps at once.</summary>
    public async Task LoadAsync(int answers, int tokens, int apps, bool isStreamed = true)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, apps).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var number && number < answers)
            {
                await AnswerAsync(tokens, number, isStreamed);
            }
        }));
    }

    /// <summary>
    /// CPU microseconds of gateway and provider for a load: the median of several times, after as many as it takes
    /// until the runtime no longer compiles in the background, which would cost more than the load itself.
    /// </summary>
    public async Task<(double Gateway, double Provider)> MeasureAsync(Func<Task> load)
    {
        for (var i = 0; i < WarmUps; i++)
        {
            await load();
            await Task.Delay(TimeSpan.FromSeconds(2));
        }

        List<(double Gateway, double Provider)> costs = [];
        for (var i = 0; i < Times; i++)
        {
            var (gateway, provider) = (ProcessClock.Microseconds(Gateway), ProcessClock.Microseconds(Provider));
            await load();
            costs.Add((
                ProcessClock.Microseconds(Gateway) - gateway,
                ProcessClock.Microseconds(Provider) - provider));
        }

        return (Table.Median(costs.Select(cost => cost.Gateway)), Table.Median(costs.Select(cost => cost.Provider)));
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        foreach (var part in Enumerable.Reverse(_parts))
        {
            await part.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task BeginAsync(double? pauseMs)
    {
        var (indexerPort, providerPort) = (Places.OnePort(), Places.OnePort());
        var indexer = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{indexerPort}");
        var basics = await MarketBasics.StartAsync(indexer);
        _parts.Add(basics);
        var keys = ProviderKeyring.Create(basics.Randomness);
        await basics.RegisterAsync(
            keys, string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{providerPort}"));
        await basics.Node.KeepTimeAsync();
        var network = Path.Combine(_folder, "network.json");
        await File.WriteAllTextAsync(network, basics.Network.ToJson());
        RoleFolder.Make(Path.Combine(_folder, "provider"), ("provider", keys.Owner), ("payout", keys.Payout), ("node",
            keys.Node),
            ("authorizer", keys.Authorizer), ("gas", keys.Gas));
        RoleFolder.Make(Path.Combine(_folder, "gateway"), ("gateway", basics.HotKey));
        Indexer = await SoukAsync("indexer", network, indexerPort);
        Provider = await SoukAsync("provider", network, providerPort,
            ["--concurrency", "64", "--admin-port", Port(Places.OnePort()), .. await EngineAsync(pauseMs)]);
        var (gatewayPort, adminPort) = (Places.OnePort(), Places.OnePort());
        Gateway = await SoukAsync("gateway", network, gatewayPort,
            ["--admin-port", Port(adminPort), "--vault", basics.Vault.ToString()]);
        // Without a catalogue a model goes by its provider and digest.
        _model = $"{keys.Owner.Address}/{Provider.Told("model digest")}";
        await MeetAsync(gatewayPort, adminPort);
    }

    private async Task<string[]> EngineAsync(double? pauseMs)
    {
        if (pauseMs is not { } pause)
        {
            return ["--model", Places.Model];
        }

        var port = Port(Places.OnePort());
        _parts.Add(await RoleProcess.StartAsync(
            Environment.ProcessPath!, ["upstream", port, pause.ToString(CultureInfo.InvariantCulture)],
            TrivialUpstream.Ready));
        return ["--upstream", $"http://127.0.0.1:{port}/v1", "--tokenizer-dir", Places.Model];
    }

    private async Task<RoleProcess> SoukAsync(string role, string network, int port, params string[] options)
    {
        var process = await RoleProcess.StartAsync(
            _program,
            [role, "--data", Path.Combine(_folder, role), "--network", network, "--port", Port(port), .. options],
            "Stop with Ctrl-C");
        _parts.Add(process);
        return process;
    }

    // An app that has its key, once the gateway keeps a channel.
    private async Task MeetAsync(int gatewayPort, int adminPort)
    {
        var token = await File.ReadAllTextAsync(Path.Combine(_folder, "gateway", "admin.token"));
        using var admin = new AdminReader(new Uri($"http://127.0.0.1:{Port(adminPort)}"), token.Trim());
        Http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{Port(gatewayPort)}"), Timeout = TimeSpan.FromMinutes(5),
        };
        Http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await admin.CreateKeyAsync("bench", "900"));
        for (var i = 0; ; i++)
        {
            var channels = (await admin.GetAsync("/admin/v1/channels")).GetRawText();
            if (channels.Contains("\"idle\"", StringComparison.Ordinal))
            {
                return;
            }

            if (i > 600)
            {
                var log = await File.ReadAllTextAsync(Path.Combine(_folder, "gateway", "gateway.log"));
                throw new InvalidOperationException($"No channel was opened within a minute: {log}");
            }

            await Task.Delay(100);
        }
    }

    private static string Port(int port) => port.ToString(CultureInfo.InvariantCulture);
}
