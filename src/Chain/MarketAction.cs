using Souk.Protocol;

namespace Souk.Chain;

/// <summary>Everything that a transaction can do in the market. A closed set: chains switch over it.</summary>
public abstract record MarketAction
{
    private protected MarketAction()
    {
    }

    /// <summary>Most gas, in units, that it may take: <see cref="ChainRefusals.TooMuchGas"/> where the estimate, made
    /// again when its turn to be sent comes, is higher. Null: whatever it takes. For actions that run code of somebody
    /// else's choice.</summary>
    public ulong? MostGas { get; init; }

    /// <summary>By when it has to be mined; null where nothing is lost by waiting.</summary>
    public Hurry? Hurry { get; init; }
}

/// <summary>
/// A transaction that is worth nothing after its deadline. From the margin on it is replaced with higher fees at every
/// block, above the usual limit, and the more the nearer the deadline is; never above what it is worth.
/// </summary>
/// <param name="Deadline">Unix seconds, by the chain's clock.</param>
/// <param name="MarginSeconds">How long before it the haste begins.</param>
/// <param name="MostFee">Most that it may cost in all, in wei.</param>
public sealed record Hurry(ulong Deadline, ulong MarginSeconds, UInt128 MostFee)
{
    /// <summary>What is offered of the usual fee, in percent: 100 before the margin, then 200, 400 in its second half,
    /// 800 in its last quarter and after it.</summary>
    /// <param name="now">Unix seconds.</param>
    public uint Percent(ulong now)
    {
        var left = now < Deadline ? Deadline - now : 0;
        return left > MarginSeconds ? 100u : left > MarginSeconds / 2 ? 200u : left > MarginSeconds / 4 ? 400u : 800u;
    }
}

/// <summary>One row of a claim: a voucher with the payer's signature, and the total taken under it.</summary>
public sealed record VoucherClaim(ChannelConfig Channel, Amount Ceiling, Signature Signature, Amount Total);

/// <summary>Money into a channel from its payer's vault (which is the collector), under a hot key's draw signature.
/// Anyone may send it.</summary>
/// <param name="Channel">The channel; its payer is the vault.</param>
/// <param name="Draw">Amount, nonce and deadline.</param>
/// <param name="Signature">The hot key's signature of the draw.</param>
public sealed record DepositFromVault(
    ChannelConfig Channel, DrawAuthorisation Draw, Signature Signature) : MarketAction;

/// <summary>Money into a channel through any other collector, with the data it takes. Anyone may send it.</summary>
public sealed record DepositThrough(
    ChannelConfig Channel, Amount Amount, Address Collector, ReadOnlyMemory<byte> CollectorData) : MarketAction;

/// <summary>Books vouchers. Sent by receiver or receiverAuthorizer of every row, or by anyone with the
/// receiverAuthorizer's signature over the batch. One bad row reverts all.</summary>
public sealed record Claim(IReadOnlyList<VoucherClaim> Rows, Signature? Authorisation) : MarketAction;

/// <summary>Several claims, each with its own signature, in one transaction. Anyone may send it; one that reverts
/// reverts all.</summary>
public sealed record ClaimEach(IReadOnlyList<Claim> Claims) : MarketAction;

/// <summary>Pays a receiver what was claimed for it, in the network's currency. Anyone may send it.</summary>
public sealed record Settle(Address Receiver) : MarketAction;

/// <summary>Gives unclaimed money back to the payer. Sent by the receiver's side, or by anyone with the
/// receiverAuthorizer's signature at the channel's refund nonce.</summary>
public sealed record Refund(ChannelConfig Channel, Amount Amount, RefundAuthority? Authorisation) : MarketAction;

/// <summary>A refund signature and the nonce in it.</summary>
public sealed record RefundAuthority(UInt128 Nonce, Signature Signature);

/// <summary>Starts a withdrawal, at the escrow; the sender is payer or payerAuthorizer.</summary>
public sealed record InitiateWithdraw(ChannelConfig Channel, Amount Amount) : MarketAction;

/// <summary>Ends a withdrawal after the delay, at the escrow; the sender is payer or payerAuthorizer.</summary>
public sealed record FinalizeWithdraw(ChannelConfig Channel) : MarketAction;

/// <summary>Makes a vault (nothing happens if it exists). Anyone may send it.</summary>
public sealed record CreateVault(VaultSettings Settings, Bytes32 Salt) : MarketAction;

/// <summary>Currency into a vault by its holder's signature, so that the holder needs no gas money. Anyone may send it.
/// </summary>
/// <param name="Vault">The vault; the payee of the authorisation.</param>
/// <param name="Authorisation">Whose currency, and how much.</param>
/// <param name="Signature">The holder's signature of it; see <c>CurrencyOrders</c>.</param>
public sealed record FundVault(
    Address Vault, ReceiveAuthorisation Authorisation, Signature Signature) : MarketAction;

/// <summary>What a vault's owner or hot key does; sent by them, or by anyone as <see cref="Relay"/>.</summary>
public abstract record VaultAction(Address Vault) : MarketAction;

