using System.Net;
using Microsoft.Extensions.Logging;
using Souk.Cli.DevChain;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Wallet;
using Souk.Engines;
using Souk.Protocol;
using Souk.Wire.Adapters;
using Souk.Wire.Http;

namespace Souk.Cli.Up;

/// <summary>What <c>up</c> was asked for.</summary>
internal sealed record UpRequest(string Data, Ports Ports, EngineChoice Engine, bool IsQuiet);

/// <summary>
/// A whole network on this machine: chain, provider, indexer and gateway in one process. Stopping takes them down in
/// the order in which money flows, so that nothing is left half done.
/// </summary>
internal sealed class Network : IAsyncDisposable
{
    private const string CatalogueRole = "catalogue";
    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly DataDirectory _data;
    private readonly UpRequest _request;
    private readonly Screen _screen;
    private readonly TimeProvider _time;
    private readonly Randomness _randomness = new SystemRandomness();
    private readonly List<RunningRole> _roles = [];
    private Task _chainExited = Task.CompletedTask;

    private Network(UpRequest request, DataDirectory data, Screen screen, TimeProvider time) =>
        (_request, _data, _screen, _time) = (request, data, screen, time);

    /// <summary>Completes with a name when the chain or a role stops by itself; the network has to stop then.</summary>
    public async Task<string> FailedAsync()
    {
        var ends = _roles.ToDictionary(role => role.Ended, role => role.Name);
        ends.Add(_chainExited, "chain");
        return ends[await Task.WhenAny(ends.Keys)];
    }

