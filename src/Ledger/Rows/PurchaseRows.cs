using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>
/// A funded channel pays a plain x402 server from here on. Such a seller signs no acceptance and no receipts, and its
/// requests have no nonces.
/// </summary>
public sealed record SellerTaken(Bytes32 ChannelId, string Seller, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>
/// A request to a plain x402 server is about to leave with the channel's newest voucher. <paramref name="Most"/> is
/// what the server may charge for it, <paramref name="Model"/> the name that the app asked for.
/// </summary>
public sealed record PurchaseSent(
    RequestId Request, RequestId AppRequest, Bytes32 ChannelId, ulong Index, Amount Most, string Model, ulong AtMs)
    : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>
/// What a purchase cost became known, and the channel's base is <paramref name="Cumulative"/>. The counts of tokens
/// are what the server says; 0 where nothing tells them.
/// </summary>
/// <param name="Request">The purchase.</param>
/// <param name="ChannelId">Its channel.</param>
/// <param name="Charge">What it cost.</param>
/// <param name="Cumulative">Everything that the seller has charged on the channel.</param>
/// <param name="Source">What told it: <c>response</c>, <c>corrective</c> or <c>chain</c>.</param>
/// <param name="InputTokens">Prompt tokens.</param>
/// <param name="OutputTokens">Tokens generated.</param>
/// <param name="AtMs">When it was booked.</param>
public sealed record PurchaseCharged(
    RequestId Request, Bytes32 ChannelId, Amount Charge, Amount Cumulative, string Source, ulong InputTokens,
    ulong OutputTokens, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}

/// <summary>
/// No usable reply to a purchase came. Whether it was charged, up to the voucher, shows when the seller or the chain
/// next tells the channel's state.
/// </summary>
public sealed record PurchaseLost(RequestId Request, Bytes32 ChannelId, string Code, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Request.ToString();
}
