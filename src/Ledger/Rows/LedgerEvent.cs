using System.Text.Json.Serialization;
using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>
/// Something that happened to promised money. It becomes a ledger row through <see cref="RowCodec"/>; a book is
/// rebuilt by applying all of them in order. Times are Unix milliseconds of the node that wrote the row.
/// </summary>
public abstract record LedgerEvent
{
    /// <summary>What the row is found by: a request id, a channel id or a hash.</summary>
    [JsonIgnore]
    public string Key => KeyText;

    private protected abstract string KeyText { get; }
}

/// <summary>
/// Money given up on a channel, on either side: claimed without a receipt that explains it, or worked for and no
/// longer claimable. At most one slice.
/// </summary>
public sealed record LossBooked(Bytes32 ChannelId, RequestId? Request, Amount Amount, string Code, ulong AtMs)
    : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}
