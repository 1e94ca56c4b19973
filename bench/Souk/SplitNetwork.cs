using System.Net.Http.Headers;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Engines.Onnx;

namespace Souk.Bench;

/// <summary>A network of which every role has a process of its own.</summary>
internal sealed class SplitNetwork : IAsyncDisposable
{
    private const int WarmUps = 4;
    private const int Times = 5;
    private readonly List<IAsyncDisposable> _parts = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-bench-").FullName;

    /// <summary>Where ledgers and certificates are.</summary>
    public string Folder => _folder;

    public RoleProcess Indexer { get; private set; } = null!;

    public RoleProcess Provider { get; private set; } = null!;

    public RoleProcess Gateway { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>Starts it; a negative pause runs the real model, any other the trivial engine.</summary>
    public static async Task<SplitNetwork> StartAsync(double pauseMs)
    {
        var network = new SplitNetwork();
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
            model = MarketNetwork.Model,
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
            var (gateway, provider) = (await Gateway.UseAsync(), await Provider.UseAsync());
            await load();
            costs.Add((
                (await Gateway.UseAsync()).CpuMicroseconds - gateway.CpuMicroseconds,
                (await Provider.UseAsync()).CpuMicroseconds - provider.CpuMicroseconds));
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

    private async Task BeginAsync(double pauseMs)
    {
        var (indexerPort, providerPort, gatewayPort) = (Places.OnePort(), Places.OnePort(), Places.OnePort());
        var indexer = $"http://127.0.0.1:{indexerPort}";
        var basics = await MarketBasics.StartAsync(indexer);
        _parts.Add(basics);
        var keys = ProviderKeyring.Create(basics.Randomness);
        await basics.RegisterAsync(keys, $"https://127.0.0.1:{providerPort}");
        await basics.Node.KeepTimeAsync();
        string digest;
        await using (var engine =
            await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = Places.Model }, default))
        {
            digest = engine.Model.Manifest.Digest.ToString();
        }

        RoleSpec Spec(string role, int port, params string[] secrets) => new(
            role, basics.Network.ToJson(), secrets, port, _folder, indexer, basics.Vault.ToString(), pauseMs);
        Indexer = await StartAsync(Spec("indexer", indexerPort));
        Provider = await StartAsync(Spec(
            "provider", providerPort, RoleSpec.Hex(keys.Owner), RoleSpec.Hex(keys.Payout), RoleSpec.Hex(keys.Node),
            RoleSpec.Hex(keys.Authorizer), RoleSpec.Hex(keys.Gas)));
        Gateway = await StartAsync(Spec(
            "gateway", gatewayPort, RoleSpec.Hex(basics.HotKey), RoleSpec.Hex(basics.Publisher), digest));
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{gatewayPort}"),
            Timeout = TimeSpan.FromMinutes(5) };
        Http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await Gateway.AskAsync("key"));
        for (var i = 0; await Gateway.AskAsync("channels") == "0"; i++)
        {
            if (i > 600)
            {
                throw new InvalidOperationException("No channel was opened within a minute.");
            }

            await Task.Delay(100);
        }
    }

    private async Task<RoleProcess> StartAsync(RoleSpec spec)
    {
        var role = await RoleProcess.StartAsync(spec);
        _parts.Add(role);
        return role;
    }
}
