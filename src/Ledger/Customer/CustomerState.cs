using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>What may be done with a gateway's channel.</summary>
public enum CustomerChannelState
{
    /// <summary>Funded, but the provider's acceptance is not adopted yet.</summary>
    Unaccepted,

    /// <summary>Ready for a request.</summary>
    Idle,

    /// <summary>A request is under way.</summary>
    Busy,

    /// <summary>Disputed: no more vouchers, for good.</summary>
    Frozen,

    /// <summary>A withdrawal has begun without a dispute: no more vouchers.</summary>
    Withdrawing,

    /// <summary>Its money is back in the vault.</summary>
    Closed,
}

/// <summary>
/// A gateway's channel. <paramref name="Base"/> is what the receipts held add up to, <paramref name="Ceiling"/> the
/// highest voucher signed, <paramref name="Index"/> the last index spent; <paramref name="KnownNonce"/> is the last
/// provider nonce seen (or the anchor) and <paramref name="KnownIndex"/> the request index it belongs to.
/// </summary>
public sealed record CustomerChannel(
    Bytes32 Id, Address Provider, ChannelConfig Config, Amount Deposit, Amount Claimed, Amount Base, Amount Ceiling,
    ulong Index, CustomerChannelState State, RequestId? Request, Acceptance? Acceptance, Bytes32 KnownNonce,
    ulong KnownIndex, Amount Loss, bool IsWithdrawing)
{
    /// <summary>The plain x402 server that it pays, by its URL; null for a provider's channel.</summary>
    public string? Seller { get; init; }

    /// <summary>The newest receipt held; by it a provider that lost rows finds its way back.</summary>
    public Signed<Receipt>? LastReceipt { get; init; }

    /// <summary>What the provider could claim beyond what its receipts explain: this channel's exposure.</summary>
    public Amount AtRisk =>
        State == CustomerChannelState.Closed ? Amount.Zero : Amount.SubtractToZero(Ceiling, Base);

    /// <summary>What can still be promised on it.</summary>
    public Amount Free => State == CustomerChannelState.Idle ? Amount.SubtractToZero(Deposit, Base) : Amount.Zero;

    /// <summary>What a first voucher may not go below.</summary>
    public Amount LeastCeiling => Amount.Max(Ceiling, Base);
}

/// <summary>
/// A request to a plain x402 server whose cost is not known yet: under way, or lost. A lost one stays in doubt until
/// the channel's state is told, while others may follow it; all together cost no more than the channel's ceiling.
/// </summary>
public sealed record Purchase(PurchaseSent Sent, Purchase? Lost);

/// <summary>A paid request without receipt or refusal yet; after a restart its receipt has to be fetched.</summary>
public sealed record CustomerRequest(RequestSent Sent, ulong IdsReceived, Amount Base, Amount Ceiling);

/// <summary>
/// The worst-case cost that an app's request has set aside. <paramref name="Model"/> is known once a receipt came.
/// </summary>
public sealed record Reservation(
    RequestId AppRequest, Bytes32 KeyHash, Amount Amount, ulong AtMs, string? Model = null)
{
    /// <summary>What the app called the request; null where it has no name.</summary>
    public Bytes32? Name { get; init; }
}
