using Souk.Chain;
using Souk.Chain.Deployment;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Cli.DevChain;
using Souk.Cli.Hosting;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Up;

/// <summary>
/// Brings a development network into being on its chain: contracts, money, a vault, a registered and staked provider. Each
/// step reads the chain first, so that a run that was cut off goes on where it stopped.
/// </summary>
internal sealed class Bootstrap(DataDirectory data, NodeKeys keys, TimeProvider time)
{
    // anvil's first development account, known to everybody: it holds play gas money on anvil and nothing elsewhere.
    private const string DevelopmentKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    private static readonly UInt128 GasMoney = 10_000_000_000_000_000_000;
    private static readonly Amount VaultMoney = new(1_000_000_000);
    private static readonly Amount Stake = new(100_000_000);
    private static readonly SenderOptions Sending = new() { PollInterval = TimeSpan.FromMilliseconds(200) };

    /// <summary>Delay of leaving and unbonding for the demo provider, in seconds.</summary>
    private const uint UnbondingDelay = 3600;

    // Accounts keep their key as long as their chain lives, so it is not disposed of here.
    private readonly PrivateKey _funder = PrivateKey.FromBytes(Convert.FromHexString(DevelopmentKey[2..]));

    public static SenderOptions Sender => Sending;

    /// <summary>The network of this data directory; deployed at first use.</summary>
    public async Task<Result<NetworkFile>> NetworkAsync(Ports ports, CancellationToken cancellation)
    {
        if (DataDirectory.Read(data.Network) is { } text)
        {
            return NetworkFile.Parse(text);
        }

        using var chain = new RpcChain(
            LocalChain.ChainId, [new Uri(RoleHosts.Url("http", ports.Rpc))], new RpcOptions(), time);
        await using var sender = new TransactionSender(chain, _funder, Sending);
        var plan = new DeploymentPlan
        {
            RpcUrls = [RoleHosts.Url("http", ports.Rpc)],
            BlockTime = 1,
            Confirmations = 1,
            MaxHeadAge = 10,
            Indexers = [RoleHosts.Url("http", ports.Indexer)],
        };
        var deployed = await new Deployer(chain, sender).DeployAsync(plan, cancellation);
        if (deployed.TryGet(out var network, out var refusal))
        {
            DataDirectory.Write(data.Network, network.ToJson());
            return network;
        }

        return refusal;
    }

    /// <summary>Play money and gas for the demo's accounts, and the customer's vault. The vault's address.</summary>
    public async Task<Result<Address>> CustomerAsync(IMarketChain chain, CancellationToken cancellation)
    {
        if (!keys.OpenOrCreate("customer").TryGet(out var owner, out var refusal)
            || !keys.OpenOrCreate("gateway").TryGet(out var hot, out refusal))
        {
            return refusal;
        }

        var account = chain.Account(_funder);
        var settings = new VaultSettings(
            owner.Address,
            new VaultLimits(new Amount(500_000_000), new Amount(200_000_000), ChannelConfig.MinWithdrawDelay, 7 * 86_400),
            [new VaultHotKey(hot.Address, new Amount(500_000_000))],
            [chain.Network.Registry],
            []);
        if (!(await chain.VaultAddressAsync(settings, Bytes32.Zero, cancellation)).TryGet(out var vault, out refusal)
            || !(await chain.VaultAsync(vault, ReadPoint.Newest, cancellation)).TryGet(out var read, out refusal))
        {
            return refusal;
        }

        if (read.Value is null)
        {
            var made = await account.SubmitAsync(new CreateVault(settings, Bytes32.Zero), cancellation);
            if (!made.IsOk)
            {
                return made.Refusal!;
            }

            var funded = await account.SubmitAsync(new MintCurrency(vault, VaultMoney), cancellation);
            if (!funded.IsOk)
            {
                return funded.Refusal!;
            }
        }

        return await GiveGasAsync(chain, account, hot.Address, cancellation) is { } poor ? poor : vault;
    }

    /// <summary>Registers and stakes the demo provider.</summary>
    public async Task<Refusal?> ProviderAsync(IMarketChain chain, string endpoint, CancellationToken cancellation)
    {
        if (!ProviderSecrets.Open(keys).TryGet(out var secrets, out var refusal))
        {
            return refusal;
        }

        var account = chain.Account(_funder);
        if ((await GiveGasAsync(chain, account, secrets.Owner.Address, cancellation)
            ?? await GiveGasAsync(chain, account, secrets.Gas.Address, cancellation)) is { } poor)
        {
            return poor;
        }

        var read = await chain.ProvidersAsync([secrets.Owner.Address], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var entries, out refusal))
        {
            return refusal;
        }

        var owner = chain.Account(secrets.Owner);
        if (entries.Value[0] is not { IsActive: true } entry)
        {
            var proof = NodeKeyProof.Sign(
                secrets.Node, new ContractDomain(chain.Network.ChainId, chain.Network.Registry), secrets.Owner.Address);
            var registered = await owner.SubmitAsync(
                new Register(secrets.Addresses, proof, endpoint, UnbondingDelay, Address.Zero), cancellation);
            if (!registered.IsOk)
            {
                return registered.Refusal;
            }
        }
        else if (entry.Endpoint != endpoint
            && await owner.SubmitAsync(new UpdateEndpoint(endpoint), cancellation) is { IsOk: false } moved)
        {
            return moved.Refusal;
        }

        return entries.Value[0] is { Stake.IsZero: false }
            ? null
            : await StakeAsync(chain, account, owner, secrets.Owner.Address, cancellation);
    }

    private static async Task<Refusal?> StakeAsync(
        IMarketChain chain, IMarketAccount funder, IMarketAccount owner, Address provider, CancellationToken cancellation)
    {
        MarketAction[] steps =
        [
            new ApproveCurrency(chain.Network.Registry, Stake), new LockStake(provider, Stake),
        ];
        var minted = await funder.SubmitAsync(new MintCurrency(provider, Stake), cancellation);
        if (!minted.IsOk)
        {
            return minted.Refusal;
        }

        foreach (var step in steps)
        {
            var done = await owner.SubmitAsync(step, cancellation);
            if (!done.IsOk)
            {
                return done.Refusal;
            }
        }

        return null;
    }

    private static async Task<Refusal?> GiveGasAsync(
        IMarketChain chain, IMarketAccount funder, Address to, CancellationToken cancellation)
    {
        var held = await chain.HoldingsAsync(to, cancellation);
        if (!held.TryGet(out var read, out var refusal))
        {
            return refusal;
        }

        return read.Value.GasMoney >= GasMoney / 2
            ? null
            : (await funder.SubmitAsync(new TransferGasMoney(to, GasMoney), cancellation)).Refusal;
    }
}
