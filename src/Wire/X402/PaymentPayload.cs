using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>What a client pays with.</summary>
/// <param name="Accepted">The terms it accepts, echoed.</param>
/// <param name="Payload">The signed part.</param>
public sealed record PaymentPayload(PaymentRequirements Accepted, BatchPayload Payload)
{
    /// <summary>What is bought, echoed; null where the client leaves it out.</summary>
    public ResourceInfo? Resource { get; init; }

    /// <summary>The extensions as JSON text, echoed; null where there are none.</summary>
    public string? Extensions { get; init; }

    /// <summary>The JSON text.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteNumber("x402Version", X402Header.Version);
        Resource?.Write(json);
        json.WritePropertyName("accepted");
        Accepted.Write(json);
        json.WritePropertyName("payload");
        Payload.Write(json);
        json.WriteExtensions(Extensions);
    });

    /// <summary>The value of the header <c>PAYMENT-SIGNATURE</c>.</summary>
    public string ToHeader() => X402Header.Encode(ToJson().Span);

    /// <summary>Reads that header.</summary>
    public static Result<PaymentPayload> FromHeader(string? value) =>
        X402Header.Decode(value, "header " + X402Header.Payment).TryGet(out var json, out var refusal)
            ? Parse(json)
            : refusal;

    /// <summary>Reads the JSON text.</summary>
    public static Result<PaymentPayload> Parse(ReadOnlyMemory<byte> json) =>
        JsonFields.Parse(json, X402Header.MostBytes, "payment payload", Read);

    internal static PaymentPayload Read(JsonFields fields)
    {
        fields.RequireVersion();
        return new(
            PaymentRequirements.Read(fields.Object("accepted")), BatchPayload.Read(fields.Object("payload")))
        {
            Resource = fields.Has("resource") ? ResourceInfo.Read(fields.Object("resource")) : null,
            Extensions = fields.RawObject("extensions"),
        };
    }
}
