using System.Net;
using Microsoft.Extensions.Logging;
using Souk.Chain.Deployment;
using Souk.Chain.Evm;
using Souk.Cli.DevChain;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Engines;
using Souk.Protocol;
using Souk.Provider;
using Souk.Wire.Adapters;
using Souk.Wire.Http;

namespace Souk.Cli.Up;

/// <summary>What <c>up</c> was asked for.</summary>
internal sealed record UpRequest(string Data, Ports Ports, EngineChoice Engine, bool IsQuiet);

/// <summary>
/// A whole network on this machine: chain, provider, indexer and gateway in one process. Stopping takes them down in the
/// order in which money flows, so that nothing is left half done.
/// </summary>
internal sealed class Network : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly DataDirectory _data;
    private readonly UpRequest _request;
    private readonly Screen _screen;
    private readonly TimeProvider _time;
    private readonly Randomness _randomness = new SystemRandomness();
    private readonly NodeKeys _keys;

    private Network(UpRequest request, DataDirectory data, Screen screen, TimeProvider time)
    {
        (_request, _data, _screen, _time) = (request, data, screen, time);
        _keys = new NodeKeys(data, _randomness);
    }

    /// <summary>The chain; when it ends, the network has to.</summary>
    public Task ChainExited { get; private set; } = Task.CompletedTask;

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
            .AddProvider(new FileLogs(_data.Log, LogLevel.Information, _time)));
        Keep(logs);
        await _screen.StepAsync("Chain", StartChainAsync(cancellation));
        var bootstrap = new Bootstrap(_data, _keys, _time);
        if (!(await _screen.StepAsync("Contracts", async tell =>
            {
                var deployed = await bootstrap.NetworkAsync(_request.Ports, cancellation);
                tell(deployed.IsOk ? $"escrow {deployed.Value.Escrow}, registry {deployed.Value.Registry}" : "");
                return deployed;
            })).TryGet(out var file, out var refusal))
        {
            return refusal;
        }

        file = file with
        {
            RpcUrls = [RoleHosts.Url("http", _request.Ports.Rpc)],
            Indexers = [RoleHosts.Url("http", _request.Ports.Indexer)],
        };
        var rpc = EvmMarketChain.Open(file, _time);
        Keep(rpc);
        if (await NetworkCheck.RunAsync(file, rpc, cancellation) is { } wrong)
        {
            return wrong;
        }

        var chain = new EvmMarketChain(file, rpc, Bootstrap.Sender);
        _parts.Push(chain);
        var shared = new Shared(_data, chain, _time, _randomness, logs);
        return await StartRolesAsync(shared, bootstrap, cancellation);
    }

    private Func<Action<string>, Task<bool>> StartChainAsync(CancellationToken cancellation) => async tell =>
    {
        var chain = await LocalChain.StartAsync(
            _data,
            _request.Ports.Rpc,
            _time,
            (id, port) => DataDirectory.WriteJson(_data.Running, RunningFile.Current(_request.Ports, id, port)),
            (done, all) => tell($"replaying block {done} of {all}"),
            cancellation);
        _parts.Push(chain);
        ChainExited = chain.Exited;
        tell($"anvil, chain id {LocalChain.ChainId}, {RoleHosts.Url("http", _request.Ports.Rpc)}");
        return true;
    };

    private async Task<Refusal?> StartRolesAsync(Shared shared, Bootstrap bootstrap, CancellationToken cancellation)
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
            return await RoleHosts.IndexerAsync(shared, IPAddress.Loopback, _request.Ports.Indexer, cancellation);
        });
        _parts.Push(indexer);
        if (!(await _screen.StepAsync("Provider", tell => StartProviderAsync(shared, bootstrap, model, tell, cancellation)))
            .TryGet(out var provider, out refusal))
        {
            return refusal;
        }

        if (!(await _screen.StepAsync("Gateway", tell => StartGatewayAsync(shared, bootstrap, model, tell, cancellation)))
            .TryGet(out var access, out refusal))
        {
            return refusal;
        }

        var first = new FirstAnswer(_screen, shared.Chain.Network, _request.Ports, access.ApiKey, access.AdminToken);
        if (!_request.IsQuiet && await first.ShowAsync(model.Model.Name, provider, cancellation) is { } failed)
        {
            return failed;
        }

        ShowReady(model.Model.Name, access.ApiKey);
        return null;
    }

    private async Task<Result<ProviderNode>> StartProviderAsync(
        Shared shared, Bootstrap bootstrap, IEngine engine, Action<string> tell, CancellationToken cancellation)
    {
        var certificates = NodeCertificateStore.Open(_data.Folder("certificates"), _time);
        Keep(certificates);
        var endpoint = RoleHosts.Url("https", _request.Ports.Provider);
        if (await bootstrap.ProviderAsync(shared.Chain, endpoint, cancellation) is { } unregistered)
        {
            return unregistered;
        }

        if (!ProviderSecrets.Open(_keys).TryGet(out var secrets, out var refusal))
        {
            return refusal;
        }

        var options = ProviderSetup.Options(
            secrets, endpoint, certificates, engine, [RoleHosts.Url("http", _request.Ports.Indexer)]);
        var started = await RoleHosts.ProviderAsync(
            shared, options, certificates, IPAddress.Loopback, _request.Ports.Provider, cancellation);
        if (!started.TryGet(out var role, out refusal))
        {
            return refusal;
        }

        _parts.Push(role.Role);
        tell($"{secrets.Owner.Address}, staked, {endpoint}");
        return role.Node;
    }

    private async Task<Result<Access>> StartGatewayAsync(
        Shared shared, Bootstrap bootstrap, IEngine engine, Action<string> tell, CancellationToken cancellation)
    {
        if (!(await bootstrap.CustomerAsync(shared.Chain, cancellation)).TryGet(out var vault, out var refusal)
            || !_keys.OpenOrCreate("gateway").TryGet(out var hot, out refusal)
            || !_keys.OpenOrCreate("catalogue").TryGet(out var publisher, out refusal))
        {
            return refusal;
        }

        var token = GatewaySetup.AdminToken(_data, _randomness);
        var catalogue = GatewaySetup.Catalogue(_data, publisher, shared.Chain.Network, engine.Model, _time);
        var options = GatewaySetup.Options(vault, hot, catalogue, publisher.Address, token);
        var started = await RoleHosts.GatewayAsync(
            shared, options, IPAddress.Loopback, _request.Ports.Gateway, _request.Ports.Admin, cancellation);
        if (!started.TryGet(out var role, out refusal))
        {
            return refusal;
        }

        _parts.Push(role.Role);
        if (!(await GatewaySetup.ApiKeyAsync(_data, role.Node)).TryGet(out var apiKey, out refusal))
        {
            return refusal;
        }

        tell("opening a warm channel");
        if (await GatewaySetup.WaitForChannelAsync(role.Node, _time, cancellation) is { } cold)
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
