using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>What an x402 server answered: the headers of x402 as far as they are there, and the body.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Required">Of a 402; null where it is missing or cannot be read.</param>
/// <param name="Settlement">Of a paid answer; null where it is missing or cannot be read.</param>
/// <param name="Body">The body; empty where it broke off.</param>
internal sealed record SellerReply(
    int Status, PaymentRequired? Required, SettlementResponse? Settlement, ReadOnlyMemory<byte> Body)
{
    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>Speaks HTTP with x402 servers. Redirects are not followed, and everything is bounded.</summary>
internal sealed class SellerLink(IWireClient wire)
{
    private const int MostBodyBytes = 8 << 20;

    // The reference server sends its headers when the whole answer is there.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Posts a request, paid or not. A refusal means that no usable reply came.</summary>
    public async Task<Result<SellerReply>> PostAsync(
        X402Seller seller, ReadOnlyMemory<byte> body, PaymentPayload? payment, CancellationToken cancellation)
    {
        var request = WireRequest.Json("POST", seller.Path, body) with { Patience = Patience };
        request.Headers.Add("accept", "application/json");
        if (payment is not null)
        {
            request.Headers.Add(X402Header.Payment, payment.ToHeader());
        }

        try
        {
            await using var reply = await wire.SendAsync(seller.Target, request, cancellation);
            var required = PaymentRequired.FromHeader(Only(reply, X402Header.Required));
            var settled = SettlementResponse.FromHeader(Only(reply, X402Header.Response));
            return new SellerReply(
                reply.Status, required.IsOk ? required.Value : null, settled.IsOk ? settled.Value : null,
                await ReadAsync(reply, cancellation));
        }
        catch (WireException failure)
        {
            return failure.ToRefusal();
        }
    }

    /// <summary>Whether a failure came before the server could have seen anything.</summary>
    public static bool IsUnsent(Refusal refusal) => refusal.Code is WireCodes.ConnectFailed or WireCodes.ConnectTimeout
        or WireCodes.NameNotResolved or WireCodes.AddressRefused or WireCodes.TlsFailed or WireCodes.BadEndpoint;

    private static string? Only(WireReply reply, string name) =>
        reply.Headers.IsUnique(name) ? reply.Headers[name] : null;

    // The charge is in the headers, so it counts even where the body is of no use.
    private static async Task<ReadOnlyMemory<byte>> ReadAsync(WireReply reply, CancellationToken cancellation)
    {
        try
        {
            return await reply.ReadAllAsync(MostBodyBytes, cancellation);
        }
        catch (WireException)
        {
            return default;
        }
    }
}
