using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Gateway;
using Souk.Gateway.X402;
using Souk.Indexer;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;
using Souk.Provider;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Conformance.Composition;

/// <summary>What a network of the test is like.</summary>
/// <param name="Providers">How many sell the same model.</param>
/// <param name="IsTapped">True puts a tap on the node link, which is plain HTTP on loopback then.</param>
internal sealed record NetworkPlan(int Providers = 1, bool IsTapped = false)
{
    /// <summary>Smallest units per million tokens.</summary>
    public Prices Prices { get; init; } = new(new Amount(1_300_000), new Amount(700_000), new Amount(4_700_000));

    /// <summary>Where the model is; null for the demo model.</summary>
    public string? ModelDirectory { get; init; }

    /// <summary>Output tokens of a slice; few, so that answers have to be covered again while they stream.</summary>
    public ulong SliceTokens { get; init; } = 16;

    /// <summary>Requests that an engine runs at once.</summary>
    public int EngineConcurrency { get; init; } = 2;

    /// <summary>Whether the escrow is at the address of x402's own deployments.</summary>
    public bool IsCanonical { get; init; }

    /// <summary>Plain x402 servers that the gateway buys from.</summary>
    public IReadOnlyList<X402Seller> Sellers { get; init; } = [];

    /// <summary>Whether the first provider also sells the scripted model.</summary>
    public bool IsScripted { get; init; }

    /// <summary>Whether the first provider also sells the embedding model of the repository.</summary>
    public bool IsEmbedding { get; init; }

    /// <summary>Origins of web pages that may use the gateway.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];
}

/// <summary>A provider that runs.</summary>
internal sealed record RunningProvider(ProviderKeyring Keys, ProviderNode Node, string Ledger, string Endpoint,
    IEngine Engine);

/// <summary>
/// A whole network in this process out of the production parts: anvil, indexer, providers with the real model, gateway,
/// Kestrel and SQLite. Only the composition is the test's own, because a test needs to stand between the parts.
/// </summary>
internal sealed class MarketNetwork : IAsyncDisposable
{
    /// <summary>The model's public name.</summary>
    public const string Model = "souk-demo";

    /// <summary>The public name of the <see cref="ScriptedServer"/>'s model.</summary>
    public const string Scripted = "souk-scripted";

    /// <summary>The embedding model's public name.</summary>
    public const string Embedding = "souk-embedding";

    /// <summary>A public name that nobody serves.</summary>
    public const string Ghost = "souk-ghost";

    private readonly string _folder = Directory.CreateTempSubdirectory("souk-net-").FullName;
    private readonly List<WebApplication> _servers = [];
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<RunningProvider> _providers = [];
    private readonly Dictionary<string, Bytes32> _named = [];
    private readonly NetworkPlan _plan;
    private readonly ILoggerFactory _logs = NullLoggerFactory.Instance;
    private MarketBasics _basics = null!;

    private MarketNetwork(NetworkPlan plan) => _plan = plan;

    public IReadOnlyList<RunningProvider> Providers => _providers;

    public MarketBasics Basics => _basics;

    public Tap? Tap { get; private set; }

    public GatewayNode Gateway { get; private set; } = null!;

    public string GatewayLedger => Path.Combine(_folder, "gateway.ledger");

    public Uri BaseUrl { get; private set; } = null!;

    public AdminReader Admin { get; private set; } = null!;

