using Souk.Chain;
using Souk.Gateway.Chat;
using Souk.Gateway.Keys;
using Souk.Gateway.Offers;
using Souk.Market.Offers;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Listing;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway;

/// <summary>The OpenAI front door: what apps reach under <c>/v1</c>. No CORS: a web page of another origin gets
/// nothing.</summary>
internal sealed class FrontDoor(
    KeyDesk keys, ChatDesk chat, MarketView market, Catalogue catalogue, IMarketChain chain, TimeProvider time,
    Randomness randomness) : IWireHandler
{
    private const string Chat = "/v1/chat/completions";
    private const string Models = "/v1/models";

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var id = randomness.NextRequestId();
        var headers = Door.Headers(id);
        if (request.Path is "/health" && request.Method == "GET")
        {
            await response.SendJsonAsync(200, "{\"status\":\"ok\"}"u8.ToArray(), aborted, headers);
            return;
        }

        if (Route(request) is { } misdirected)
        {
            await Door.SendErrorAsync(response, misdirected, headers, aborted);
            return;
        }

        if (!keys.Authorise(request.Headers["authorization"]).TryGet(out var account, out var refusal))
        {
            await Door.SendErrorAsync(response, AppErrors.From(refusal), headers, aborted);
            return;
        }

        if (request.Path == Chat)
        {
            await chat.HandleAsync(request, response, account, id, aborted);
        }
        else
        {
            await response.SendJsonAsync(200, List().ToJson(), aborted, headers);
        }
    }

    private static OpenAiError? Route(WireRequest request) => (request.Method, request.Path) switch
    {
        ("POST", Chat) or ("GET", Models) => null,
        (_, Chat or Models) => new OpenAiError(
            405, ErrorTypes.InvalidRequest, "method_not_allowed", null,
            $"Not allowed to {request.Method} on {request.Path}; try {(request.Path == Chat ? "POST" : "GET")}."),
        _ => new OpenAiError(
            404, ErrorTypes.InvalidRequest, "unknown_url", null,
            $"Unknown request URL: {request.Method} {Printable(request.Path)}. This gateway serves POST {Chat} and "
                + $"GET {Models}."),
    };

    private static string Printable(string path) => path.Length <= 128 ? path : path[..128];

    private ModelList List()
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        var entries = catalogue.Entries
            .Select(entry => (entry.Name, Offers: entry.Digests.SelectMany(market.Book.For)
                .Where(listed => listed.IsLive(now) && listed.Offer.Concurrency > 0).ToList()))
            .Where(entry => entry.Offers.Count > 0)
            .Select(entry => Entry(entry.Name, entry.Offers));
        return new ModelList([.. entries]);
    }

    private ModelEntry Entry(string name, List<ListedOffer> offers)
    {
        var cheapest = offers.MinBy(listed => listed.Offer.OutputPrice)!.Offer;
        return new ModelEntry(name, (long)cheapest.IssuedAt, "souk")
        {
            Name = name,
            ContextLength = offers.Max(listed => listed.Offer.Context),
            MaxOutput = offers.Max(listed => listed.Offer.MaxOutput),
            Pricing = new ModelPricing(
                PerToken(cheapest.InputPrice), PerToken(cheapest.OutputPrice), PerToken(cheapest.CachedPrice)),
        };
    }

    // A price is per million tokens, so one token costs it with six more decimal places.
    private string PerToken(Amount price) => price.ToDecimal(chain.Network.CurrencyDecimals + 6);
}
