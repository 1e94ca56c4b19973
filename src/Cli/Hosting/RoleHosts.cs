using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Cli.State;
using Souk.Gateway;
using Souk.Indexer;
using Souk.Ledger.Sqlite;
using Souk.Protocol;
using Souk.Provider;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Cli.Hosting;

/// <summary>What the roles of one process share.</summary>
internal sealed record Shared(
    DataDirectory Data, IMarketChain Chain, TimeProvider Time, Randomness Randomness, ILoggerFactory Logs)
{
    /// <summary>True where the whole network may be on one machine, so that private addresses are peers.</summary>
    public bool IsDevelopment => Chain.Network.ChainId is 31337 or 1337;

    /// <summary>A client for node links.</summary>
    public HttpWireClient Wire() => new(new WireClientOptions { AllowsPrivateAddresses = IsDevelopment }, Time);
}

/// <summary>A role that runs: its servers, its loops, and what it owns.</summary>
internal sealed class RunningRole(string name, IReadOnlyList<WebApplication> servers, IReadOnlyList<IAsyncDisposable> owned)
    : IAsyncDisposable
{
    /// <summary>For messages.</summary>
    public string Name => name;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }

        foreach (var part in owned)
        {
            await part.DisposeAsync();
        }
    }
}

/// <summary>Starts roles on this machine: the one composition that every command uses.</summary>
internal static class RoleHosts
{
    private static readonly IPAddress Loopback = IPAddress.Loopback;

    /// <summary>An indexer on a port.</summary>
    public static async Task<RunningRole> IndexerAsync(Shared shared, IPAddress address, int port, CancellationToken cancellation)
    {
        var wire = shared.Wire();
        var node = IndexerNode.Create(
            new IndexerOptions(), new IndexerParts(shared.Chain, wire, shared.Time, shared.Logs));
        var limits = new WireLimits();
        var server = await NodeHost.StartAsync(
            address, port, null, limits, shared.Logs, services => services.AddIndexer(node),
            endpoints => endpoints.MapIndexer(node, limits), cancellation);
        return new RunningRole("indexer", [server], [new Owned(node), new Owned(wire)]);
    }

    /// <summary>A provider on a port, with the certificates of its node link.</summary>
    public static async Task<Result<(RunningRole Role, ProviderNode Node)>> ProviderAsync(
        Shared shared, ProviderOptions options, NodeCertificateStore certificates, IPAddress address, int port,
        CancellationToken cancellation)
    {
        var wire = shared.Wire();
        var ledger = SqliteLedger.Open(shared.Data.Ledger("provider"));
        var parts = new ProviderParts(ledger, shared.Chain, wire, shared.Time, shared.Randomness, shared.Logs);
        var started = await ProviderNode.StartAsync(options, parts, cancellation);
        if (!started.TryGet(out var node, out var refusal))
        {
            await ledger.DisposeAsync();
            wire.Dispose();
            return refusal;
        }

        var limits = new WireLimits();
        var server = await NodeHost.StartAsync(
            address, port, certificates, limits, shared.Logs, services => services.AddProvider(node),
            endpoints => endpoints.MapProvider(node, limits), cancellation);
        List<IAsyncDisposable> owned = [new Owned(node), new Owned(wire), ledger];
        owned.AddRange(options.Models.Select(model => model.Engine));
        return (new RunningRole("provider", [server], owned), node);
    }

    /// <summary>A gateway: the OpenAI front door on one port, the owner's door on another, always loopback.</summary>
    public static async Task<Result<(RunningRole Role, GatewayNode Node)>> GatewayAsync(
        Shared shared, GatewayOptions options, IPAddress address, int port, int adminPort, CancellationToken cancellation)
    {
        var wire = shared.Wire();
        var ledger = SqliteLedger.Open(shared.Data.Ledger("gateway"));
        var parts = new GatewayParts(ledger, shared.Chain, wire, shared.Time, shared.Randomness, shared.Logs);
        var started = await GatewayNode.StartAsync(options, parts, cancellation);
        if (!started.TryGet(out var node, out var refusal))
        {
            await ledger.DisposeAsync();
            wire.Dispose();
            return refusal;
        }

        var limits = new WireLimits { MaxRequestsPerPeer = 4096, MaxStreamsPerPeer = 4096 };
        var front = await NodeHost.StartAsync(
            address, port, null, limits, shared.Logs, services => services.AddGateway(node),
            endpoints => endpoints.MapGateway(node.FrontDoor, limits), cancellation);
        var admin = await NodeHost.StartAsync(
            Loopback, adminPort, null, limits, shared.Logs, static _ => { },
            endpoints => endpoints.MapGateway(node.AdminDoor, limits), cancellation);
        return (new RunningRole("gateway", [front, admin], [new Owned(wire), ledger]), node);
    }

    /// <summary>A URL on this machine.</summary>
    public static string Url(string scheme, int port) => string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}");

    private sealed class Owned(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
