using System.Text.Json;
using Souk.Chain.Deployment;
using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Deployment;

public sealed class DeployerTests
{
    private static readonly SenderOptions Hurried = new() { PollInterval = TimeSpan.FromMilliseconds(50) };
    private static readonly DeploymentPlan Plan = new() { RpcUrls = ["http://127.0.0.1:8545/"] };

    [Fact]
    public async Task Puts_the_contracts_where_the_contracts_own_tool_says_and_again_changes_nothing()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var deployer = new Deployer(chain, sender);

        var network = (await deployer.DeployAsync(Plan, default)).Value;
        var blocks = await anvil.NumberAsync("eth_blockNumber");
        var again = (await deployer.DeployAsync(Plan with { BlockTime = network.BlockTime }, default)).Value;

        // Computed by another implementation of Keccak and CREATE2, in contracts/script.
        var file = Path.Combine(VectorFiles.Root, "contracts", "abi", "addresses.json");
        var expected = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement.GetProperty("addresses");
        Assert.Equal(
            [
                Parsed(expected, "BatchSettlement"),
                Parsed(expected, "ProviderRegistry"),
                Parsed(expected, "CustomerVaultFactory"),
                Parsed(expected, "DevelopmentCurrency"),
            ],
            [network.Escrow, network.Registry, network.VaultFactory, network.Currency]);
        Assert.Equal(Parsed(expected, "Erc3009DepositCollector"), network.Erc3009Collector);
        Assert.Equal((31337ul, 6, 1, 10), (network.ChainId, network.CurrencyDecimals, network.Confirmations,
            network.MaxHeadAge));
        Assert.Equal(network.ToJson(), again.ToJson());
        Assert.Equal(blocks, await anvil.NumberAsync("eth_blockNumber"));
        Assert.Equal(network.ToJson(), NetworkFile.Parse(network.ToJson()).Value.ToJson());
        Assert.Null(await NetworkCheck.RunAsync(network, chain, default));
    }

    [Fact]
    public async Task A_chain_without_the_proxy_gets_it_by_the_presigned_transaction()
    {
        await using var anvil = await AnvilProcess.StartAsync("--disable-default-create2-deployer");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);

        var network = await new Deployer(chain, sender).DeployAsync(Plan, default);

        Assert.True(network.IsOk, network.Refusal?.Message);
        Assert.Null(await NetworkCheck.RunAsync(network.Value, chain, default));
    }

    [Fact]
    public void The_presigned_transaction_is_the_published_one()
    {
        // Address and cost as the proxy's repository states them.
        Assert.Equal(Address.Parse("0x3fab184622dc19b6109349b94811493bf2a45362"), DeploymentProxy.Creator);
        Assert.Equal((UInt128)10_000_000_000_000_000, DeploymentProxy.Cost);
    }

    [Fact]
    public async Task Another_chain_needs_a_currency_and_takes_an_existing_escrow()
    {
        await using var anvil = await AnvilProcess.StartAsync("--chain-id", "84532");
        using var chain = new RpcChain(84532, [anvil.Url], new RpcOptions(), TimeProvider.System);
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var deployer = new Deployer(chain, sender);

        var refused = await deployer.DeployAsync(Plan, default);
        Assert.Equal("currency_missing", refused.Refusal?.Code);

        // Stands in for a real currency: returns 6 to every call.
        var currency = Address.Parse("0x00000000000000000000000000000000000000c0");
        await anvil.CallAsync("anvil_setCode", currency.ToString(), "0x60065f5260205ff3");
        var ours = (await deployer.DeployAsync(Plan with { Currency = currency }, default)).Value;
        var theirs = (await deployer.DeployAsync(
            Plan with { Currency = currency, Escrow = ours.Escrow }, default)).Value;

        Assert.Equal(currency, ours.Currency);
        Assert.Equal(12, ours.Confirmations);
        Assert.Equal(ours.Escrow, theirs.Escrow);
        Assert.Null(await NetworkCheck.RunAsync(ours, chain, default));
    }

    [Fact]
    public async Task The_check_names_everything_that_is_wrong_at_once()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var network = (await new Deployer(chain, sender).DeployAsync(Plan, default)).Value;
        var nobody = Address.Parse("0x00000000000000000000000000000000000000d0");

        var absent = await NetworkCheck.RunAsync(
            network with { Escrow = nobody, Registry = nobody }, chain, default);
        Assert.Equal(
            [
                $"escrow: there is no contract at {nobody} on chain 31337.",
                $"registry: there is no contract at {nobody} on chain 31337.",
            ],
            absent!.Message.Split('\n'));

        var swapped = await NetworkCheck.RunAsync(
            network with
            {
                Escrow = network.Registry,
                Registry = network.Escrow,
                VaultFactory = network.Currency,
                CurrencyDecimals = 18,
            },
            chain,
            default);
        var problems = swapped!.Message.Split('\n');
        Assert.Equal(Fault.Ours, swapped.Fault);
        Assert.Equal(
            ["escrow", "registry", "vaultFactory", "currency", "erc3009Collector"],
            problems.Select(problem => problem.Split(':')[0]));

        var vaultElsewhere = await NetworkCheck.RunAsync(
            network with { Currency = network.VaultFactory, Registry = network.Registry }, chain, default);
        Assert.Contains("stakes are in", vaultElsewhere!.Message, StringComparison.Ordinal);

        var collectsElsewhere = await NetworkCheck.RunAsync(
            network with { Erc3009Collector = network.Currency }, chain, default);
        Assert.StartsWith("erc3009Collector:", collectsElsewhere!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Contracts_at_other_addresses_pass_if_they_are_the_same()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var network = (await new Deployer(chain, sender).DeployAsync(Plan, default)).Value;

        // Deployed by ordinary creation, as a canonical escrow of some chain would be.
        var escrow = await CreateAsync(anvil, sender, CompiledContracts.CreationCode(CompiledContracts.Escrow));
        var registry = await CreateAsync(
            anvil, sender, CompiledContracts.CreationCode(CompiledContracts.Registry, network.Currency));
        var factory = await CreateAsync(anvil, sender, CompiledContracts.CreationCode(CompiledContracts.Factory));

        Assert.Null(await NetworkCheck.RunAsync(
            network with
            {
                Escrow = escrow, Registry = registry, VaultFactory = factory, Erc3009Collector = null,
            },
            chain,
            default));
    }

    private static async Task<Address> CreateAsync(AnvilProcess anvil, TransactionSender sender, byte[] code)
    {
        var receipt = (await sender.SendAsync(null, code, 0, default)).Value;
        var json = await anvil.CallAsync("eth_getTransactionReceipt", receipt.Transaction.ToString());
        return Address.Parse(json.GetProperty("contractAddress").GetString()!.ToLowerInvariant());
    }

    private static Address Parsed(JsonElement addresses, string name) =>
        Address.Parse(addresses.GetProperty(name).GetString()!);
}
