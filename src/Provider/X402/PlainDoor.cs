using Souk.OpenAi.Errors;
using Souk.OpenAi.Listing;
using Souk.Provider.Offers;
using Souk.Wire;

namespace Souk.Provider.X402;

/// <summary>The surface for clients without a gateway, beside the node link's.</summary>
internal sealed class PlainDoor(PlainDesk desk, FacilitatorDesk facilitator, OfferDesk offers)
{
    /// <summary>Answers a request to one of its paths; null for any other path.</summary>
    public Task? Handle(WireRequest request, IWireResponse response, CancellationToken aborted) =>
        (request.Method, request.Path) switch
        {
            ("GET" or "POST", PlainPaths.ChatCompletions or PlainPaths.Completions or PlainPaths.Embeddings) =>
                desk.ServeAsync(request, response, aborted),
            ("GET", PlainPaths.Models) => ListAsync(response, aborted),
            ("GET", PlainPaths.Supported) => facilitator.SupportedAsync(response, aborted),
            ("POST", PlainPaths.Verify) => facilitator.VerifyAsync(request, response, aborted),
            ("POST", PlainPaths.Settle) => facilitator.SettleAsync(request, response, aborted),
            (_, PlainPaths.ChatCompletions or PlainPaths.Completions or PlainPaths.Embeddings or PlainPaths.Models
                or PlainPaths.Supported or PlainPaths.Verify or PlainPaths.Settle) => RefuseAsync(response, aborted),
            _ => null,
        };

    private async Task ListAsync(IWireResponse response, CancellationToken aborted)
    {
        var models = offers.Newest.Select(offer => offer.Signed.Message).Select(offer =>
            new ModelEntry(offer.PublicName, (long)offer.IssuedAt, offer.Provider.ToString())
            {
                Name = offer.ModelDigest.ToString(),
                ContextLength = offer.Context,
                MaxOutput = offer.MaxOutput,
            });
        await response.SendJsonAsync(200, new ModelList([.. models]).ToJson(), aborted);
    }

    private static async Task RefuseAsync(IWireResponse response, CancellationToken aborted)
    {
        var error = OpenAiError.InvalidRequest("This path does not take that method.") with { Status = 405 };
        await response.SendJsonAsync(error.Status, error.ToJson(), aborted);
    }
}