    public static async Task<MarketNetwork> StartAsync(NetworkPlan plan)
    {
        var network = new MarketNetwork(plan);
        try
        {
            await network.StartAsync();
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>A new API key.</summary>
    public async Task<string> KeyAsync(string name, ulong units = 100_000_000, KeyLimits? limits = null) =>
        MarketBasics.Must(await Gateway.CreateKeyAsync(name, new Amount(units), null, limits)).Secret;

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        // The gateway first, so that nobody asks for answers that will not come.
        foreach (var server in Enumerable.Reverse(_servers))
        {
            await server.StopAsync();
            await server.DisposeAsync();
        }

        foreach (var part in Enumerable.Reverse(_owned))
        {
            await part.DisposeAsync();
        }

        if (_basics is not null)
        {
            await _basics.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync()
    {
        var indexer = $"http://127.0.0.1:{Places.OnePort()}";
        _basics = await MarketBasics.StartAsync(indexer, _plan.IsCanonical);
        await StartIndexerAsync(new Uri(indexer).Port);
        for (var i = 0; i < _plan.Providers; i++)
        {
            await StartProviderAsync(i, indexer);
        }

        await _basics.Node.KeepTimeAsync();
        await StartGatewayAsync();
    }

    private async Task StartIndexerAsync(int port)
    {
        var node = IndexerNode.Create(
            new IndexerOptions { BeatEvery = TimeSpan.FromSeconds(1) },
            new IndexerParts(_basics.Chain, Wire(), TimeProvider.System, _logs));
        Own(node);
        var limits = new WireLimits();
        await ServeAsync(port, null, limits, app => app.MapIndexer(node, limits), node.RunAsync);
    }

    private async Task StartProviderAsync(int number, string indexer)
    {
        var keys = ProviderKeyring.Create(_basics.Randomness);
        var port = Places.OnePort();
        NodeCertificateStore? certificates = null;
        string endpoint;
        if (_plan.IsTapped)
        {
            Tap = await Tap.StartAsync(new Uri($"http://127.0.0.1:{port}"));
            _owned.Add(Tap);
            endpoint = Tap.Url.ToString().TrimEnd('/');
        }
        else
        {
            certificates = NodeCertificateStore.Open(Path.Combine(_folder, $"certificates-{number}"),
                TimeProvider.System);
            Own(certificates);
            endpoint = $"https://127.0.0.1:{port}";
        }

        await _basics.RegisterAsync(keys, endpoint);
        var engine = new FaultyEngine(await LocalEngine.LoadAsync(
            new OnnxEngineOptions
            {
                Directory = _plan.ModelDirectory ?? Places.Model, Name = Model, Waiting = 64,
                Concurrency = _plan.EngineConcurrency,
            },
            default));
        var ledgerPath = Path.Combine(_folder, $"provider-{number}.ledger");
        var ledger = SqliteLedger.Open(ledgerPath);
        _owned.Add(engine);
        _owned.Add(ledger);
        var options = RoleOptions.Provider(
            keys, endpoint, () => certificates?.Current.SpkiHash,
            number == 0 ? [engine, .. await MoreEnginesAsync()] : [engine], _plan.Prices, indexer);
        var node = MarketBasics.Must(await ProviderNode.StartAsync(
            options, new ProviderParts(ledger, _basics.Chain, Wire(), TimeProvider.System, _basics.Randomness, _logs),
                default));
        Own(node);
        var limits = new WireLimits();
        await ServeAsync(port, certificates, limits, app => app.MapProvider(node, limits), node.RunAsync);
        _named[Model] = engine.Model.Manifest.Digest;
        _providers.Add(new RunningProvider(keys, node, ledgerPath, endpoint, engine));
    }

    private async Task<List<IEngine>> MoreEnginesAsync()
    {
        List<IEngine> engines = [];
        if (_plan.IsScripted)
        {
            engines.Add(await StartScriptedAsync());
        }

        if (_plan.IsEmbedding)
        {
            var engine = await LocalEngine.LoadAsync(
                new OnnxEngineOptions { Directory = Places.EmbeddingModel, Name = Embedding }, default);
            _owned.Add(engine);
            _named[Embedding] = engine.Model.Manifest.Digest;
            engines.Add(engine);
        }

        return engines;
    }

    private async Task<IEngine> StartScriptedAsync()
    {
        var port = Places.OnePort();
        await ServeAsync(port, null, new WireLimits(), ScriptedServer.Map, null);
        var engine = await ScriptedServer.ConnectAsync(new Uri($"http://127.0.0.1:{port}"), Scripted);
        _owned.Add(engine);
        _named[Scripted] = engine.Model.Manifest.Digest;
        return engine;
    }

    private async Task StartGatewayAsync()
    {
        var ledger = SqliteLedger.Open(GatewayLedger);
        _owned.Add(ledger);
        var token = "token-" + _basics.Randomness.NextBytes32();
        var options = RoleOptions.Gateway(
            _basics.Vault, _basics.HotKey, _basics.Publisher, _basics.Network, _named, token, _plan.SliceTokens,
            _plan.AllowedOrigins, _plan.Sellers);
        Gateway = MarketBasics.Must(await GatewayNode.StartAsync(
            options, new GatewayParts(ledger, _basics.Chain, Wire(), TimeProvider.System, _basics.Randomness, _logs),
                default));
        var limits = new WireLimits { MaxRequestsPerPeer = 4096, MaxStreamsPerPeer = 4096 };
        var (front, admin) = (Places.OnePort(), Places.OnePort());
        await ServeAsync(front, null, limits, app => app.MapGateway(Gateway.FrontDoor, limits), Gateway.RunAsync);
        await ServeAsync(admin, null, limits, app => app.MapGateway(Gateway.AdminDoor, limits), null);
        BaseUrl = new Uri($"http://127.0.0.1:{front}/v1");
        Admin = new AdminReader(new Uri($"http://127.0.0.1:{admin}"), token);
        for (var i = 0; Gateway.IdleChannels < _plan.Providers
            || Gateway.Offers < _plan.Providers + (_plan.IsScripted ? 1 : 0) + (_plan.IsEmbedding ? 1 : 0);
            i++)
        {
            if (i > 600)
            {
                throw new InvalidOperationException($"No channel within a minute; {Gateway.Offers} offers were seen.");
            }

            await Task.Delay(100);
        }
    }

    private async Task ServeAsync(
        int port, NodeCertificateStore? certificates, WireLimits limits, Action<WebApplication> map,
        Func<CancellationToken, Task>? run)
    {
        if (run is not null)
        {
            _owned.Add(Loop.Start(run));
        }

        _servers.Add(await LoopbackServer.StartAsync(
            port, certificates, limits, _logs, static _ => { }, routes => map((WebApplication)routes)));
    }

    private HttpWireClient Wire()
    {
        var wire = new HttpWireClient(new WireClientOptions { AllowsPrivateAddresses = true }, TimeProvider.System);
        Own(wire);
        return wire;
    }

    private void Own(IDisposable part) => _owned.Add(new Owned(part));

    private sealed class Owned(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
