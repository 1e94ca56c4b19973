using System.Numerics;
using Souk.Chain.Bindings;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>Reads of the contracts, each at one block, batched.</summary>
internal sealed class ContractReads(RpcChain chain, NetworkFile network)
{
    // A registry entry is about a kilobyte of ABI, so that a page stays far below any node's limits on gas and reply.
    private const int Page = 50;
    private const int CallsPerChannel = 3;

    public async Task<IReadOnlyList<ChannelState>> ChannelsAsync(
        IReadOnlyList<Bytes32> channels, Head at, CancellationToken cancellation)
    {
        var calls = channels.SelectMany(id => new[]
        {
            Escrow(BatchSettlementContract.EncodeChannels(id)),
            Escrow(BatchSettlementContract.EncodePendingWithdrawals(id)),
            Escrow(BatchSettlementContract.EncodeRefundNonce(id)),
        }).ToList();
        var results = await chain.CallAsync(calls, at, cancellation);
        return [.. channels.Select((id, i) => Channel(
            id,
            BatchSettlementContract.DecodeChannels(results[i * CallsPerChannel]),
            BatchSettlementContract.DecodePendingWithdrawals(results[(i * CallsPerChannel) + 1]),
            BatchSettlementContract.DecodeRefundNonce(results[(i * CallsPerChannel) + 2])))];
    }

    public async Task<ReceiverState> ReceiverAsync(Address receiver, Head at, CancellationToken cancellation)
    {
        var call = Escrow(BatchSettlementContract.EncodeReceivers(receiver, network.Currency));
        var state = BatchSettlementContract.DecodeReceivers((await chain.CallAsync([call], at, cancellation))[0]);
        return new ReceiverState(new Amount(state.TotalClaimed), new Amount(state.TotalSettled));
    }

    public async Task<IReadOnlyList<ProviderEntry?>> ProvidersAsync(
        IReadOnlyList<Address> providers, Head at, CancellationToken cancellation)
    {
        var calls = providers.Chunk(Page)
            .Select(page => Registry(ProviderRegistryContract.EncodeStatesOf(page)))
            .ToList();
        var results = await chain.CallAsync(calls, at, cancellation);
        var states = results.SelectMany(result => ProviderRegistryContract.DecodeStatesOf(result)).ToList();
        return states.Count == providers.Count
            ? [.. states.Select(Provider)]
            : throw new Codec.AbiException($"{states.Count} entries came back for {providers.Count} providers");
    }

    public async Task<IReadOnlyList<ProviderEntry>> AllProvidersAsync(Head at, CancellationToken cancellation)
    {
        var count = await chain.CallAsync(
            [Registry(ProviderRegistryContract.EncodeProviderCount())], at, cancellation);
        var total = (int)BigInteger.Min(ProviderRegistryContract.DecodeProviderCount(count[0]), int.MaxValue - Page);
        var entries = new List<ProviderEntry>();
        const int PagesPerBatch = 16;
        for (var start = 0; start < total; start += Page * PagesPerBatch)
        {
            var calls = Enumerable.Range(0, PagesPerBatch)
                .Select(page => start + (page * Page))
                .Where(from => from < total)
                .Select(from => Registry(ProviderRegistryContract.EncodeStates(from, Page)))
                .ToList();
            var results = await chain.CallAsync(calls, at, cancellation);
            var states = results.SelectMany(result => ProviderRegistryContract.DecodeStates(result)).ToList();
            if (states.Count < Math.Min(total - start, calls.Count * Page))
            {
                throw new Codec.AbiException("the registry lists fewer providers than it counts");
            }

            entries.AddRange(states.Select(Provider).OfType<ProviderEntry>());
        }

        return entries;
    }

    public async Task<IReadOnlyList<ProviderKeySet>> KeySetsAsync(
        Address provider, Head at, CancellationToken cancellation)
    {
        var call = Registry(ProviderRegistryContract.EncodeKeySets(provider));
        var sets = ProviderRegistryContract.DecodeKeySets((await chain.CallAsync([call], at, cancellation))[0]);
        return [.. sets.Select((set, i) => KeySet((uint)i, set))];
    }

    public async Task<VaultState?> VaultAsync(Address vault, Head at, CancellationToken cancellation)
    {
        var isVault = new EvmCall(network.VaultFactory, CustomerVaultFactoryContract.EncodeIsVault(vault));
        if (!CustomerVaultFactoryContract.DecodeIsVault((await chain.CallAsync([isVault], at, cancellation))[0]))
        {
            return null;
        }

        var state = CustomerVaultContract.DecodeState(
            (await chain.CallAsync([new EvmCall(vault, CustomerVaultContract.EncodeState())], at, cancellation))[0]);
        return new VaultState(
            vault,
            state.Owner,
            state.Escrow,
            state.Currency,
            Saturated(state.Balance),
            Saturated(state.Remaining),
            new VaultLimits(
                new Amount(state.Limits.Cap),
                new Amount(state.Limits.ReceiverCap),
                Seconds(state.Limits.MinWithdrawDelay),
                Seconds(state.Limits.MaxWithdrawDelay)),
            [.. state.HotKeys.Select(k => new VaultHotKeyState(k.Key, new Amount(k.Cap), Saturated(k.Remaining)))],
            state.Registries,
            state.Receivers);
    }

