using Souk.Chain;
using Souk.Engines;
using Souk.Gateway.Offers;
using Souk.Gateway.X402;
using Souk.Market.Offers;
using Souk.OpenAi.Listing;
using Souk.Protocol;

namespace Souk.Gateway.Front;

/// <summary>
/// Which models can be had now and at what price: OpenAI's list, with OpenRouter's prices, and each provider's offer.
/// </summary>
internal sealed class ModelDesk(
    GatewayOptions options, MarketView market, Catalogue catalogue, IMarketChain chain, TimeProvider time)
{
    private const int MostNameCharacters = 256;

    /// <summary>Models with a public name that somebody offers now.</summary>
    /// <param name="allowed">Those that the API key may use; null for all.</param>
    public ModelList List(IReadOnlyList<string>? allowed) => new(
    [
        .. catalogue.Entries
            .Where(entry => allowed is null || allowed.Contains(entry.Name, StringComparer.Ordinal))
            .Select(entry => (entry.Name, Offers: Live(new NamedModel(entry.Name, [.. entry.Digests], null))))
            .Where(entry => entry.Offers.Count > 0).Select(entry => Entry(entry.Name, entry.Offers)),
        .. options.Sellers
            .Where(seller => allowed is null || allowed.Contains(seller.Name, StringComparer.Ordinal)).Select(Entry),
    ]);

    /// <summary>One model by its public name, or as provider/digest; null where it cannot be had now.</summary>
    public ModelEntry? Find(string name) =>
        options.Sellers.FirstOrDefault(seller => seller.Name == name) is { } seller ? Entry(seller)
        : Offers(name) is { Count: > 0 } offers ? Entry(name, offers)
        : null;

    /// <summary>A model's offers, the cheapest first; null where it cannot be had now.</summary>
    public ModelEndpoints? Endpoints(string name)
    {
        if (Offers(name) is not { Count: > 0 } offers)
        {
            return null;
        }

        var endpoints = offers
            .OrderBy(listed => listed.Offer.OutputPrice).ThenBy(listed => listed.Offer.InputPrice)
            .ThenBy(listed => listed.Offer.Provider).ThenBy(listed => listed.Offer.ModelDigest)
            .Select(Endpoint);
        return new ModelEndpoints(Entry(name, offers), [.. endpoints]);
    }

    private List<ListedOffer> Offers(string name) =>
        name.Length <= MostNameCharacters && catalogue.Resolve(name) is { } named ? Live(named) : [];

    private List<ListedOffer> Live(NamedModel named)
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        return
        [
            .. named.Digests.SelectMany(market.Book.For).Where(listed => listed.IsLive(now)
                && listed.Offer.Concurrency > 0 && (named.Provider ?? listed.Offer.Provider) == listed.Offer.Provider),
        ];
    }

    private ModelEntry Entry(string name, List<ListedOffer> offers)
    {
        var cheapest = offers.MinBy(listed => listed.Offer.OutputPrice)!.Offer;
        return new ModelEntry(name, (long)cheapest.IssuedAt, "souk")
        {
            Name = name,
            ContextLength = offers.Max(listed => listed.Offer.Context),
            MaxOutput = offers.Max(listed => listed.Offer.MaxOutput),
            Pricing = Pricing(cheapest),
            InputModalities = Modalities(offers),
            SupportedParameters = Parameters(offers.SelectMany(listed => listed.Offer.Features)),
        };
    }

    // Sold by the request: what one may cost is the owner's ceiling, the price below it the server's word.
    private ModelEntry Entry(X402Seller seller) => new(seller.Name, 0, seller.Target.Endpoint.Host)
    {
        Name = seller.Name,
        Pricing = new ModelPricing("0", "0")
        {
            Request = seller.MostPerRequest.ToDecimal(chain.Network.CurrencyDecimals),
        },
        InputModalities = ["text"],
    };

    private ModelEndpoint Endpoint(ListedOffer listed)
    {
        var offer = listed.Offer;
        return new ModelEndpoint(offer.Provider.ToString(), $"{offer.Provider}/{offer.ModelDigest}", Pricing(offer))
        {
            ModelName = offer.PublicName,
            ContextLength = offer.Context,
            MaxOutput = offer.MaxOutput,
            Numerics = offer.Numerics,
            Region = offer.Region,
            Hardware = offer.Hardware,
            DataPolicy = offer.DataPolicy,
            TrustTier = listed.Verified.Tier.ToString().ToLowerInvariant(),
            SupportedParameters = Parameters(offer.Features),
        };
    }

    private ModelPricing Pricing(Offer offer) =>
        new(PerToken(offer.InputPrice), PerToken(offer.OutputPrice), PerToken(offer.CachedPrice));

    // A price is per million tokens, so one token costs it with six more decimal places.
    private string PerToken(Amount price) => price.ToDecimal(chain.Network.CurrencyDecimals + 6);

    private static string[] Modalities(List<ListedOffer> offers) =>
        offers.Exists(listed => listed.Offer.Features.Contains(EngineFeatures.Images)) ? ["text", "image"] : ["text"];

    // OpenRouter names what a request may hold; offers name what an engine can do.
    private static string[] Parameters(IEnumerable<string> features) =>
    [
        .. features.SelectMany(feature => (string[])(feature switch
            {
                EngineFeatures.JsonSchema => ["response_format", "structured_outputs"],
                EngineFeatures.Logprobs => ["logprobs", "top_logprobs"],
                EngineFeatures.Penalties => ["frequency_penalty", "presence_penalty"],
                EngineFeatures.Tools => ["tool_choice", "tools"],
                EngineFeatures.LogitBias or EngineFeatures.ManyChoices or EngineFeatures.Seed or EngineFeatures.Stop
                    or EngineFeatures.TopK => [feature],
                _ => [],
            }))
            .Concat(["max_completion_tokens", "max_tokens", "temperature", "top_p"])
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];
}
