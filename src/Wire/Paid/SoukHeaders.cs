using System.Text;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>The names of the headers of paid requests and their replies.</summary>
public static class SoukHeaders
{
    /// <summary>Request: 32 hex digits, made by the gateway, the right to raise, read and cancel.</summary>
    public const string RequestId = "souk-request-id";

    /// <summary>Request: EIP-712 hash of the offer whose prices apply.</summary>
    public const string Offer = "souk-offer";

    /// <summary>Request: the number of the request on its channel's nonce chain, from 1.</summary>
    public const string Index = "souk-index";

    /// <summary>Request: the gateway's share of the sampling key.</summary>
    public const string GatewayNonce = "souk-gateway-nonce";

    /// <summary>Request: 16 bytes as hex that blind the commitments in the receipt.</summary>
    public const string Salt = "souk-salt";

    /// <summary>Request: the channel's configuration, see <see cref="PaidText"/>.</summary>
    public const string Channel = "souk-channel";

    /// <summary>Request: channel id, ceiling and signature, see <see cref="PaidText"/>.</summary>
    public const string Voucher = "souk-voucher";

    /// <summary>Request, only when an answer is continued after a failure: key, choice and position.</summary>
    public const string Continuation = "souk-continue";

    /// <summary>Request, optional: output tokens that the provider may hold back to send them together.</summary>
    public const string Gather = "souk-gather";

    /// <summary>Reply: the provider's share of the sampling key, opened before the first token.</summary>
    public const string ProviderNonce = "souk-provider-nonce";

    /// <summary>Reply: the signed receipt as base64url of its JSON, where there is no stream to carry it.</summary>
    public const string Receipt = "souk-receipt";
}

/// <summary>The receipt's way through headers and event streams.</summary>
public static class ReceiptText
{
    /// <summary>The longest receipt that is read, in characters of base64url.</summary>
    public const int MostCharacters = 16 << 10;

    private static ReadOnlySpan<byte> CommentStart => "souk-receipt "u8;

    /// <summary>The receipt as a header value.</summary>
    public static string ToHeader(Signed<Receipt> receipt) => SoukJson.ToBase64Url(receipt);

    /// <summary>The receipt as the one comment of an event stream that carries it, blank line included.</summary>
    public static byte[] ToComment(Signed<Receipt> receipt) =>
        Encoding.ASCII.GetBytes($": souk-receipt {ToHeader(receipt)}\n\n");

    /// <summary>Whether a comment's text (without colon and space) carries a receipt.</summary>
    public static bool IsReceipt(ReadOnlySpan<byte> comment) => comment.StartsWith(CommentStart);

    /// <summary>Reads a comment for which <see cref="IsReceipt"/> holds.</summary>
    public static Result<Signed<Receipt>> FromComment(ReadOnlySpan<byte> comment) =>
        comment.Length > MostCharacters + CommentStart.Length
            ? WireError.Malformed("receipt", "is too long")
            : FromHeader(Encoding.ASCII.GetString(comment[CommentStart.Length..].Trim((byte)' ')));

    /// <summary>Reads a header value.</summary>
    public static Result<Signed<Receipt>> FromHeader(string text) =>
        text.Length > MostCharacters
            ? WireError.Malformed("receipt", "is too long")
            : SoukJson.FromBase64Url<Signed<Receipt>>(text);

    /// <summary>The receipt in a reply's headers; null where there is none.</summary>
    public static Result<Signed<Receipt>>? FromHeaders(WireHeaders headers) =>
        headers[SoukHeaders.Receipt] is { } text ? FromHeader(text) : default(Result<Signed<Receipt>>?);
}
