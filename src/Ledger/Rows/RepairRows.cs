using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>
/// Rows were lost, and the ledger goes on with those that are sound. Written once at the end of a repair, on either
/// side: what it knows is compared with chain and peers before anything new is promised.
/// </summary>
/// <param name="RowsKept">Rows that were taken over.</param>
/// <param name="RowsLost">Rows that are known to have been there and are gone or damaged.</param>
/// <param name="RowsUnfit">Sound rows that say nothing without lost ones.</param>
/// <param name="AtMs">Unix milliseconds.</param>
public sealed record LedgerRepaired(ulong RowsKept, ulong RowsLost, ulong RowsUnfit, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => "ledger";
}

/// <summary>
/// A gateway's channel whose rows have gaps: base, ceiling and index are at least these, by what is left of its
/// receipts and vouchers. What was under way on it is under way no more.
/// </summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Base">What the receipts that are left add up to.</param>
/// <param name="Ceiling">The highest voucher that is left.</param>
/// <param name="Index">The last index spent.</param>
/// <param name="Unexplained">The part of the base that no receipt at hand explains.</param>
/// <param name="AtMs">Unix milliseconds of the row that it stands for.</param>
public sealed record CustomerChannelMended(
    Bytes32 ChannelId, Amount Base, Amount Ceiling, ulong Index, Amount Unexplained, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>An API key was billed this by a row whose reservation is lost.</summary>
public sealed record SpentMended(Bytes32 KeyHash, Amount Charged, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => KeyHash.ToString();
}

/// <summary>
/// A provider's channel whose rows have gaps: base and index are at least these, and this voucher was taken. What was
/// under way on it is under way no more.
/// </summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Base">What was charged.</param>
/// <param name="Index">The last index taken.</param>
/// <param name="Voucher">A voucher that was taken; null where the row stands for something else.</param>
/// <param name="Evidence">The receipt that shows it, which this provider signed itself.</param>
/// <param name="AtMs">Unix milliseconds.</param>
public sealed record ProviderChannelMended(
    Bytes32 ChannelId, Amount Base, ulong Index, Voucher? Voucher, Signed<Receipt>? Evidence, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}
