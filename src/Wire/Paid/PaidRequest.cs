using System.Globalization;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// What a gateway sends beside the body of a paid request. The body is the app's OpenAI request as the provider shall
/// run it, and the receipt commits to its exact bytes.
/// </summary>
/// <param name="Id">Names the request; whoever knows it may raise, read and cancel it.</param>
/// <param name="OfferHash">The offer whose prices apply.</param>
/// <param name="Index">The request's number on the channel, from 1, over the channel's whole life.</param>
/// <param name="GatewayNonce">The gateway's share of the sampling key.</param>
/// <param name="Salt">Blinds the commitments.</param>
/// <param name="Channel">The channel that pays.</param>
/// <param name="Voucher">Covers at least the first slice.</param>
/// <param name="Continuation">Set when this continues an answer that another provider began.</param>
public sealed record PaidRequest(
    RequestId Id,
    Bytes32 OfferHash,
    ulong Index,
    Bytes32 GatewayNonce,
    Salt Salt,
    ChannelConfig Channel,
    Voucher Voucher,
    Continuation? Continuation = null)
{
    /// <summary>What is bought: one of the paths of <see cref="NodePaths"/> that take paid requests. No header, since
    /// the body says the same.</summary>
    public string Path { get; init; } = NodePaths.ChatCompletions;

    /// <summary>Output tokens, over all choices, that the provider may hold back to send them together. 0 asks for each
    /// as soon as it is there.</summary>
    public ulong Gather { get; init; }

    /// <summary>Writes the headers.</summary>
    public void WriteTo(WireHeaders headers)
    {
        headers[SoukHeaders.RequestId] = Id.ToString();
        headers[SoukHeaders.Offer] = OfferHash.ToString();
        headers[SoukHeaders.Index] = Index.ToString(CultureInfo.InvariantCulture);
        headers[SoukHeaders.GatewayNonce] = GatewayNonce.ToString();
        headers[SoukHeaders.Salt] = Salt.ToString();
        headers[SoukHeaders.Channel] = PaidText.Write(Channel);
        headers[SoukHeaders.Voucher] = PaidText.Write(Voucher);
        if (Continuation is { } continuation)
        {
            headers[SoukHeaders.Continuation] = PaidText.Write(continuation);
        }

        if (Gather > 0)
        {
            headers[SoukHeaders.Gather] = Gather.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Whether a request carries any of the headers; one without is from another kind of client.</summary>
    public static bool IsIn(WireHeaders headers) => headers[SoukHeaders.RequestId] is not null;

    /// <summary>
    /// Reads the headers. Only their form is checked here: signatures, the channel's id and the money are the
    /// provider's to judge.
    /// </summary>
    public static Result<PaidRequest> Parse(WireHeaders headers)
    {
        if (!Read<RequestId>(headers, SoukHeaders.RequestId, RequestId.TryParse, out var id, out var bad)
            || !Read<Bytes32>(headers, SoukHeaders.Offer, Bytes32.TryParse, out var offer, out bad)
            || !Read<ulong>(headers, SoukHeaders.Index, TryParseIndex, out var index, out bad)
            || !Read<Bytes32>(headers, SoukHeaders.GatewayNonce, Bytes32.TryParse, out var nonce, out bad)
            || !Read<Salt>(headers, SoukHeaders.Salt, Salt.TryParse, out var salt, out bad)
            || !Read<ChannelConfig>(headers, SoukHeaders.Channel, PaidText.TryRead, out var channel, out bad)
            || !Read<Voucher>(headers, SoukHeaders.Voucher, PaidText.TryRead, out var voucher, out bad))
        {
            return bad!;
        }

        Continuation? continuation = null;
        if (headers[SoukHeaders.Continuation] is not null
            && !Read<Continuation>(headers, SoukHeaders.Continuation, PaidText.TryRead, out continuation, out bad))
        {
            return bad!;
        }

        var gather = 0UL;
        if (headers[SoukHeaders.Gather] is not null
            && !Read<ulong>(headers, SoukHeaders.Gather, TryParseCount, out gather, out bad))
        {
            return bad!;
        }

        return new PaidRequest(id, offer, index, nonce, salt, channel, voucher, continuation) { Gather = gather };
    }

    private static bool TryParseCount(string text, out ulong count) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private static bool TryParseIndex(string text, out ulong index) =>
        TryParseCount(text, out index) && index >= 1;

    private static bool Read<T>(
        WireHeaders headers, string name, TryParse<T> parse, out T value, out Refusal? refusal)
    {
        refusal = null;
        if (headers.IsUnique(name) && headers[name] is { Length: <= PaidText.MostCharacters } text
            && parse(text, out value))
        {
            return true;
        }

        value = default!;
        refusal = WireError.Malformed($"header {name}", "is missing, repeated or malformed");
        return false;
    }
}

/// <summary>
/// How an answer goes on elsewhere: the sampling key of the first provider and the place in the answer of the next
/// token. Such an answer convicts nobody, since the provider learns the key before it works.
/// </summary>
public sealed record Continuation(SamplingKey Key, int Choice, int Position)
{
    /// <summary>Bounds of the sampler's counter.</summary>
    public const int MostChoice = 255;

    /// <summary>Bounds of the sampler's counter.</summary>
    public const int MostPosition = (1 << 24) - 1;
}
