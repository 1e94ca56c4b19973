using System.Numerics;
using Souk.Chain.Bindings;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>A transaction's target, calldata and wei.</summary>
internal sealed record ContractCall(Address To, ReadOnlyMemory<byte> Data, UInt128 Value = default);

/// <summary>Market actions as calls of the contracts.</summary>
internal static class ContractCalls
{
    /// <summary>The call that does an action.</summary>
    public static ContractCall Encode(MarketAction action, NetworkFile network) => action switch
    {
        VaultAction vault => new ContractCall(vault.Vault, Relayable(vault)),
        RegistryAction => new ContractCall(network.Registry, Relayable(action)),
        CreateVault create => new ContractCall(
            network.VaultFactory,
            CustomerVaultFactoryContract.EncodeCreate(Settings(create.Settings, network), create.Salt)),
        FundVault fund => new ContractCall(fund.Vault, Fund(fund.Authorisation, fund.Signature)),
        LockStakeByOrder stake => new ContractCall(network.Registry, Stake(stake)),
        Relay relay => new ContractCall(relay.Target, EncodeRelay(relay)),
        TransferCurrency transfer => new ContractCall(
            network.Currency, DevelopmentCurrencyContract.EncodeTransfer(transfer.To, transfer.Amount.Units)),
        ApproveCurrency approve => new ContractCall(
            network.Currency, DevelopmentCurrencyContract.EncodeApprove(approve.Spender, approve.Amount.Units)),
        MintCurrency mint => new ContractCall(
            network.Currency, DevelopmentCurrencyContract.EncodeMint(mint.To, mint.Amount.Units)),
        TransferGasMoney transfer => new ContractCall(transfer.To, default, transfer.Wei),
        _ => new ContractCall(network.Escrow, EncodeEscrow(action, network)),
    };

    /// <summary>Calldata of what an account can do by signature at its vault or at the registry.</summary>
    /// <exception cref="ArgumentException">The action is none of those.</exception>
    public static byte[] Relayable(MarketAction action) => action switch
    {
        VaultInitiateWithdraw a => CustomerVaultContract.EncodeInitiateWithdraw(Config(a.Channel), a.Amount.Units),
        VaultFinalizeWithdraw a => CustomerVaultContract.EncodeFinalizeWithdraw(Config(a.Channel)),
        VaultWithdraw a => CustomerVaultContract.EncodeWithdraw(a.Token, a.Amount.Units),
        AddHotKey a => CustomerVaultContract.EncodeAddHotKey(a.Key, a.Cap.Units),
        RemoveHotKey a => CustomerVaultContract.EncodeRemoveHotKey(a.Key),
        SetLimits a => CustomerVaultContract.EncodeSetLimits(Limits(a.Limits)),
        ListRegistry a => CustomerVaultContract.EncodeListRegistry(a.Registry, a.IsListed),
        ListReceiver a => CustomerVaultContract.EncodeListReceiver(a.Receiver, a.IsListed),
        Register a => ProviderRegistryContract.EncodeRegister(
            Keys(a.Keys), a.NodeProof.ToBytes(), a.Endpoint, a.Delay, a.Court),
        UpdateKeys a => ProviderRegistryContract.EncodeUpdateKeys(
            Keys(a.Keys), a.NodeProof?.ToBytes() ?? ReadOnlyMemory<byte>.Empty),
        UpdateEndpoint a => ProviderRegistryContract.EncodeUpdateEndpoint(a.Endpoint),
        UpdateDelay a => ProviderRegistryContract.EncodeUpdateDelay(a.Delay),
        UpdateCourt a => ProviderRegistryContract.EncodeUpdateCourt(a.Court),
        LockStake a => ProviderRegistryContract.EncodeLock(a.Provider, a.Amount.Units),
        UnbondStake a => ProviderRegistryContract.EncodeUnbond(a.Amount.Units),
        ReleaseStake a => ProviderRegistryContract.EncodeRelease(a.Provider),
        Leave => ProviderRegistryContract.EncodeLeave(),
        _ => throw new ArgumentException($"{action.GetType().Name} cannot be relayed.", nameof(action)),
    };