    public async Task<Address> VaultAddressAsync(
        VaultSettings settings, Bytes32 salt, Head at, CancellationToken cancellation)
    {
        var data = CustomerVaultFactoryContract.EncodeAddressOf(ContractCalls.Settings(settings, network), salt);
        var result = await chain.CallAsync([new EvmCall(network.VaultFactory, data)], at, cancellation);
        return CustomerVaultFactoryContract.DecodeAddressOf(result[0]);
    }

    public async Task<Holdings> HoldingsAsync(Address holder, Head at, CancellationToken cancellation)
    {
        var call = new EvmCall(network.Currency, DevelopmentCurrencyContract.EncodeBalanceOf(holder));
        var balance = await chain.CallAsync([call], at, cancellation);
        return new Holdings(
            Saturated(DevelopmentCurrencyContract.DecodeBalanceOf(balance[0])),
            await chain.BalanceAsync(holder, at, cancellation));
    }

    // EIP-5267 where the currency has it, else name() and version() as USDC's; DOMAIN_SEPARATOR() has to agree, since a
    // signature for a wrong domain would only revert.
    public async Task<Eip712Domain?> CurrencyDomainAsync(Head at, CancellationToken cancellation)
    {
        try
        {
            var own = DevelopmentCurrencyContract.DecodeEip712Domain(
                await CurrencyAsync(DevelopmentCurrencyContract.EncodeEip712Domain(), at, cancellation));
            return new Eip712Domain(own.Name, own.Version, network.ChainId, network.Currency);
        }
        catch (Exception failure) when (failure is CallRevertedException or Codec.AbiException)
        {
            var name = DevelopmentCurrencyContract.DecodeName(
                await CurrencyAsync(DevelopmentCurrencyContract.EncodeName(), at, cancellation));
            var version = DevelopmentCurrencyContract.DecodeVersion(
                await CurrencyAsync(DevelopmentCurrencyContract.EncodeVersion(), at, cancellation));
            var separator = DevelopmentCurrencyContract.DecodeDomainSeparator(
                await CurrencyAsync(DevelopmentCurrencyContract.EncodeDomainSeparator(), at, cancellation));
            var domain = new Eip712Domain(name, version, network.ChainId, network.Currency);
            return domain.Separator == separator ? domain : null;
        }
    }

    public async Task<bool> IsAuthorisationUsedAsync(
        Address holder, Bytes32 nonce, Head at, CancellationToken cancellation) =>
        DevelopmentCurrencyContract.DecodeAuthorizationState(await CurrencyAsync(
            DevelopmentCurrencyContract.EncodeAuthorizationState(holder, nonce), at, cancellation));

    private static ChannelState Channel(
        Bytes32 id,
        (UInt128 Balance, UInt128 TotalClaimed) money,
        (UInt128 Amount, ulong InitiatedAt) withdrawal,
        BigInteger refundNonce)
    {
        if (money.TotalClaimed > money.Balance)
        {
            throw new Codec.AbiException($"channel {id} has more claimed than it holds");
        }

        return new ChannelState(
            id,
            new Amount(money.Balance),
            new Amount(money.TotalClaimed),
            withdrawal.InitiatedAt == 0
                ? null
                : new PendingWithdrawal(new Amount(withdrawal.Amount), withdrawal.InitiatedAt),
            Saturated(refundNonce).Units);
    }

    // The registry gives an entry of zeros for a provider that never registered.
    private static ProviderEntry? Provider(ProviderStateTuple state) => state.KeySet.Since == 0
        ? null
        : new ProviderEntry(
            state.Provider,
            state.Active,
            state.LeavesAt,
            KeySet((uint)state.KeySetNumber, state.KeySet),
            state.Endpoint,
            new Amount(state.Stake),
            new Amount(state.Unbonding),
            state.ReleaseAt,
            (uint)state.Delay,
            (uint)state.NextDelay,
            state.NextDelayAt,
            state.Court,
            state.NextCourt,
            state.NextCourtAt);

    private static ProviderKeySet KeySet(uint number, KeySetTuple set) => new(
        number, new ProviderKeys(set.Keys.Payout, set.Keys.Node, set.Keys.Authorizer, set.Keys.Gas), set.Since);

    // A stranger's token may say anything; what does not fit is more than enough.
    private static Amount Saturated(BigInteger value) =>
        value > UInt128.MaxValue ? Amount.MaxValue : new Amount((UInt128)value);

    private static uint Seconds(ulong delay) => (uint)Math.Min(delay, uint.MaxValue);

    private async Task<ReadOnlyMemory<byte>> CurrencyAsync(byte[] data, Head at, CancellationToken cancellation) =>
        (await chain.CallAsync([new EvmCall(network.Currency, data)], at, cancellation))[0];

    private EvmCall Escrow(byte[] data) => new(network.Escrow, data);

    private EvmCall Registry(byte[] data) => new(network.Registry, data);
}
