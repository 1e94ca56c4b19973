using System.Text.Json;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Tests.Doctor;
using Souk.Protocol;

namespace Souk.Cli.Tests.Commands;

/// <summary>Commands that move money or change the registry, on a real chain.</summary>
public sealed class MoneyTests(DeployedChain chain) : IClassFixture<DeployedChain>, IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Money_goes_into_the_vault_and_back_and_its_owner_needs_no_gas()
    {
        var data = chain.Data(_folder);
        using var made = await RunAsync(data, "wallet", "vault");
        var vault = Text(made, "address");
        using var given = await RunAsync(data, "wallet", "faucet", "customer", "--gas", "0", "--currency", "50");
        Assert.Equal(("50", "0"), (Text(given, "currency"), Text(given, "gas_money")));

        using var deposited = await RunAsync(data, "wallet", "deposit", "20.5");
        Assert.Equal((vault, "20.5", "20.5"),
            (Text(deposited, "vault"), Text(deposited, "moved"), Text(deposited, "vault_balance")));
        using var withdrawn = await RunAsync(data, "wallet", "withdraw", "0.5");
        Assert.Equal("20", Text(withdrawn, "vault_balance"));
        Assert.Equal(("30", "20"), await BalancesAsync(data));

        // More than there is moves nothing.
        await RefusesAsync(data, "wallet", "deposit", "30.000001");
        await RefusesAsync(data, "wallet", "withdraw", "20.000001");
        await RefusesAsync(data, "wallet", "deposit", "0.0000001");
        Assert.Equal(("30", "20"), await BalancesAsync(data));

        using var all = await RunAsync(data, "wallet", "withdraw", "all");
        Assert.Equal("0", Text(all, "vault_balance"));
        Assert.Equal(("50", "0"), await BalancesAsync(data));
    }

    [Fact]
    public async Task A_provider_registers_stakes_and_leaves()
    {
        const string Endpoint = "https://node.example:8443";
        var data = chain.Data(_folder);
        await RefusesAsync(data, "provider", "show");
        using var registered = await RunAsync(data, "provider", "register", "--endpoint", Endpoint);
        await RunAsync(data, "wallet", "faucet", "provider", "--gas", "0", "--currency", "7");
        await RefusesAsync(data, "provider", "stake", "8");
        await RunAsync(data, "provider", "stake", "7");
        using var staked = await RunAsync(data, "provider", "show");
        Assert.Equal((Endpoint, "7"), (Text(staked, "endpoint"), Text(staked, "stake")));

        await RunAsync(data, "provider", "leave");
        await chain.LetPassAsync(4_000);
        await RunAsync(data, "provider", "release");

        using var left = await RunAsync(data, "wallet", "balance", "provider");
        Assert.Equal("7", Text(left.RootElement.GetProperty("balances")[0], "currency"));
    }

    [Fact]
    public async Task Deploying_again_changes_nothing_and_writes_the_same_network()
    {
        var file = _folder.In("network.json");
        using var again = await RunAsync(
            chain.Data(_folder), "deploy", "--rpc", chain.Network.RpcUrls[0], "--out", file);

        var network = NetworkFile.Parse(await File.ReadAllTextAsync(file)).Value;
        Assert.Equal(
            (chain.Network.Escrow, chain.Network.Registry, chain.Network.VaultFactory, chain.Network.Currency),
            (network.Escrow, network.Registry, network.VaultFactory, network.Currency));
        Assert.Equal(network.Escrow.ToString(), Text(again, "escrow"));
    }

    private static async Task<(string Held, string Vault)> BalancesAsync(DataDirectory data)
    {
        using var told = await RunAsync(data, "wallet", "balance", "customer");
        return (Text(told.RootElement.GetProperty("balances")[0], "currency"),
            Text(told.RootElement.GetProperty("vault"), "balance"));
    }

    private static async Task<JsonDocument> RunAsync(DataDirectory data, params string[] args)
    {
        using var piped = new PipedScreen();
        var code = await piped.RunAsync([.. args, "--json", "--data", data.Root]);
        Assert.True(code == ExitCodes.Ok, string.Join(' ', args) + piped.Errors);
        return JsonDocument.Parse(piped.Output);
    }

    private static async Task RefusesAsync(DataDirectory data, params string[] args)
    {
        using var piped = new PipedScreen();
        Assert.Equal(ExitCodes.Failed, await piped.RunAsync([.. args, "--json", "--data", data.Root]));
        using var json = JsonDocument.Parse(piped.Output);
        Assert.NotEmpty(json.RootElement.GetProperty("error").GetProperty("code").GetString()!);
        Assert.StartsWith("error: ", piped.Errors, StringComparison.Ordinal);
    }

    private static string Text(JsonDocument from, string name) => Text(from.RootElement, name);

    private static string Text(JsonElement from, string name) => from.GetProperty(name).ToString();
}
