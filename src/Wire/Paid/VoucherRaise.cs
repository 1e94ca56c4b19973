using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>The body of PUT /souk/v1/requests/{id}/voucher: a higher ceiling while an answer streams.</summary>
/// <param name="Voucher">The new ceiling.</param>
/// <param name="IdsReceived">Token ids received so far over all choices; strictly increasing from raise to
/// raise.</param>
public sealed record VoucherRaise(Voucher Voucher, ulong IdsReceived)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 2048;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteString("channel_id", Voucher.ChannelId.ToString());
        json.WriteString("max_claimable", Voucher.MaxClaimable.ToString());
        json.WriteString("signature", Voucher.Signature.ToString());
        json.WriteNumber("ids_received", IdsReceived);
    });

    /// <summary>Reads a body.</summary>
    public static Result<VoucherRaise> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "voucher", fields => new VoucherRaise(
            new(
                fields.Parsed<Bytes32>("channel_id", Bytes32.TryParse),
                fields.Parsed<Amount>("max_claimable", Amount.TryParse),
                fields.Parsed<Signature>("signature", Signature.TryParse)),
            fields.Number("ids_received")));
}
