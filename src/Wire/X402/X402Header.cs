using System.Buffers.Text;
using Souk.Protocol;

namespace Souk.Wire.X402;

/// <summary>
/// The three headers of x402 version 2 over HTTP: base64 of a JSON text
/// (<c>specs/transports-v2/http.md</c> of the public x402 repository).
/// </summary>
public static class X402Header
{
    /// <summary>Carries <see cref="PaymentRequired"/> with status 402.</summary>
    public const string Required = "PAYMENT-REQUIRED";

    /// <summary>Carries <see cref="PaymentPayload"/> with the request.</summary>
    public const string Payment = "PAYMENT-SIGNATURE";

    /// <summary>Carries <see cref="SettlementResponse"/> with the reply.</summary>
    public const string Response = "PAYMENT-RESPONSE";

    /// <summary>The most bytes of JSON that are read from one header.</summary>
    public const int MostBytes = 16 << 10;

    /// <summary>The protocol version, in every message.</summary>
    public const int Version = 2;

    /// <summary>A header value for a JSON text.</summary>
    public static string Encode(ReadOnlySpan<byte> json) => Convert.ToBase64String(json);

    /// <summary>The JSON text of a header value; what is too long is refused before it is decoded.</summary>
    internal static Result<ReadOnlyMemory<byte>> Decode(string? value, string what)
    {
        if (value is null)
        {
            return Paid.WireError.Malformed(what, "is missing");
        }

        if (value.Length > Base64.GetMaxEncodedToUtf8Length(MostBytes))
        {
            return new Refusal(Fault.Theirs, WireCodes.TooLarge, $"The {what} is larger than {MostBytes} bytes.");
        }

        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(value.Length)];
        return Convert.TryFromBase64String(value, bytes, out var written)
            ? (ReadOnlyMemory<byte>)bytes.AsMemory(0, written)
            : Paid.WireError.Malformed(what, "is not base64");
    }

}
