using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>A watchtower holds this claim of one channel from now on. Durable before the provider is told so.</summary>
public sealed record ClaimGuarded(
    Bytes32 ChannelId, ChannelConfig Config, Voucher Voucher, Amount Total, Signature Authorisation, ulong AtMs)
    : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}

/// <summary>A watchtower holds the channel's claim no longer: that much has been claimed for long.</summary>
public sealed record GuardEnded(Bytes32 ChannelId, Amount Claimed, ulong AtMs) : LedgerEvent
{
    private protected override string KeyText => ChannelId.ToString();
}
