using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>An offer was signed; it is honoured until it expires. Durable before it leaves.</summary>
public sealed record OfferIssued(Bytes32 OfferHash, Signed<Offer> Offer, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => OfferHash.ToString();
}

/// <summary>
/// What the chain shows of a channel at <paramref name="Block"/>: balance (deposits less refunds and withdrawals),
/// the part of it that has the confirmations asked for, claimed total, and whether a withdrawal is pending.
/// </summary>
public sealed record ChannelSeen(
    Bytes32 ChannelId, ChannelConfig Config, Amount Deposit, Amount ConfirmedDeposit, Amount Claimed,
    bool IsWithdrawing, ulong Block, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>An acceptance was signed. Durable before it leaves.</summary>
public sealed record AcceptanceSigned(Signed<Acceptance> Acceptance, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Acceptance.Message.ChannelId.ToString();
}

/// <summary>
/// A voucher was accepted, with the count of ids that the gateway says it received (0 for a request's first).
/// Durable before the work that it covers.
/// </summary>
public sealed record VoucherAccepted(Voucher Voucher, RequestId Request, ulong IdsReceived, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>
/// A paid request was admitted: its index is taken, its id never starts work again. Holds what a receipt needs, so
/// that one can be signed after a crash.
/// </summary>
public sealed record RequestAdmitted(
    RequestId Request, Bytes32 ChannelId, ulong Index, Bytes32 OfferHash, Bytes32 ModelDigest,
    Bytes32 RequestCommitment, Bytes32 GatewayNonce, Bytes32 ProviderNonce, string KeySource,
    SamplingParameters Sampling, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>The engine has begun to read the prompt: from here on its input is charged.</summary>
public sealed record PrefillBegun(
    RequestId Request, ulong InputTokens, ulong CachedTokens, Bytes32 PromptCommitment, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>
/// So many tokens were delivered. Optional: without it a crash charges the count that came with the last voucher.
/// </summary>
public sealed record DeliveryCounted(RequestId Request, ulong OutputTokens, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>Charge and receipt in one row. Durable before the receipt leaves.</summary>
public sealed record ReceiptSigned(Signed<Receipt> Receipt, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Receipt.Message.RequestId.ToString();
}

/// <summary>One channel of a claim: <paramref name="Total"/> is the claimed total that the claim makes.</summary>
public sealed record ClaimedChannel(Bytes32 ChannelId, Amount Total);

/// <summary>A claim is about to be sent. <paramref name="ClaimId"/> is the digest that its signer signed.</summary>
public sealed record ClaimSubmitted(Bytes32 ClaimId, IReadOnlyList<ClaimedChannel> Channels, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ClaimId.ToString();
}

/// <summary>The claim is on the chain.</summary>
public sealed record ClaimMined(Bytes32 ClaimId, Bytes32 TransactionHash, ulong Block, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ClaimId.ToString();
}

/// <summary>The claim reverted or was never mined; its channels can be claimed again.</summary>
public sealed record ClaimFailed(Bytes32 ClaimId, string Reason, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ClaimId.ToString();
}

/// <summary>
/// A refund to the payer is about to be sent, signed for the channel's refund nonce. No request is admitted on the
/// channel until it has ended.
/// </summary>
public sealed record RefundSubmitted(Bytes32 ChannelId, Amount Amount, UInt128 Nonce, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>
/// The refund is on the chain, or never will be: then <paramref name="TransactionHash"/> is null, as it is where only
/// the channel's refund nonce tells.
/// </summary>
public sealed record RefundEnded(Bytes32 ChannelId, bool IsRefunded, Bytes32? TransactionHash, ulong AtMs)
    : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>What was claimed has been paid out to the receiver.</summary>
public sealed record Settled(Address Receiver, Address Token, Amount Amount, Bytes32 TransactionHash, ulong AtMs)
    : LedgerEvent
{
    private protected override string KeyText => TransactionHash.ToString();
}