/// <summary>Starts a withdrawal from one of the vault's channels. Owner or hot key.</summary>
public sealed record VaultInitiateWithdraw(Address Vault, ChannelConfig Channel, Amount Amount) : VaultAction(Vault);

/// <summary>Ends it after the delay. Owner or hot key.</summary>
public sealed record VaultFinalizeWithdraw(Address Vault, ChannelConfig Channel) : VaultAction(Vault);

/// <summary>Takes money out to the owner. Owner only.</summary>
public sealed record VaultWithdraw(Address Vault, Address Token, Amount Amount) : VaultAction(Vault);

/// <summary>Adds a hot key or changes its cap. Owner only.</summary>
public sealed record AddHotKey(Address Vault, Address Key, Amount Cap) : VaultAction(Vault);

/// <summary>Stops a hot key. Owner only.</summary>
public sealed record RemoveHotKey(Address Vault, Address Key) : VaultAction(Vault);

/// <summary>Changes the limits. Owner only.</summary>
public sealed record SetLimits(Address Vault, VaultLimits Limits) : VaultAction(Vault);

/// <summary>Lists a registry, or takes it off the list. Owner only.</summary>
public sealed record ListRegistry(Address Vault, Address Registry, bool IsListed) : VaultAction(Vault);

/// <summary>Lists a receiver, or takes it off the list. Owner only.</summary>
public sealed record ListReceiver(Address Vault, Address Receiver, bool IsListed) : VaultAction(Vault);

/// <summary>What a provider's owner does at the registry; sent by it, or as <see cref="Relay"/>.</summary>
public abstract record RegistryAction : MarketAction;

/// <summary>Registers the sender. <paramref name="NodeProof"/> is the node key's signature of
/// <c>NodeKey(provider, node)</c>; delay in seconds; the zero court means that nobody can slash.</summary>
public sealed record Register(
    ProviderKeys Keys, Signature NodeProof, string Endpoint, uint Delay, Address Court) : RegistryAction;

/// <summary>Starts a new key set; the proof may be null if the node key stays.</summary>
public sealed record UpdateKeys(ProviderKeys Keys, Signature? NodeProof) : RegistryAction;

/// <summary>Changes the endpoint.</summary>
public sealed record UpdateEndpoint(string Endpoint) : RegistryAction;

/// <summary>Changes the unbonding delay (seconds); a shorter one counts after the current delay.</summary>
public sealed record UpdateDelay(uint Delay) : RegistryAction;

/// <summary>Changes the court; counts after the current delay.</summary>
public sealed record UpdateCourt(Address Court) : RegistryAction;

/// <summary>Adds to a provider's stake from the sender, who allowed the registry to take it.</summary>
public sealed record LockStake(Address Provider, Amount Amount) : RegistryAction;

/// <summary>Adds to a provider's stake by a holder's signature, so that the holder needs no gas money. Anyone may send
/// it.
/// </summary>
/// <param name="Provider">Whose stake.</param>
/// <param name="Salt">What the authorisation's nonce is made of, together with the provider.</param>
/// <param name="Authorisation">Whose currency, and how much; the payee is the registry.</param>
/// <param name="Signature">The holder's signature of it; see <c>CurrencyOrders</c>.</param>
public sealed record LockStakeByOrder(
    Address Provider, Bytes32 Salt, ReceiveAuthorisation Authorisation, Signature Signature) : MarketAction;

/// <summary>Starts releasing part of the stake.</summary>
public sealed record UnbondStake(Amount Amount) : RegistryAction;

/// <summary>Pays out what has finished unbonding. Anyone may send it.</summary>
public sealed record ReleaseStake(Address Provider) : RegistryAction;

/// <summary>Leaves after the delay.</summary>
public sealed record Leave : RegistryAction;

/// <summary>Signed calls of an account without gas, to its vault or to the registry, sent by anyone.</summary>
/// <param name="Target">The vault or the registry.</param>
/// <param name="Account">Whose calls they are.</param>
/// <param name="Actions">All for the target, run in order, all or none.</param>
/// <param name="Nonce">Any value that the account has not used there.</param>
/// <param name="Deadline">Last Unix time, in seconds.</param>
/// <param name="Signature">The account's signature of <c>Relay</c>; see <c>RelayOrders</c>.</param>
public sealed record Relay(
    Address Target,
    Address Account,
    IReadOnlyList<MarketAction> Actions,
    Bytes32 Nonce,
    ulong Deadline,
    Signature Signature) : MarketAction;

/// <summary>Sends currency.</summary>
public sealed record TransferCurrency(Address To, Amount Amount) : MarketAction;

/// <summary>Lets a contract take currency from the sender.</summary>
public sealed record ApproveCurrency(Address Spender, Amount Amount) : MarketAction;

/// <summary>Makes development currency; reverts where the currency is a real one.</summary>
public sealed record MintCurrency(Address To, Amount Amount) : MarketAction;

/// <summary>Sends gas money, in wei.</summary>
public sealed record TransferGasMoney(Address To, UInt128 Wei) : MarketAction;
