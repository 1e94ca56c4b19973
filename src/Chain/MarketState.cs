using Souk.Protocol;

namespace Souk.Chain;

/// <summary>A channel in the escrow's books.</summary>
/// <param name="Id">The channel.</param>
/// <param name="Balance">Deposited less what went back to the payer; includes what was claimed.</param>
/// <param name="Claimed">Total claimed; only rises.</param>
/// <param name="Withdrawal">The payer's way out, while one is pending.</param>
/// <param name="RefundNonce">What the next signed refund must carry.</param>
public sealed record ChannelState(
    Bytes32 Id, Amount Balance, Amount Claimed, PendingWithdrawal? Withdrawal, UInt128 RefundNonce)
{
    /// <summary>What can still be claimed or go back.</summary>
    public Amount Available => Balance - Claimed;
}

/// <summary>A withdrawal that the payer started, at a Unix time in seconds by the block's clock.</summary>
public sealed record PendingWithdrawal(Amount Amount, ulong InitiatedAt);

/// <summary>Sums over all channels of a receiver; the difference is what settling pays.</summary>
public sealed record ReceiverState(Amount Claimed, Amount Settled);

/// <summary>A provider's addresses: who is paid, who signs offers and receipts, who signs claims, who sends.</summary>
public sealed record ProviderKeys(Address Payout, Address Node, Address Authorizer, Address Gas);

/// <summary>A numbered key set; current from <paramref name="Since"/> (Unix seconds) until the next one.</summary>
public sealed record ProviderKeySet(uint Number, ProviderKeys Keys, ulong Since);

/// <summary>A provider's entry in the registry. Times are Unix seconds, delays seconds; zero means none.</summary>
/// <param name="Provider">The owner's cold key.</param>
/// <param name="IsActive">Registered and not left, at the block read.</param>
/// <param name="LeavesAt">When leaving takes or took effect.</param>
/// <param name="Current">The key set in force.</param>
/// <param name="Endpoint">Base URL. Chosen by a stranger: never open it without the usual guards.</param>
/// <param name="Stake">Bond that can be slashed, without the part on its way out.</param>
/// <param name="Unbonding">The part on its way out, slashable until <paramref name="ReleaseAt"/>.</param>
/// <param name="ReleaseAt">When that part can be paid out.</param>
/// <param name="Delay">Unbonding delay.</param>
/// <param name="NextDelay">What the delay becomes at <paramref name="NextDelayAt"/>.</param>
/// <param name="NextDelayAt">When; zero if nothing is pending.</param>
/// <param name="Court">Who may slash; the zero address means nobody.</param>
/// <param name="NextCourt">Who follows at <paramref name="NextCourtAt"/>.</param>
/// <param name="NextCourtAt">When; zero if nothing is pending.</param>
public sealed record ProviderEntry(
    Address Provider,
    bool IsActive,
    ulong LeavesAt,
    ProviderKeySet Current,
    string Endpoint,
    Amount Stake,
    Amount Unbonding,
    ulong ReleaseAt,
    uint Delay,
    uint NextDelay,
    ulong NextDelayAt,
    Address Court,
    Address NextCourt,
    ulong NextCourtAt)
{
    /// <summary>What the market's rules go by, with all key sets of the provider, oldest first.</summary>
    public RegistryEntry With(IReadOnlyList<ProviderKeySet> sets) => new(
        Provider,
        IsActive,
        [.. sets.Select(set => new KeySet(set.Keys.Node, set.Keys.Payout, set.Keys.Authorizer, set.Since))],
        Endpoint,
        Stake,
        Court);
}

/// <summary>A vault's limits: most that may be drawn per 24 h in all and for one receiver, and the least and
/// greatest withdrawDelay (seconds) of a channel that it funds.</summary>
public sealed record VaultLimits(Amount Cap, Amount ReceiverCap, uint LeastWithdrawDelay, uint GreatestWithdrawDelay);

/// <summary>A key that may draw, and the most it may draw per 24 h.</summary>
public sealed record VaultHotKey(Address Key, Amount Cap);

/// <summary>A hot key with what is left of its cap at the block read.</summary>
public sealed record VaultHotKeyState(Address Key, Amount Cap, Amount Remaining);

/// <summary>How a vault starts; decides its address. Escrow and currency are the network's.</summary>
public sealed record VaultSettings(
    Address Owner,
    VaultLimits Limits,
    IReadOnlyList<VaultHotKey> HotKeys,
    IReadOnlyList<Address> Registries,
    IReadOnlyList<Address> Receivers);

/// <summary>A customer's vault.</summary>
/// <param name="Vault">Its address: payer and collector of its channels.</param>
/// <param name="Owner">The cold key, who alone takes money out.</param>
/// <param name="Escrow">The escrow that it funds.</param>
/// <param name="Currency">Its currency.</param>
/// <param name="Balance">Currency it holds.</param>
/// <param name="Remaining">What is left of the whole vault's cap.</param>
/// <param name="Limits">Caps and delays.</param>
/// <param name="HotKeys">Keys that may draw.</param>
/// <param name="Registries">Registries whose active providers may be paid.</param>
/// <param name="Receivers">Receivers that may be paid without any registry.</param>
public sealed record VaultState(
    Address Vault,
    Address Owner,
    Address Escrow,
    Address Currency,
    Amount Balance,
    Amount Remaining,
    VaultLimits Limits,
    IReadOnlyList<VaultHotKeyState> HotKeys,
    IReadOnlyList<Address> Registries,
    IReadOnlyList<Address> Receivers);
