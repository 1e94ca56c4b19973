using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// A claim of one channel that anyone may send, since the receiverAuthorizer signed it: it can only pay the channel's
/// receiver.
/// </summary>
/// <param name="Config">The channel.</param>
/// <param name="Voucher">The payer's promise that covers it.</param>
/// <param name="Total">The claimed total that the claim makes.</param>
/// <param name="Authorisation">The receiverAuthorizer's signature of a batch that is this row alone.</param>
public sealed record GuardedClaim(ChannelConfig Config, Voucher Voucher, Amount Total, Signature Authorisation);

/// <summary>The body of PUT /souk/v1/claims: claims for a watchtower to hold.</summary>
/// <param name="Unclaimed">All that the provider has earned and not claimed, held or not; for people.</param>
/// <param name="Claims">Newer claims, one a channel.</param>
public sealed record GuardRequest(Amount Unclaimed, IReadOnlyList<GuardedClaim> Claims)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 128 << 10;

    /// <summary>The most claims in one body.</summary>
    public const int MostClaims = 64;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteString("unclaimed", Unclaimed.ToString());
        json.WriteArray("claims", Claims, static (to, claim) =>
        {
            to.WriteStartObject();
            to.WriteString("channel", PaidText.Write(claim.Config));
            to.WriteString("voucher", PaidText.Write(claim.Voucher));
            to.WriteString("total_claimed", claim.Total.ToString());
            to.WriteString("authorisation", claim.Authorisation.ToString());
            to.WriteEndObject();
        });
    });

    /// <summary>Reads a body.</summary>
    public static Result<GuardRequest> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "claims to hold", fields => new GuardRequest(
            fields.Parsed<Amount>("unclaimed", Amount.TryParse),
            fields.Objects("claims", MostClaims, static item => new GuardedClaim(
                item.Parsed<ChannelConfig>("channel", PaidText.TryRead, PaidText.MostCharacters),
                item.Parsed<Voucher>("voucher", PaidText.TryRead, PaidText.MostCharacters),
                item.Parsed<Amount>("total_claimed", Amount.TryParse),
                item.Parsed<Signature>("authorisation", Signature.TryParse)))));
}

/// <summary>A claim that a watchtower holds.</summary>
public sealed record HeldClaim(Bytes32 ChannelId, Amount Total);

/// <summary>A watchtower's answer: what it holds durably of the channels that were named.</summary>
public sealed record GuardReply(IReadOnlyList<HeldClaim> Held)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 32 << 10;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
        json.WriteArray("held", Held, static (to, held) =>
        {
            to.WriteStartObject();
            to.WriteString("channel_id", held.ChannelId.ToString());
            to.WriteString("total_claimed", held.Total.ToString());
            to.WriteEndObject();
        }));

    /// <summary>Reads a body.</summary>
    public static Result<GuardReply> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "held claims", fields => new GuardReply(
            fields.Objects("held", GuardRequest.MostClaims, static item => new HeldClaim(
                item.Parsed<Bytes32>("channel_id", Bytes32.TryParse),
                item.Parsed<Amount>("total_claimed", Amount.TryParse)))));
}
