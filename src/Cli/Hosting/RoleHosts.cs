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
using Souk.Provider.Watch;
using Souk.Wire;
using Souk.Wire.Http;
using Souk.Wire.Paid;

namespace Souk.Cli.Hosting;

/// <summary>What the roles of one process share.</summary>
internal sealed record Shared(
    DataDirectory Data, IMarketChain Chain, TimeProvider Time, Randomness Randomness, ILoggerFactory Logs)
{
    /// <summary>True where the whole network may be on one machine, so that private addresses are peers.</summary>
    public bool IsDevelopment => WellKnownKeys.IsDevelopment(Chain.Network.ChainId);

    /// <summary>A client for node links.</summary>
    public HttpWireClient Wire() => new(new WireClientOptions { AllowsPrivateAddresses = IsDevelopment }, Time);
}

/// <summary>A role that runs: its servers, its loops, and what it owns.</summary>
internal sealed class RunningRole : IAsyncDisposable
{
    private readonly IReadOnlyList<WebApplication> _servers;
    private readonly IReadOnlyList<IAsyncDisposable> _owned;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunningRole(string name, IReadOnlyList<WebApplication> servers, IReadOnlyList<IAsyncDisposable> owned)
    {
        (Name, _servers, _owned) = (name, servers, owned);
        foreach (var server in servers)
        {
            server.Lifetime.ApplicationStopping.Register(() => _ended.TrySetResult());
        }
    }

    /// <summary>For messages.</summary>
    public string Name { get; }

    /// <summary>Completes when the role stops by itself, because one of its loops failed; the log says why.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Done before the servers stop.</summary>
    public Func<Task> BeforeStop { get; init; } = static () => Task.CompletedTask;

    /// <summary>Done when no request runs any more.</summary>
    public Func<Task> AfterStop { get; init; } = static () => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await BeforeStop();
        foreach (var server in _servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }

        await AfterStop();
        foreach (var part in _owned)
        {
            await part.DisposeAsync();
        }
    }
}

/// <summary>A provider that runs.</summary>
internal sealed record RunningProvider(RunningRole Role, ProviderNode Node, OwnerDoor Door);

/// <summary>A gateway that runs.</summary>
internal sealed record RunningGateway(RunningRole Role, GatewayNode Node);

/// <summary>Starts roles on this machine: the one composition that every command uses.</summary>
internal static class RoleHosts
{
    private static readonly IPAddress Loopback = IPAddress.Loopback;
    private static readonly TimeSpan LastActPatience = TimeSpan.FromSeconds(8);

    /// <summary>An indexer on a port: plain HTTP on loopback, else with the certificates of a node link.</summary>
    public static async Task<RunningRole> IndexerAsync(
        Shared shared, NodeCertificateStore? certificates, IPAddress address, int port, CancellationToken cancellation)
    {
        var wire = shared.Wire();
        var node = IndexerNode.Create(
            new IndexerOptions(), new IndexerParts(shared.Chain, wire, shared.Time, shared.Logs));
        var limits = new WireLimits();
        var server = await NodeHost.StartAsync(
            address, port, certificates, limits, shared.Logs, services => services.AddIndexer(node),
            endpoints => endpoints.MapIndexer(node, limits), cancellation);
        return new RunningRole("indexer", [server], [new Owned(node), new Owned(wire)]);
    }

    /// <summary>A watchtower on a port, with the certificates of its node link where others than this machine reach
    /// it.</summary>
    public static async Task<RunningRole> WatchAsync(
        Shared shared, WatchOptions options, NodeCertificateStore? certificates, IPAddress address, int port,
        int adminPort, string ownerToken, CancellationToken cancellation)
    {
        var ledger = SqliteLedger.Open(shared.Data.Ledger("watch"));
        var node = await WatchNode.StartAsync(
            options, new WatchParts(ledger, shared.Chain, shared.Time, shared.Logs), cancellation);
        var limits = new WireLimits { MaxBodyBytes = GuardRequest.MostBytes };
        var door = new WatchDoor(node, shared.Chain.Network, ownerToken);
        List<WebApplication> servers =
        [
            await NodeHost.StartAsync(
                address, port, certificates, limits, shared.Logs, services => services.AddNode(node.RunAsync),
                endpoints => endpoints.MapWire(node.Handler, limits), cancellation),
            await NodeHost.StartAsync(
                Loopback, adminPort, null, limits, shared.Logs, static _ => { },
                endpoints => endpoints.MapWire(door, limits), cancellation),
        ];
        return new RunningRole("watch", servers, [ledger]);
    }

    /// <summary>A provider on a port, with the certificates of its node link. It stops by withdrawing its offers,
    /// ending what runs, and claiming what is worth its gas.</summary>
    /// <param name="ownerPort">Port of the owner's door on loopback; null where it shares another's.</param>
    public static async Task<Result<RunningProvider>> ProviderAsync(
        Shared shared, ProviderOptions options, NodeCertificateStore certificates, IPAddress address, int port,
        int? ownerPort, string ownerToken, CancellationToken cancellation)
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
        var door = new OwnerDoor(node, options, shared.Chain.Network, ownerToken);
        List<WebApplication> servers =
        [
            await NodeHost.StartAsync(
                address, port, certificates, limits, shared.Logs, services => services.AddProvider(node),
                endpoints => endpoints.MapProvider(node, limits), cancellation),
        ];
        if (ownerPort is { } own)
        {
            servers.Add(await NodeHost.StartAsync(
                Loopback, own, null, limits, shared.Logs, static _ => { }, endpoints => endpoints.MapWire(door, limits),
                cancellation));
        }

        List<IAsyncDisposable> owned = [new Owned(node), new Owned(wire), ledger];
        owned.AddRange(options.Models.Select(model => model.Engine));
        var role = new RunningRole("provider", servers, owned)
        {
            BeforeStop = () => WithinAsync(shared, node.WithdrawOffersAsync),
            AfterStop = () => WithinAsync(shared, node.ClaimDueAsync),
        };
        return new RunningProvider(role, node, door);
    }

    /// <summary>A gateway: the OpenAI front door on one port, the owner's door on another, always loopback.</summary>
    /// <param name="provider">A provider's owner's door to serve beside the gateway's; null for none.</param>
    public static async Task<Result<RunningGateway>> GatewayAsync(
        Shared shared, GatewayOptions options, IPAddress address, int port, int adminPort, IWireHandler? provider,
        CancellationToken cancellation)
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
        var door = provider is null ? node.AdminDoor : new SplitDoor(node.AdminDoor, provider);
        var admin = await NodeHost.StartAsync(
            Loopback, adminPort, null, limits, shared.Logs, static _ => { },
            endpoints => endpoints.MapGateway(door, limits), cancellation);
        return new RunningGateway(new RunningRole("gateway", [front, admin], [new Owned(wire), ledger]), node);
    }

    // The last acts of a stop are worth some seconds, but the stop goes on without them.
    private static async Task WithinAsync(Shared shared, Func<CancellationToken, Task> act)
    {
        using var patience = new CancellationTokenSource(LastActPatience, shared.Time);
        try
        {
            await act(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // What was not claimed is claimed after the next start; offers expire by themselves.
        }
    }

    /// <summary>A URL on this machine.</summary>
    public static string Url(string scheme, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}");

    private sealed class Owned(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
