using Souk.Chain.Bindings;
using Souk.Chain.Codec;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Deployment;

/// <summary>What a new network is made of; everything that is null is deployed or measured.</summary>
public sealed record DeploymentPlan
{
    /// <summary>RPC URLs to write into the network file.</summary>
    public required IReadOnlyList<string> RpcUrls { get; init; }

    /// <summary>An existing ERC-20 to pay with; null deploys play money, on development chains only.</summary>
    public Address? Currency { get; init; }

    /// <summary>An existing x402 batch-settlement escrow; null deploys ours.</summary>
    public Address? Escrow { get; init; }

    /// <summary>The existing escrow's collector of EIP-3009 deposits; null deploys ours for it.</summary>
    public Address? Collector { get; init; }

    /// <summary>Seconds between blocks; null measures them.</summary>
    public double? BlockTime { get; init; }

    /// <summary>Blocks after which money counts fully; null takes 1 on development chains, else 12.</summary>
    public int? Confirmations { get; init; }

    /// <summary>Seconds after which the newest head is too old; null takes 60, or 10 on development chains.</summary>
    public int? MaxHeadAge { get; init; }

    /// <summary>Indexers to write into the network file.</summary>
    public IReadOnlyList<string> Indexers { get; init; } = [];
}

/// <summary>
/// Puts the contracts on a chain, each at the address that its code alone decides (CREATE2 through the deployment
/// proxy), and describes the network. What is already there stays: running it again changes nothing.
/// </summary>
public sealed class Deployer(RpcChain chain, TransactionSender sender)
{
    private static readonly TimeSpan ProxyPatience = TimeSpan.FromMinutes(2);

    /// <summary>Deploys what is missing and returns the network file.</summary>
    public async Task<Result<NetworkFile>> DeployAsync(DeploymentPlan plan, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Currency is null && !IsDevelopment)
        {
            return new Refusal(
                Fault.Ours,
                "currency_missing",
                $"Chain {chain.ChainId} is no development chain, so play money cannot be deployed: name the ERC-20 "
                + "that the network pays with.");
        }

        try
        {
            var proxy = await DeploymentProxy.EnsureAsync(chain, sender, ProxyPatience, cancellation);
            return proxy.Refusal ?? await DeployAllAsync(plan, cancellation);
        }
        catch (RpcUnavailableException failure)
        {
            return Refusals.Unavailable(failure);
        }
        catch (RpcRefusedException failure)
        {
            return Refusals.Refused(failure.Message);
        }
        catch (Exception failure) when (failure is AbiException or CallRevertedException)
        {
            return Refusals.WrongContract(failure.Message);
        }
    }

    private bool IsDevelopment => chain.ChainId is 31337 or 1337;

    private async Task<Result<NetworkFile>> DeployAllAsync(DeploymentPlan plan, CancellationToken cancellation)
    {
        var escrow = plan.Escrow is { } given
            ? given
            : await PutAsync(CompiledContracts.CreationCode(CompiledContracts.Escrow), cancellation);
        if (!escrow.TryGet(out var escrowAddress, out var refusal))
        {
            return refusal;
        }

        var collector = plan.Collector is { } known
            ? known
            : await PutAsync(
                CompiledContracts.CreationCode(CompiledContracts.Collector, escrowAddress), cancellation);
        var currency = plan.Currency is { } existing
            ? existing
            : await PutAsync(CompiledContracts.CreationCode(CompiledContracts.Currency), cancellation);
        var factory = await PutAsync(CompiledContracts.CreationCode(CompiledContracts.Factory), cancellation);
        if ((collector.Refusal ?? currency.Refusal ?? factory.Refusal) is { } failed)
        {
            return failed;
        }

        var registry = await PutAsync(
            CompiledContracts.CreationCode(CompiledContracts.Registry, currency.Value), cancellation);
        return registry.Refusal is { } unregistered
            ? unregistered
            : await DescribeAsync(
                plan with { Collector = collector.Value }, escrowAddress, registry.Value, factory.Value,
                currency.Value, cancellation);
    }

    private async Task<Result<Address>> PutAsync(byte[] creationCode, CancellationToken cancellation)
    {
        var address = CompiledContracts.AddressOf(creationCode);
        if (await HasCodeAsync(address, cancellation))
        {
            return address;
        }

        byte[] data = [.. CompiledContracts.Salt.ToBytes(), .. creationCode];
        var sent = await sender.SendAsync(CompiledContracts.Proxy, data, 0, cancellation);
        if (sent.Refusal is { } refusal)
        {
            // Somebody else may have put it there meanwhile, and then the proxy reverts.
            return await HasCodeAsync(address, cancellation) ? address : refusal;
        }

        return await HasCodeAsync(address, cancellation)
            ? address
            : new Refusal(
                Fault.Nobody,
                ChainRefusals.Unavailable,
                $"The node says that {address} was deployed and shows no code there. Run this again later.");
    }

    private async Task<bool> HasCodeAsync(Address address, CancellationToken cancellation)
    {
        var head = (await chain.NewestAsync(cancellation)).Head;
        return !(await chain.CodeAsync([address], head, cancellation))[0].IsEmpty;
    }

    private async Task<NetworkFile> DescribeAsync(
        DeploymentPlan plan,
        Address escrow,
        Address registry,
        Address factory,
        Address currency,
        CancellationToken cancellation)
    {
        var head = (await chain.NewestAsync(cancellation)).Head;
        var decimals = await chain.CallAsync(
            [new EvmCall(currency, DevelopmentCurrencyContract.EncodeDecimals())], head, cancellation);
        return new NetworkFile(
            chain.ChainId,
            plan.RpcUrls,
            escrow,
            registry,
            factory,
            currency,
            (int)DevelopmentCurrencyContract.DecodeDecimals(decimals[0]),
            plan.BlockTime ?? await MeasuredBlockTimeAsync(head, cancellation),
            plan.Confirmations ?? (IsDevelopment ? 1 : 12),
            plan.MaxHeadAge ?? (IsDevelopment ? 10 : 60),
            Catalogue: null,
            CatalogueSigner: null,
            plan.Indexers,
            plan.Collector);
    }

    private async Task<double> MeasuredBlockTimeAsync(Head head, CancellationToken cancellation)
    {
        var blocks = Math.Min(head.Number, 100);
        if (blocks == 0)
        {
            return 1;
        }

        var earlier = (await chain.BlocksAsync([head.Number - blocks], cancellation))[0]?.Head ?? head;
        var seconds = head.Timestamp > earlier.Timestamp ? head.Timestamp - earlier.Timestamp : blocks;
        return Math.Clamp(Math.Round((double)seconds / blocks, 1), 0.1, 60);
    }
}