    /// <summary>Starts everything, or says why not; what was started is stopped again then.</summary>
    public static async Task<Result<Network>> StartAsync(
        UpRequest request, DataDirectory data, Screen screen, TimeProvider time, CancellationToken cancellation)
    {
        var network = new Network(request, data, screen, time);
        try
        {
            if (await network.BringUpAsync(cancellation) is not { } refusal)
            {
                return network;
            }

            await network.DisposeAsync();
            return refusal;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out var part))
        {
            await part.DisposeAsync();
        }
    }

    private async Task<Refusal?> BringUpAsync(CancellationToken cancellation)
    {
        var logs = LoggerFactory.Create(builder => builder
            .SetMinimumLevel(LogLevel.Debug)
            .AddProvider(new FileLogs(_data.Log("up"), LogLevel.Information, _time)));
        Keep(logs);
        await _screen.StepAsync("Chain", StartChainAsync(cancellation));
        var deployed = await _screen.StepAsync("Contracts", async tell =>
        {
            var network = await Bootstrap.NetworkAsync(_data, _request.Ports, _time, cancellation);
            tell(network.IsOk ? $"escrow {network.Value.Escrow}, registry {network.Value.Registry}" : "");
            return network;
        });
        if (!deployed.TryGet(out var file, out var refusal))
        {
            return refusal;
        }

        if (Describe(file) is { } unfit)
        {
            return unfit;
        }

        if (!(await NetworkSession.OpenAsync(_data.Root, null, _time, cancellation)).TryGet(
            out var session, out refusal))
        {
            return refusal;
        }

        _parts.Push(session);
        if (!WellKnownKeys.Development(file.ChainId).TryGet(out var rich, out refusal))
        {
            return refusal;
        }

        var shared = new Shared(_data, session.Chain, _time, session.Randomness, logs);
        return await StartRolesAsync(
            shared, session, new Bootstrap(session, new Payer(session.Chain.Account(rich))), cancellation);
    }

    // The ports may be others than last time, and other processes find the network by this file.
    private Refusal? Describe(NetworkFile file)
    {
        var keys = new NodeKeys(_data, _randomness, file.ChainId);
        if (!keys.OpenOrCreate(CatalogueRole).TryGet(out var publisher, out var refusal))
        {
            return refusal;
        }

        using (publisher)
        {
            DataDirectory.Write(_data.Network, (file with
            {
                RpcUrls = [RoleHosts.Url("http", _request.Ports.Rpc)],
                Indexers = [RoleHosts.Url("http", _request.Ports.Indexer)],
                Catalogue = _data.Catalogue,
                CatalogueSigner = publisher.Address,
            }).ToJson());
            return null;
        }
    }

    private Func<Action<string>, Task<bool>> StartChainAsync(CancellationToken cancellation) => async tell =>
    {
        var chain = await LocalChain.StartAsync(
            _data,
            _request.Ports.Rpc,
            _time,
            (id, port) => DataDirectory.WriteJson(_data.Running("up"), RunningFile.Current(_request.Ports, id, port)),
            (done, all) => tell($"replaying block {done} of {all}"),
            cancellation);
        _parts.Push(chain);
        _chainExited = chain.Exited;
        tell($"anvil, chain id {LocalChain.ChainId}, {RoleHosts.Url("http", _request.Ports.Rpc)}");
        return true;
    };

    private async Task<Refusal?> StartRolesAsync(
        Shared shared, NetworkSession session, Bootstrap bootstrap, CancellationToken cancellation)
    {
        var engine = await _screen.StepAsync("Model", async tell =>
        {
            var loaded = await _request.Engine.LoadAsync(cancellation);
            tell(loaded.IsOk ? $"{loaded.Value.Engine.Model.Name} on {loaded.Value.Engine.Model.EngineName}" : "");
            return loaded;
        });
        if (!engine.TryGet(out var loadedEngine, out var refusal))
        {
            return refusal;
        }

        var model = loadedEngine.Engine;
        var indexer = await _screen.StepAsync("Indexer", async tell =>
        {
            tell(RoleHosts.Url("http", _request.Ports.Indexer));
            return await RoleHosts.IndexerAsync(
                shared, null, IPAddress.Loopback, _request.Ports.Indexer, cancellation);
        });
        Keep(indexer);
        var token = GatewaySetup.AdminToken(_data, _randomness);
        if (!(await _screen.StepAsync(
                "Provider", tell => StartProviderAsync(shared, session, bootstrap, model, token, tell, cancellation)))
            .TryGet(out var provider, out refusal))
        {
            return refusal;
        }

        if (!(await _screen.StepAsync(
                "Gateway",
                tell => StartGatewayAsync(shared, session, bootstrap, model, token, provider.Door, tell, cancellation)))
            .TryGet(out var access, out refusal))
        {
            return refusal;
        }

        var first = new FirstAnswer(_screen, shared.Chain.Network, _request.Ports, access.ApiKey, access.AdminToken);
        if (!_request.IsQuiet && await first.ShowAsync(model.Model.Name, provider.Node, cancellation) is { } failed)
        {
            return failed;
        }

        ShowReady(model.Model.Name, access.ApiKey);
        return null;
    }

    private async Task<Result<RunningProvider>> StartProviderAsync(
        Shared shared, NetworkSession session, Bootstrap bootstrap, IEngine engine, string token, Action<string> tell,
        CancellationToken cancellation)
    {
        var certificates = NodeCertificateStore.Open(_data.Folder("certificates"), _time);
        Keep(certificates);
        var endpoint = RoleHosts.Url("https", _request.Ports.Provider);
        if (await bootstrap.ProviderAsync(endpoint, cancellation) is { } unregistered)
        {
            return unregistered;
        }

        if (!ProviderSecrets.Open(session.Keys).TryGet(out var secrets, out var refusal))
        {
            return refusal;
        }

        var options = ProviderSetup.Options(
            secrets, endpoint, certificates, engine, session.Network.Indexers, new SaleTerms());
        var started = await RoleHosts.ProviderAsync(
            shared, options, certificates, IPAddress.Loopback, _request.Ports.Provider, null, token, cancellation);
        if (started.TryGet(out var provider, out refusal))
        {
            Keep(provider.Role);
            tell($"{secrets.Owner.Address}, staked, {endpoint}");
            return provider;
        }

        return refusal;
    }

    private async Task<Result<Access>> StartGatewayAsync(
        Shared shared, NetworkSession session, Bootstrap bootstrap, IEngine engine, string token, OwnerDoor provider,
        Action<string> tell, CancellationToken cancellation)
    {
        if (!(await bootstrap.CustomerAsync(cancellation)).TryGet(out var vault, out var refusal)
            || !session.Keys.OpenOrCreate(VaultCommand.HotRole).TryGet(out var hot, out refusal)
            || !session.Keys.OpenOrCreate(CatalogueRole).TryGet(out var publisher, out refusal))
        {
            return refusal;
        }

        var catalogue = GatewaySetup.Catalogue(_data, publisher, session.Network, engine.Model, _time);
        var options = GatewaySetup.Options(vault, hot, catalogue, publisher.Address, token);
        var started = await RoleHosts.GatewayAsync(
            shared, options, IPAddress.Loopback, _request.Ports.Gateway, _request.Ports.Admin, provider, cancellation);
        if (!started.TryGet(out var gateway, out refusal))
        {
            return refusal;
        }

        Keep(gateway.Role);
        if (!(await GatewaySetup.ApiKeyAsync(_data, gateway.Node)).TryGet(out var apiKey, out refusal))
        {
            return refusal;
        }

        tell("opening a warm channel");
        if (await GatewaySetup.WaitForChannelAsync(gateway.Node, _time, cancellation) is { } cold)
        {
            return cold;
        }

        tell($"{RoleHosts.Url("http", _request.Ports.Gateway)}/v1, vault {vault}");
        return new Access(apiKey, token);
    }

    private void ShowReady(string model, string apiKey)
    {
        _screen.Line();
        _screen.Heading($"Ready after {_screen.Elapsed()}. Any OpenAI client can use:");
        _screen.Field("base URL", $"{RoleHosts.Url("http", _request.Ports.Gateway)}/v1");
        _screen.Field("API key", apiKey);
        _screen.Field("model", model);
        _screen.Field("data", _data.Root);
        _screen.Line("Stop with Ctrl-C or 'souk down'; start again and everything goes on where it stopped.");
    }

    private void Keep(RunningRole role)
    {
        _parts.Push(role);
        _roles.Add(role);
    }

    private void Keep(IDisposable part) => _parts.Push(new Owned(part));

    private sealed record Access(string ApiKey, string AdminToken);

    private sealed class Owned(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
