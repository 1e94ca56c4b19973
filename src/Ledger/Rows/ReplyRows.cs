using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>
/// An app named the request that a budget was just reserved for: sent again under the same name it is not done again.
/// In the same append as the reservation. Name and fingerprint are keyed by the API key's secret, so that they say
/// nothing to whoever reads the file.
/// </summary>
public sealed record RequestNamed(
    Bytes32 Name, Bytes32 Fingerprint, Bytes32 KeyHash, RequestId AppRequest, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => AppRequest.ToString();
}

/// <summary>
/// The reply to a named request is kept for a day, sealed, in the note beside this row. <paramref name="Bytes"/> is
/// the note's size.
/// </summary>
public sealed record ReplyKept(
    Bytes32 Name, Bytes32 Fingerprint, Bytes32 KeyHash, RequestId AppRequest, ulong Bytes, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => Name.ToString();
}
