using Souk.Chain.Deployment;
using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Evm;

/// <summary>The contracts on a node of our own, a customer with a vault and a provider.</summary>
internal sealed class MarketFixture : IAsyncDisposable
{
    public const ulong Million = 1_000_000;

    private static readonly SenderOptions Hurried = new() { PollInterval = TimeSpan.FromMilliseconds(50) };

    private MarketFixture(AnvilProcess anvil, RpcChain chain, NetworkFile network)
    {
        Anvil = anvil;
        Rpc = chain;
        Network = network;
        Market = new EvmMarketChain(network, chain, Hurried);
    }

    public AnvilProcess Anvil { get; }

    public RpcChain Rpc { get; }

    public NetworkFile Network { get; }

    public EvmMarketChain Market { get; }

    /// <summary>Cold key of the vault's owner, who has no gas money.</summary>
    public PrivateKey Owner { get; } = PrivateKey.Create(new FixedRandomness(101));

    /// <summary>The gateway's key: payerAuthorizer, with gas money.</summary>
    public PrivateKey HotKey { get; private set; } = null!;

    /// <summary>Cold key of the provider, with gas money.</summary>
    public PrivateKey Provider { get; private set; } = null!;

    public PrivateKey Node { get; } = PrivateKey.Create(new FixedRandomness(104));

    public PrivateKey Authorizer { get; } = PrivateKey.Create(new FixedRandomness(105));

    public Address Payout { get; } = Address.Parse("0x00000000000000000000000000000000000000ee");

    public Address Vault { get; private set; }

    /// <summary>Block of the last action.</summary>
    public ulong LastBlock { get; private set; }

    public ProviderKeys Keys => new(Payout, Node.Address, Authorizer.Address, Provider.Address);

    public static async Task<MarketFixture> StartAsync(int confirmations = 1, params string[] arguments)
    {
        var anvil = await AnvilProcess.StartAsync(arguments);
        var chain = anvil.Open();
        using var deployerKey = await anvil.FundedKeyAsync(100);
        await using var sender = new TransactionSender(chain, deployerKey, Hurried);
        var plan = new DeploymentPlan
        {
            RpcUrls = [anvil.Url.ToString()], BlockTime = 0.1, Confirmations = confirmations,
        };
        var network = (await new Deployer(chain, sender).DeployAsync(plan, default)).Value;
        var fixture = new MarketFixture(anvil, chain, network)
        {
            HotKey = await anvil.FundedKeyAsync(102),
            Provider = await anvil.FundedKeyAsync(103),
        };
        return fixture;
    }

    /// <summary>Registers the provider and makes and funds the vault.</summary>
    public async Task SettleInAsync()
    {
        await RegisterAsync();
        var settings = Settings;
        Vault = (await Market.VaultAddressAsync(settings, Bytes32.Zero, default)).Value;
        await SubmitAsync(HotKey, new CreateVault(settings, Bytes32.Zero));
        await SubmitAsync(HotKey, new MintCurrency(Vault, new Amount(100 * Million)));
    }

    public VaultSettings Settings => new(
        Owner.Address,
        new VaultLimits(new Amount(50 * Million), new Amount(40 * Million), 900, 86_400),
        [new VaultHotKey(HotKey.Address, new Amount(30 * Million))],
        [Network.Registry],
        []);

    public Task<TxOutcome> RegisterAsync()
    {
        var proof = NodeKeyProof.Sign(Node, new SoukDomain(Network.ChainId, Network.Registry), Provider.Address);
        return SubmitAsync(Provider, new Register(Keys, proof, "https://provider.example", 60, Address.Zero));
    }

    public ChannelConfig Channel(byte salt) => new(
        Vault,
        HotKey.Address,
        Payout,
        Authorizer.Address,
        Network.Currency,
        900,
        Bytes32.FromBytes([.. new byte[31], salt]));

    public Bytes32 IdOf(ChannelConfig channel) => channel.Id(Network.EscrowDomain);

    public async Task<DepositFromVault> DepositAsync(ChannelConfig channel, ulong units, byte nonce)
    {
        var deadline = (await Market.HeadAsync(ReadPoint.Newest, default)).Value.Timestamp + 3600;
        var draw = new DrawAuthorisation(
            IdOf(channel), new Amount(units), Bytes32.FromBytes([.. new byte[31], nonce]), deadline);
        return new DepositFromVault(
            channel, draw, draw.Sign(HotKey, new SoukDomain(Network.ChainId, channel.Payer)));
    }

    public async Task<TxOutcome> SubmitAsync(PrivateKey key, MarketAction action)
    {
        var result = await Market.Account(key).SubmitAsync(action, default);
        Assert.True(result.IsOk, result.Refusal?.Message);
        LastBlock = result.Value.Block;
        return result.Value;
    }

    public async Task<Refusal> RefusedAsync(PrivateKey key, MarketAction action)
    {
        var result = await Market.Account(key).SubmitAsync(action, default);
        Assert.False(result.IsOk);
        return result.Refusal!;
    }

    public VoucherClaim Row(ChannelConfig channel, ulong ceiling, ulong total)
    {
        var voucher = Voucher.Sign(HotKey, Network.EscrowDomain, IdOf(channel), new Amount(ceiling));
        return new VoucherClaim(channel, new Amount(ceiling), voucher.Signature, new Amount(total));
    }

    public async ValueTask DisposeAsync()
    {
        await Market.DisposeAsync();
        Rpc.Dispose();
        await Anvil.DisposeAsync();
        Owner.Dispose();
        HotKey.Dispose();
        Provider.Dispose();
        Node.Dispose();
        Authorizer.Dispose();
    }
}
