using Souk.Chain;
using Souk.Gateway.Chat;
using Souk.Gateway.Keys;
using Souk.Gateway.Offers;
using Souk.Ledger.Customer;
using Souk.Market.Offers;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Listing;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway;

/// <summary>A request of an app with its id, which the reply's headers already carry.</summary>
internal sealed record Visit(WireRequest Request, IWireResponse Response, RequestId Id, WireHeaders Headers);

/// <summary>One row of the front door's table.</summary>
/// <param name="Method">The one method that it takes.</param>
/// <param name="Path">The exact path.</param>
/// <param name="AnswerAsync">Answers a visit that has a good API key.</param>
/// <param name="Error">The body of an error that is found before that; null for OpenAI's.</param>
internal sealed record Route(
    string Method, string Path, Func<Visit, Caller, CancellationToken, Task> AnswerAsync,
    Func<OpenAiError, byte[]>? Error = null);

/// <summary>The front door: what apps reach under <c>/v1</c>. No CORS: a web page of another origin gets
/// nothing.</summary>
internal sealed class FrontDoor : IWireHandler
{
    private readonly KeyDesk _keys;
    private readonly Callers _callers;
    private readonly MarketView _market;
    private readonly Catalogue _catalogue;
    private readonly IMarketChain _chain;
    private readonly TimeProvider _time;
    private readonly Randomness _randomness;
    private readonly Route[] _routes;

    public FrontDoor(
        KeyDesk keys, Callers callers, ChatDesk chat, MarketView market, Catalogue catalogue, IMarketChain chain,
            TimeProvider time,
        Randomness randomness)
    {
        (_keys, _callers, _market, _catalogue, _chain) = (keys, callers, market, catalogue, chain);
        (_time, _randomness) = (time, randomness);
        _routes =
        [
            Paid(new ChatApi()),
            new("GET", "/v1/models", (visit, caller, aborted) =>
                visit.Response.SendJsonAsync(200, List(caller.Key.Limits.Models).ToJson(), aborted, visit.Headers)
                    .AsTask()),
        ];

        Route Paid(IAppApi api) => new(
            "POST", api.Path,
            (visit, caller, aborted) => chat.HandleAsync(api, visit, caller, aborted),
            api.Error);
    }

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var id = _randomness.NextRequestId();
        var visit = new Visit(request, response, id, Door.Headers(id));
        if (request.Path is "/health" && request.Method == "GET")
        {
            await response.SendJsonAsync(200, "{\"status\":\"ok\"}"u8.ToArray(), aborted, visit.Headers);
            return;
        }

        var route = Array.Find(_routes, route => route.Path == request.Path);
        if (route is null)
        {
            await FailAsync(visit, null, Unknown(request), aborted);
        }
        else if (route.Method != request.Method)
        {
            await FailAsync(visit, route, Misused(request, route), aborted);
        }
        else if (!_keys.Authorise(request.Headers["authorization"]).TryGet(out var account, out var refusal))
        {
            await FailAsync(visit, route, AppErrors.From(refusal), aborted);
        }
        else
        {
            await AnswerAsync(route, visit, account, aborted);
        }
    }

    private async Task AnswerAsync(Route route, Visit visit, ApiKeyAccount account, CancellationToken aborted)
    {
        using var caller = _callers.Enter(account, visit.Headers, aborted);
        // Looking around is free; whatever may lead to work counts, and before any is done.
        if (route.Method == "POST" && caller.TakeRequest() is { } limited)
        {
            await FailAsync(visit, route, AppErrors.From(limited), aborted);
            return;
        }

        try
        {
            await route.AnswerAsync(visit, caller, aborted);
        }
        catch (OperationCanceledException) when (caller.Revoked is not null && !aborted.IsCancellationRequested)
        {
            // It was still waiting for a channel, so nothing was told yet.
            await FailAsync(visit, route, AppErrors.From(caller.Revoked!), aborted);
        }
    }

    private static ValueTask FailAsync(Visit visit, Route? route, OpenAiError error, CancellationToken aborted) =>
        Door.SendErrorAsync(visit.Response, error, visit.Headers, aborted, route?.Error?.Invoke(error));

    private static OpenAiError Misused(WireRequest request, Route route) => new(
        405, ErrorTypes.InvalidRequest, "method_not_allowed", null,
        $"Not allowed to {request.Method} on {request.Path}; try {route.Method}.");

    private OpenAiError Unknown(WireRequest request) => new(
        404, ErrorTypes.InvalidRequest, "unknown_url", null,
        $"Unknown request URL: {request.Method} {Printable(request.Path)}. This gateway serves "
            + string.Join(", ", _routes.Select(route => $"{route.Method} {route.Path}")) + ".");

    private static string Printable(string path) => path.Length <= 128 ? path : path[..128];

    private ModelList List(IReadOnlyList<string>? allowed)
    {
        var now = (ulong)_time.GetUtcNow().ToUnixTimeSeconds();
        var entries = _catalogue.Entries
            .Where(entry => allowed is null || allowed.Contains(entry.Name, StringComparer.Ordinal))
            .Select(entry => (entry.Name, Offers: entry.Digests.SelectMany(_market.Book.For)
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
    private string PerToken(Amount price) => price.ToDecimal(_chain.Network.CurrencyDecimals + 6);
}
