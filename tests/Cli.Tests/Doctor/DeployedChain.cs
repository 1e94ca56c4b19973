using System.Globalization;
using System.Text.Json;
using Souk.Cli.State;
using Souk.Cli.Tests.DevChain;
using Souk.Cli.Up;
using Souk.Protocol;

namespace Souk.Cli.Tests.Doctor;

/// <summary>A real chain with the contracts on it, and data folders that know it.</summary>
public sealed class DeployedChain : IAsyncLifetime
{
    private PlainAnvil? _anvil;

    internal NetworkFile Network { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _anvil = await PlainAnvil.StartAsync(31337);
        using var folder = new TestFolder();
        var ports = new Ports(1, 2, 3, 4, new Uri(_anvil.Url).Port);
        var made = await Bootstrap.NetworkAsync(
            new DataDirectory(folder.Path), ports, TimeProvider.System, CancellationToken.None);
        Network = made.Value with { Indexers = [] };
    }

    public ValueTask DisposeAsync() => _anvil?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A block of this moment, as a chain that goes on would have one.</summary>
    internal async Task MineAsync() => await _anvil!.CallAsync("evm_mine");

    /// <summary>Lets so much time pass on the chain alone.</summary>
    internal async Task LetPassAsync(int seconds)
    {
        await _anvil!.CallAsync("evm_increaseTime", seconds);
        await MineAsync();
    }

    /// <summary>Unix seconds of the newest block.</summary>
    internal async Task<long> HeadTimeAsync()
    {
        JsonElement head = await _anvil!.CallAsync("eth_getBlockByNumber", "latest", false);
        return long.Parse(head.GetProperty("timestamp").GetString()!.AsSpan(2), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
    }

    /// <summary>Makes a data folder know this network.</summary>
    internal DataDirectory Data(TestFolder folder)
    {
        var data = new DataDirectory(folder.In("data"));
        DataDirectory.Write(data.Network, Network.ToJson());
        return data;
    }

    /// <summary>Acts on the network from a data folder, with the chain's rich account as payer.</summary>
    internal static async Task ActAsync(DataDirectory data, Func<NetworkSession, Payer, Task> action)
    {
        var opened = await NetworkSession.OpenAsync(data.Root, null, TimeProvider.System, CancellationToken.None);
        await using var session = opened.Value;
        await action(session, (await session.PayerAsync(null, [], CancellationToken.None)).Value);
    }
}
