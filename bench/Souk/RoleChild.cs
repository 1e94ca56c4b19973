using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Chain.Evm;
using Souk.Chain.Transactions;
using Souk.Conformance.Composition;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Gateway;
using Souk.Indexer;
using Souk.Ledger.Sqlite;
using Souk.Protocol;
using Souk.Provider;
using Souk.Wire;
using Souk.Wire.Adapters;
using Souk.Wire.Http;

namespace Souk.Bench;

/// <summary>
/// One role in this process. It answers "use" on standard input with CPU microseconds, resident bytes and managed
/// bytes, and "key" with a new API key.
/// </summary>
internal static class RoleChild
{
    private static readonly WireLimits Limits = new() { MaxRequestsPerPeer = 4096, MaxStreamsPerPeer = 4096 };

    public static async Task RunAsync()
    {
        var spec = RoleSpec.Parse((await Console.In.ReadLineAsync())!);
        var network = NetworkFile.Parse(spec.Network).Value;
        using var rpc = EvmMarketChain.Open(network, TimeProvider.System);
        await using var chain = new EvmMarketChain(network, rpc, new SenderOptions());
        using var wire = new HttpWireClient(new WireClientOptions { AllowsPrivateAddresses = true },
            TimeProvider.System);
        GatewayNode? gateway = null;
        switch (spec.Role)
        {
            case "indexer":
                await IndexerAsync(spec, chain, wire);
                break;
            case "provider":
                await ProviderAsync(spec, chain, wire);
                break;
            default:
                gateway = await GatewayAsync(spec, chain, wire);
                break;
        }

        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } asked)
        {
            Console.WriteLine(asked switch
            {
                "use" => Use(),
                "channels" => gateway!.IdleChannels.ToString(CultureInfo.InvariantCulture),
                _ => MarketBasics.Must(await gateway!.CreateKeyAsync("bench", new Amount(900_000_000), null)).Secret,
            });
        }

        Environment.Exit(0);
    }

    private static string Use()
    {
        var cpu = (long)Environment.CpuUsage.TotalTime.TotalMicroseconds;
        return string.Create(
            CultureInfo.InvariantCulture,
                $"{cpu} {Environment.WorkingSet} {GC.GetTotalMemory(forceFullCollection: false)}");
    }

    private static async Task IndexerAsync(RoleSpec spec, EvmMarketChain chain, HttpWireClient wire)
    {
        var node = IndexerNode.Create(
            new IndexerOptions(), new IndexerParts(chain, wire, TimeProvider.System, NullLoggerFactory.Instance));
        await LoopbackServer.StartAsync(
            spec.Port, null, Limits, NullLoggerFactory.Instance, services => services.AddIndexer(node),
            routes => routes.MapIndexer(node, Limits));
    }

    private static async Task ProviderAsync(RoleSpec spec, EvmMarketChain chain, HttpWireClient wire)
    {
        var certificates = NodeCertificateStore.Open(Path.Combine(spec.Folder, "certificates"), TimeProvider.System);
        IEngine engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = Places.Model, Name = MarketNetwork.Model }, default);
        if (spec.PauseMs >= 0)
        {
            // The real model is only asked who it is.
            var model = engine.Model;
            await engine.DisposeAsync();
            engine = new TrivialEngine(model, TimeSpan.FromMilliseconds(spec.PauseMs));
        }

        var options = RoleOptions.Provider(
            spec.Keyring(), $"https://127.0.0.1:{spec.Port}", () => certificates.Current.SpkiHash, engine,
            new Prices(new Amount(100_000), new Amount(50_000), new Amount(400_000)), spec.Indexer);
        var parts = new ProviderParts(
            SqliteLedger.Open(Path.Combine(spec.Folder, "provider.ledger")), chain, wire, TimeProvider.System,
            new SystemRandomness(), NullLoggerFactory.Instance);
        var node = MarketBasics.Must(await ProviderNode.StartAsync(options, parts, default));
        await LoopbackServer.StartAsync(
            spec.Port, certificates, Limits, NullLoggerFactory.Instance, services => services.AddProvider(node),
            routes => routes.MapProvider(node, Limits));
    }

    private static async Task<GatewayNode> GatewayAsync(RoleSpec spec, EvmMarketChain chain, HttpWireClient wire)
    {
        var options = RoleOptions.Gateway(
            Address.Parse(spec.Vault), spec.Key(0), spec.Key(1), chain.Network, Bytes32.Parse(spec.Keys[2]), "bench",
                512);
        var parts = new GatewayParts(
            SqliteLedger.Open(Path.Combine(spec.Folder, "gateway.ledger")), chain, wire, TimeProvider.System,
            new SystemRandomness(), NullLoggerFactory.Instance);
        var node = MarketBasics.Must(await GatewayNode.StartAsync(options, parts, default));
        await LoopbackServer.StartAsync(
            spec.Port, null, Limits, NullLoggerFactory.Instance, services => services.AddGateway(node),
            routes => routes.MapGateway(node.FrontDoor, Limits));
        return node;
    }
}
