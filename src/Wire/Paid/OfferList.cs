using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// Signed offers, as a provider or an indexer serves them at GET /souk/v1/offers and as a provider announces them by
/// POST. Whoever reads them checks every signature; the list itself vouches for nothing.
/// </summary>
/// <param name="Offers">The offers.</param>
/// <param name="Next">Where the next page begins (query <c>after</c>); null on the last.</param>
public sealed record OfferList(IReadOnlyList<Signed<Offer>> Offers, string? Next = null)
{
    /// <summary>The most bytes of one page.</summary>
    public const int MostBytes = 8 << 20;

    /// <summary>The most offers on one page.</summary>
    public const int MostOffers = 2048;

    private const int MostNextCharacters = 128;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteArray("offers", Offers, static (to, offer) => to.WriteRawValue(SoukJson.Serialize(offer)));
        if (Next is not null)
        {
            json.WriteString("next", Next);
        }
    });

    /// <summary>Reads a page.</summary>
    public static Result<OfferList> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "offer list", fields => new OfferList(
            fields.Foreigns("offers", MostOffers, json => SoukJson.Parse<Signed<Offer>>(json.Span)),
            fields.OptionalText("next", MostNextCharacters)));
}

/// <summary>The newest heartbeat value of one offer.</summary>
public sealed record HeartbeatValue(Bytes32 OfferHash, Bytes32 Value);

/// <summary>The body of GET /souk/v1/heartbeats. A value proves itself against its offer's anchor.</summary>
public sealed record HeartbeatList(IReadOnlyList<HeartbeatValue> Heartbeats)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 4 << 20;

    private const int MostHeartbeats = 16_384;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
        json.WriteArray("heartbeats", Heartbeats, static (to, heartbeat) =>
        {
            to.WriteStartObject();
            to.WriteString("offer", heartbeat.OfferHash.ToString());
            to.WriteString("value", heartbeat.Value.ToString());
            to.WriteEndObject();
        }));

    /// <summary>Reads a body.</summary>
    public static Result<HeartbeatList> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "heartbeat list", fields => new HeartbeatList(
            fields.Objects("heartbeats", MostHeartbeats, item => new HeartbeatValue(
                item.Parsed<Bytes32>("offer", Bytes32.TryParse), item.Parsed<Bytes32>("value", Bytes32.TryParse)))));
}

/// <summary>An offer that an indexer did not take, and why.</summary>
public sealed record RefusedOffer(Bytes32 OfferHash, string Code, string Message);

/// <summary>An indexer's answer to an announcement.</summary>
public sealed record AnnounceReply(int Accepted, IReadOnlyList<RefusedOffer> Refused)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 1 << 20;

    private const int MostCodeCharacters = 64;
    private const int MostMessageCharacters = 1024;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteNumber("accepted", Accepted);
        json.WriteArray("refused", Refused, static (to, refused) =>
        {
            to.WriteStartObject();
            to.WriteString("offer", refused.OfferHash.ToString());
            to.WriteString("code", refused.Code);
            to.WriteString("message", refused.Message);
            to.WriteEndObject();
        });
    });

    /// <summary>Reads a body.</summary>
    public static Result<AnnounceReply> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "announce reply", fields => new AnnounceReply(
            (int)Math.Min(fields.Number("accepted"), OfferList.MostOffers),
            fields.Objects("refused", OfferList.MostOffers, item => new RefusedOffer(
                item.Parsed<Bytes32>("offer", Bytes32.TryParse),
                item.Text("code", MostCodeCharacters),
                item.Text("message", MostMessageCharacters)))));
}
