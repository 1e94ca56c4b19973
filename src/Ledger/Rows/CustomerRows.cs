using System.Text.Json.Serialization;
using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>
/// An API key was made. Only its hash is kept; the budget is all that it may ever spend. Rows from before there were
/// limits have none.
/// </summary>
public sealed record ApiKeyCreated(
    Bytes32 KeyHash, string Name, Amount Budget, ulong? ExpiresAtMs, ulong AtMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] KeyLimits? Limits = null) : LedgerEvent
{
    private protected override string KeyText => KeyHash.ToString();
}

/// <summary>An API key has these settings from now on. What it has spent and reserved stays.</summary>
public sealed record ApiKeyChanged(
    Bytes32 KeyHash, string Name, Amount Budget, ulong? ExpiresAtMs, KeyLimits Limits, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => KeyHash.ToString();
}

/// <summary>An API key may not be used any more. What it has reserved is still charged or released.</summary>
public sealed record ApiKeyRevoked(Bytes32 KeyHash, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => KeyHash.ToString();
}

/// <summary>The worst-case cost of an app's request was set aside. One app request may be several paid ones.</summary>
public sealed record BudgetReserved(RequestId AppRequest, Bytes32 KeyHash, Amount Reserved, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => AppRequest.ToString();
}

/// <summary>The app's request ended and was billed, at most what was reserved; the rest is free again.</summary>
public sealed record BudgetCharged(RequestId AppRequest, Bytes32 KeyHash, Amount Charged, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => AppRequest.ToString();
}

/// <summary>The app's request ended and was billed nothing.</summary>
public sealed record BudgetReleased(RequestId AppRequest, Bytes32 KeyHash, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => AppRequest.ToString();
}

/// <summary>A draw on the vault was signed; it may be used until its deadline (Unix seconds).</summary>
public sealed record DrawSigned(
    Bytes32 ChannelId, ChannelConfig Config, Amount Amount, Bytes32 Nonce, ulong Deadline, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>A channel to a provider exists on the chain with this deposit.</summary>
public sealed record ChannelOpened(
    Bytes32 ChannelId, Address Provider, ChannelConfig Config, Amount Deposit, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>The chain shows another balance or claimed total on a channel: topped up, refunded, claimed.</summary>
public sealed record ChannelBalanceSeen(Bytes32 ChannelId, Amount Deposit, Amount Claimed, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>
/// The provider's acceptance was checked and adopted: the channel has its nonce chain. Its charged total is the one
/// that the receipts held explain.
/// </summary>
public sealed record AcceptanceAdopted(Signed<Acceptance> Acceptance, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Acceptance.Message.ChannelId.ToString();
}

/// <summary>An offer by which a request is priced, kept as evidence; written once, before its first use.</summary>
public sealed record OfferUsed(Bytes32 OfferHash, Signed<Offer> Offer, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => OfferHash.ToString();
}

/// <summary>
/// A voucher was signed: the first of a request (no ids received yet) or a raise. Durable before it leaves.
/// </summary>
public sealed record VoucherIssued(Voucher Voucher, RequestId Request, ulong Index, ulong IdsReceived, ulong AtMs)
    : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>
/// A paid request is about to leave, and its index is spent whatever happens. Holds what is needed to check its
/// receipt after a crash. <paramref name="Salt"/> is 32 hex digits; <paramref name="Model"/> is the name that the
/// app asked for, which rows from before it was written leave out.
/// </summary>
public sealed record RequestSent(
    RequestId Request, RequestId AppRequest, Bytes32 ChannelId, ulong Index, Bytes32 OfferHash, Bytes32 GatewayNonce,
    string Salt, Bytes32 RequestCommitment, Bytes32? PromptCommitment, ulong PromptTokens, ulong MostOutput,
    string KeySource, ulong AtMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Model = null) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>A receipt was checked and holds; the channel's base is its cumulative charge.</summary>
public sealed record ReceiptReceived(Signed<Receipt> Receipt, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Receipt.Message.RequestId.ToString();
}

/// <summary>
/// A paid request ended without a receipt and without a charge: it never arrived, or the provider refused it.
/// </summary>
public sealed record RequestRefused(RequestId Request, Bytes32 ChannelId, string Code, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>No more vouchers on this channel. The evidence is the receipt that was refused, if any.</summary>
public sealed record ChannelFrozen(
    Bytes32 ChannelId, string Code, string Message, Signed<Receipt>? Evidence, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>A withdrawal of a channel's money was asked for on the chain; no more vouchers on it.</summary>
public sealed record WithdrawalStarted(Bytes32 ChannelId, Amount Amount, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>The withdrawal was carried out and the channel is closed.</summary>
public sealed record WithdrawalFinished(Bytes32 ChannelId, Amount Amount, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}
