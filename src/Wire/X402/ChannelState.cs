using System.Globalization;
using System.Text.Json;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>Where a channel is, as provider and facilitator report it.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Balance">Deposited on the chain, withdrawals and refunds taken off.</param>
/// <param name="TotalClaimed">Claimed on the chain so far.</param>
/// <param name="WithdrawRequestedAt">Unix second in which a withdrawal began; 0 where none runs.</param>
/// <param name="RefundNonce">The nonce of the next refund.</param>
/// <param name="Charged">
/// What the provider has charged on it (<c>chargedCumulativeAmount</c>); null in a facilitator's answer, which knows
/// the chain alone.
/// </param>
public sealed record ChannelState(
    Bytes32 ChannelId,
    Amount Balance,
    Amount TotalClaimed,
    ulong WithdrawRequestedAt,
    UInt128 RefundNonce,
    Amount? Charged = null)
{
    internal static ChannelState Read(JsonFields fields) => new(
        fields.Parsed<Bytes32>("channelId", Bytes32.TryParse),
        fields.Parsed<Amount>("balance", Amount.TryParse),
        fields.Parsed<Amount>("totalClaimed", Amount.TryParse),
        fields.Has("withdrawRequestedAt") ? fields.Number("withdrawRequestedAt") : 0,
        fields.Has("refundNonce") ? fields.Parsed<Amount>("refundNonce", Amount.TryParse).Units : 0,
        fields.Has("chargedCumulativeAmount")
            ? fields.Parsed<Amount>("chargedCumulativeAmount", Amount.TryParse)
            : null);

    internal void Write(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject(name);
        WriteMembers(json);
        json.WriteEndObject();
    }

    internal void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteString("channelId", ChannelId.ToString());
        json.WriteString("balance", Balance.ToString());
        json.WriteString("totalClaimed", TotalClaimed.ToString());
        json.WriteNumber("withdrawRequestedAt", WithdrawRequestedAt);
        json.WriteString("refundNonce", RefundNonce.ToString(CultureInfo.InvariantCulture));
        if (Charged is { } charged)
        {
            json.WriteString("chargedCumulativeAmount", charged.ToString());
        }
    }
}

/// <summary>The voucher with the highest ceiling that the provider holds: its proof of what it may have
/// charged.</summary>
/// <param name="SignedMaxClaimable">The ceiling.</param>
/// <param name="Signature">By the channel's payerAuthorizer.</param>
public sealed record VoucherState(Amount SignedMaxClaimable, Signature Signature)
{
    internal static VoucherState Read(JsonFields fields) => new(
        fields.Parsed<Amount>("signedMaxClaimable", Amount.TryParse),
        fields.Parsed<Signature>("signature", Signature.TryParse));

    internal void Write(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject(name);
        json.WriteString("signedMaxClaimable", SignedMaxClaimable.ToString());
        json.WriteString("signature", Signature.ToString());
        json.WriteEndObject();
    }
}
