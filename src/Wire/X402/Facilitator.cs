using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>The body of a facilitator's <c>/verify</c> and <c>/settle</c>.</summary>
/// <param name="Payment">The payment to look at.</param>
/// <param name="Requirements">What the server asked for.</param>
public sealed record FacilitatorRequest(PaymentPayload Payment, PaymentRequirements Requirements)
{
    private const int MostBytes = 2 * X402Header.MostBytes;

    /// <summary>Reads a body.</summary>
    public static Result<FacilitatorRequest> Parse(ReadOnlyMemory<byte> json) =>
        JsonFields.Parse(json, MostBytes, "facilitator's request", fields =>
        {
            fields.RequireVersion();
            return new FacilitatorRequest(
                PaymentPayload.Read(fields.Object("paymentPayload")),
                PaymentRequirements.Read(fields.Object("paymentRequirements")));
        });

    /// <summary>The JSON text.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteNumber("x402Version", X402Header.Version);
        json.WritePropertyName("paymentPayload");
        json.WriteRawValue(Payment.ToJson().Span);
        json.WritePropertyName("paymentRequirements");
        Requirements.Write(json);
    });
}

/// <summary>The answer of <c>/verify</c>.</summary>
/// <param name="InvalidReason">Why the payment is not valid, an error code; null where it is.</param>
/// <param name="Payer">Who pays.</param>
/// <param name="Channel">Where the channel is on the chain; null where it was not read.</param>
public sealed record VerifyResponse(string? InvalidReason, Address Payer, ChannelState? Channel)
{
    /// <summary>The JSON text.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteBoolean("isValid", InvalidReason is null);
        json.WriteOptional("invalidReason", InvalidReason);
        json.WriteString("payer", Payer.ToString());
        Channel?.Write(json, "extra");
    });
}

/// <summary>The answer of <c>/supported</c>: one kind of payment.</summary>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="ReceiverAuthorizer">Signs claims and refunds.</param>
/// <param name="Signer">Sends the transactions.</param>
public sealed record SupportedReply(ulong ChainId, Address ReceiverAuthorizer, Address Signer)
{
    /// <summary>The JSON text.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteArray("kinds", [this], (writer, kind) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("x402Version", X402Header.Version);
            writer.WriteString("scheme", PaymentRequirements.Scheme);
            writer.WriteString("network", PaymentRequirements.NetworkName(kind.ChainId));
            writer.WriteStartObject("extra");
            writer.WriteString("receiverAuthorizer", kind.ReceiverAuthorizer.ToString());
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
        json.WriteStartArray("extensions");
        json.WriteEndArray();
        json.WriteStartObject("signers");
        json.WriteStartArray("eip155:*");
        json.WriteStringValue(Signer.ToString());
        json.WriteEndArray();
        json.WriteEndObject();
    });
}
