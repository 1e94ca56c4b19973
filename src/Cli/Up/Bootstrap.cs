using System.Text;
using Souk.Chain;
using Souk.Chain.Deployment;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Cli.DevChain;
using Souk.Cli.Hosting;
using Souk.Cli.Roles;
using Souk.Cli.State;
using Souk.Cli.Wallet;
using Souk.Protocol;

namespace Souk.Cli.Up;

/// <summary>
/// Brings a development network into being on its chain: contracts, money, a vault, a registered and staked provider.
/// Each step reads the chain first, so that a run that was cut off goes on where it stopped.
/// </summary>
internal sealed class Bootstrap(NetworkSession session, Payer funder)
{
    private static readonly UInt128 GasMoney = 10_000_000_000_000_000_000;
    private static readonly Amount VaultMoney = new(1_000_000_000);
    private static readonly Amount VaultCap = new(500_000_000);
    private static readonly Amount ReceiverCap = new(200_000_000);
    private static readonly Amount Stake = new(100_000_000);

    // One fixed nonce, so that the chain itself remembers whether the vault had its first money.
    private static readonly Bytes32 FirstMoney = Keccak256.Hash(
        Encoding.ASCII.GetBytes("souk up: first money of the vault"));

    /// <summary>The network of this data directory; deployed at first use.</summary>
    public static async Task<Result<NetworkFile>> NetworkAsync(
        DataDirectory data, Ports ports, TimeProvider time, CancellationToken cancellation)
    {
        var rpc = RoleHosts.Url("http", ports.Rpc);
        if (DataDirectory.Read(data.Network) is { } text)
        {
            return NetworkFile.Parse(text);
        }

        if (!WellKnownKeys.Development(LocalChain.ChainId).TryGet(out var key, out var refusal))
        {
            return refusal;
        }

        using var chain = new RpcChain(LocalChain.ChainId, [new Uri(rpc)], new RpcOptions(), time);
        await using var sender = new TransactionSender(
            chain, key, new SenderOptions { PollInterval = TimeSpan.FromMilliseconds(200) });
        var plan = new DeploymentPlan { RpcUrls = [rpc], BlockTime = 1, Confirmations = 1, MaxHeadAge = 10 };
        return await new Deployer(chain, sender).DeployAsync(plan, cancellation);
    }

    /// <summary>The customer's vault with play money in it, and gas for the gateway. The vault's address.</summary>
    public async Task<Result<Address>> CustomerAsync(CancellationToken cancellation)
    {
        var chain = session.Chain;
        if (!VaultCommand.Settings(session.Keys, session.Network, VaultCap, ReceiverCap).TryGet(
            out var settings, out var refusal)
            || !(await chain.VaultAddressAsync(settings, Bytes32.Zero, cancellation)).TryGet(out var vault, out refusal)
            || !(await chain.VaultAsync(vault, ReadPoint.Newest, cancellation)).TryGet(out var read, out refusal))
        {
            return refusal;
        }

        var made = read.Value is null ? await DoAsync(new CreateVault(settings, Bytes32.Zero), cancellation) : null;
        if ((made ?? await FundAsync(settings.Owner, vault, cancellation)) is { } failed)
        {
            return failed;
        }

        DataDirectory.Write(session.Data.Vault, vault.ToString());
        return await GiveGasAsync(settings.HotKeys[0].Key, cancellation) is { } poor ? poor : vault;
    }

    /// <summary>Registers and stakes the demo provider.</summary>
    public async Task<Refusal?> ProviderAsync(string endpoint, CancellationToken cancellation)
    {
        if (!ProviderSecrets.Open(session.Keys).TryGet(out var secrets, out var refusal))
        {
            return refusal;
        }

        var registration = new ProviderRegistration(session, secrets, funder);
        if ((await GiveGasAsync(secrets.Gas.Address, cancellation)
            ?? await registration.EnsureAsync(endpoint, null, null, cancellation)) is { } unregistered)
        {
            return unregistered;
        }

        if (!(await ProviderRegistration.EntryAsync(session, secrets.Owner.Address, cancellation)).TryGet(
            out var entry, out refusal))
        {
            return refusal;
        }

        if (!entry.Stake.IsZero)
        {
            return null;
        }

        return await MintAsync(secrets.Owner.Address, Stake, cancellation)
            ?? (await session.StakeAsync(secrets.Owner, secrets.Owner.Address, Stake, funder, cancellation)).Refusal;
    }

    // The customer holds no gas money: it signs, and the signature is sent for it.
    private async Task<Refusal?> FundAsync(Address owner, Address vault, CancellationToken cancellation)
    {
        if (!(await session.Chain.IsAuthorisationUsedAsync(owner, FirstMoney, cancellation)).TryGet(
            out var isDone, out var refusal)
            || !session.Keys.Open(VaultCommand.OwnerRole).TryGet(out var key, out refusal))
        {
            return refusal;
        }

        return isDone
            ? null
            : await MintAsync(owner, VaultMoney, cancellation)
                ?? (await session.FundAsync(key, vault, VaultMoney, FirstMoney, funder, cancellation)).Refusal;
    }

    private async Task<Refusal?> MintAsync(Address to, Amount amount, CancellationToken cancellation)
    {
        var held = await session.Chain.HoldingsAsync(to, cancellation);
        return !held.TryGet(out var read, out var refusal)
            ? refusal
            : read.Value.Currency >= amount ? null : await DoAsync(new MintCurrency(to, amount), cancellation);
    }

    private async Task<Refusal?> DoAsync(MarketAction action, CancellationToken cancellation) =>
        (await funder.Account.SubmitAsync(action, cancellation)).Refusal;

    private async Task<Refusal?> GiveGasAsync(Address to, CancellationToken cancellation)
    {
        var held = await session.Chain.HoldingsAsync(to, cancellation);
        return !held.TryGet(out var read, out var refusal)
            ? refusal
            : read.Value.GasMoney >= GasMoney / 2
                ? null
                : await DoAsync(new TransferGasMoney(to, GasMoney), cancellation);
    }
}
