using Souk.Chain;
using Souk.Chain.Deployment;
using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.Conformance.Composition;

/// <summary>The keys of one provider.</summary>
internal sealed record ProviderKeyring(PrivateKey Owner, PrivateKey Payout, PrivateKey Node, PrivateKey Authorizer,
    PrivateKey Gas)
{
    public static ProviderKeyring Create(Randomness randomness) => new(
        PrivateKey.Create(randomness), PrivateKey.Create(randomness), PrivateKey.Create(randomness),
        PrivateKey.Create(randomness), PrivateKey.Create(randomness));
}

/// <summary>Contracts, a funded vault and registered providers on a chain of this test's own.</summary>
internal sealed class MarketBasics : IAsyncDisposable
{
    /// <summary>What the vault is given: 1,000 whole units.</summary>
    public const long VaultUnits = 1_000_000_000;

    private static readonly SenderOptions Hurried = new() { PollInterval = TimeSpan.FromMilliseconds(50) };
    private readonly RpcChain _rpc;

    private MarketBasics(LoopbackChain node, RpcChain rpc, NetworkFile network)
    {
        (Node, _rpc, Network) = (node, rpc, network);
        Chain = new EvmMarketChain(network, rpc, Hurried);
    }

    public LoopbackChain Node { get; }

    public NetworkFile Network { get; }

    public EvmMarketChain Chain { get; }

    public Randomness Randomness { get; } = new SystemRandomness();

    public PrivateKey HotKey { get; } = PrivateKey.Create(new SystemRandomness());

    /// <summary>Owns the vault.</summary>
    public PrivateKey VaultOwner { get; } = PrivateKey.Create(new SystemRandomness());

    public PrivateKey Publisher { get; } = PrivateKey.Create(new SystemRandomness());

    public Address Vault { get; private set; }

    /// <summary>Deploys and funds everything that does not depend on providers.</summary>
    public static async Task<MarketBasics> StartAsync(string indexer, bool isCanonical = false)
    {
        var node = await LoopbackChain.StartAsync();
        if (isCanonical)
        {
            await CanonicalContracts.PlaceAsync(node);
        }

        var rpc = new RpcChain(LoopbackChain.ChainId, [node.Url], new RpcOptions(), TimeProvider.System);
        var funder = Funder();
        await using var sender = new TransactionSender(rpc, funder, Hurried);
        var plan = new DeploymentPlan
        {
            RpcUrls = [node.Url.ToString()], BlockTime = 1, Confirmations = 1, MaxHeadAge = 10, Indexers = [indexer],
            Escrow = isCanonical ? CanonicalContracts.Escrow : null,
            Collector = isCanonical ? CanonicalContracts.Erc3009Collector : null,
        };
        var network = Must(await new Deployer(rpc, sender).DeployAsync(plan, default));
        if (await NetworkCheck.RunAsync(network, rpc, default) is { } wrong)
        {
            throw new InvalidOperationException(wrong.Message);
        }

        var basics = new MarketBasics(node, rpc, network);
        await basics.MakeVaultAsync();
        return basics;
    }

    /// <summary>Registers and stakes a provider that answers at an endpoint.</summary>
    public async Task RegisterAsync(ProviderKeyring keys, string endpoint)
    {
        await GiveGasAsync(keys.Owner.Address);
        await GiveGasAsync(keys.Gas.Address);
        var stake = new Amount(100_000_000);
        var proof = NodeKeyProof.Sign(keys.Node, new SoukDomain(Network.ChainId, Network.Registry),
            keys.Owner.Address);
        var addresses = new ProviderKeys(
            keys.Payout.Address, keys.Node.Address, keys.Authorizer.Address, keys.Gas.Address);
        await DoAsync(keys.Owner, new Register(addresses, proof, endpoint, 3600, Address.Zero));
        await DoAsync(Funder(), new MintCurrency(keys.Owner.Address, stake));
        await DoAsync(keys.Owner, new ApproveCurrency(Network.Registry, stake));
        await DoAsync(keys.Owner, new LockStake(keys.Owner.Address, stake));
    }

    /// <summary>The owner lets the vault pay a receiver that is in no registry.</summary>
    public async Task ListReceiverAsync(Address receiver)
    {
        await GiveGasAsync(VaultOwner.Address);
        await DoAsync(VaultOwner, new ListReceiver(Vault, receiver, true));
    }

    /// <summary>Currency out of nothing.</summary>
    public Task MintAsync(Address to, Amount amount) => DoAsync(Funder(), new MintCurrency(to, amount));

    /// <summary>Gas money out of nothing.</summary>
    public Task GiveGasAsync(Address to) => Node.CallAsync("anvil_setBalance", to.ToString(), "0x3635c9adc5dea00000");

    public async ValueTask DisposeAsync()
    {
        await Chain.DisposeAsync();
        _rpc.Dispose();
        await Node.DisposeAsync();
    }

    /// <summary>The value, where setting up must succeed.</summary>
    public static T Must<T>(Result<T> result) => result.TryGet(out var value, out var refusal)
        ? value
        : throw new InvalidOperationException($"{refusal.Code}: {refusal.Message}");

    private static PrivateKey Funder() => PrivateKey.FromBytes(Convert.FromHexString(LoopbackChain.FunderKey));

    private async Task MakeVaultAsync()
    {
        var settings = new VaultSettings(
            VaultOwner.Address,
            new VaultLimits(new Amount(500_000_000), new Amount(200_000_000), 900, 7 * 86_400),
            [new VaultHotKey(HotKey.Address, new Amount(500_000_000))], [Network.Registry], []);
        Vault = Must(await Chain.VaultAddressAsync(settings, Bytes32.Zero, default));
        await DoAsync(Funder(), new CreateVault(settings, Bytes32.Zero));
        await DoAsync(Funder(), new MintCurrency(Vault, new Amount(VaultUnits)));
        await GiveGasAsync(HotKey.Address);
    }

    private async Task DoAsync(PrivateKey key, MarketAction action) =>
        Must(await Chain.Account(key).SubmitAsync(action, default));
}