    public static ChannelConfigTuple Config(ChannelConfig c) => new(
        c.Payer, c.PayerAuthorizer, c.Receiver, c.ReceiverAuthorizer, c.Token, c.WithdrawDelay, c.Salt);

    public static SettingsTuple Settings(VaultSettings settings, NetworkFile network) => new(
        settings.Owner,
        network.Escrow,
        network.Currency,
        Limits(settings.Limits),
        [.. settings.HotKeys.Select(key => new HotKeyTuple(key.Key, key.Cap.Units))],
        settings.Registries,
        settings.Receivers);

    private static byte[] EncodeEscrow(MarketAction action, NetworkFile network) => action switch
    {
        DepositFromVault a => BatchSettlementContract.EncodeDeposit(
            Config(a.Channel), a.Draw.Amount.Units, a.Channel.Payer, DrawData.Encode(a.Channel, a.Draw, a.Signature)),
        DepositThrough a => BatchSettlementContract.EncodeDeposit(
            Config(a.Channel), a.Amount.Units, a.Collector, a.CollectorData),
        Claim { Authorisation: null } a => BatchSettlementContract.EncodeClaim(Rows(a)),
        Claim { Authorisation: { } signature } a => BatchSettlementContract.EncodeClaimWithSignature(
            Rows(a), signature.ToBytes()),
        ClaimEach a => BatchSettlementContract.EncodeMulticall(
            [.. a.Claims.Select(claim => (ReadOnlyMemory<byte>)EncodeEscrow(claim, network))]),
        Settle a => BatchSettlementContract.EncodeSettle(a.Receiver, network.Currency),
        Refund { Authorisation: null } a => BatchSettlementContract.EncodeRefund(Config(a.Channel), a.Amount.Units),
        Refund { Authorisation: { } authority } a => BatchSettlementContract.EncodeRefundWithSignature(
            Config(a.Channel), a.Amount.Units, (BigInteger)authority.Nonce, authority.Signature.ToBytes()),
        InitiateWithdraw a => BatchSettlementContract.EncodeInitiateWithdraw(Config(a.Channel), a.Amount.Units),
        FinalizeWithdraw a => BatchSettlementContract.EncodeFinalizeWithdraw(Config(a.Channel)),
        _ => throw new ArgumentException($"{action.GetType().Name} is no action of the escrow.", nameof(action)),
    };

    private static byte[] EncodeRelay(Relay relay) => CustomerVaultContract.EncodeRelay(
        relay.Account,
        [.. relay.Actions.Select(action => (ReadOnlyMemory<byte>)Relayable(action))],
        relay.Nonce,
        relay.Deadline,
        relay.Signature.ToBytes());

    private static byte[] Fund(ReceiveAuthorisation order, Signature signature) => CustomerVaultContract.EncodeFund(
        order.From,
        order.Amount.Units,
        ReceiveAuthorisation.ValidAfter,
        order.ValidBefore,
        order.Nonce,
        signature.ToBytes());

    private static byte[] Stake(LockStakeByOrder stake) => ProviderRegistryContract.EncodeLockWithAuthorization(
        stake.Provider,
        stake.Authorisation.From,
        stake.Authorisation.Amount.Units,
        ReceiveAuthorisation.ValidAfter,
        stake.Authorisation.ValidBefore,
        stake.Salt,
        stake.Signature.ToBytes());

    private static List<VoucherClaimTuple> Rows(Claim claim) =>
    [
        .. claim.Rows.Select(row => new VoucherClaimTuple(
            new VoucherTuple(Config(row.Channel), row.Ceiling.Units), row.Signature.ToBytes(), row.Total.Units)),
    ];

    private static LimitsTuple Limits(VaultLimits limits) => new(
        limits.Cap.Units, limits.ReceiverCap.Units, limits.LeastWithdrawDelay, limits.GreatestWithdrawDelay);

    private static KeysTuple Keys(ProviderKeys keys) => new(keys.Payout, keys.Node, keys.Authorizer, keys.Gas);
}
