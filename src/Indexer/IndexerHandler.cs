using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Indexer;

/// <summary>The indexer's surface: offers in, offers and heartbeats out.</summary>
internal sealed class IndexerHandler(IndexerNode node, AnnouncementRate rate) : IWireHandler
{
    private const int PageSize = 256;

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        switch (request.Method, request.Path)
        {
            case ("POST", NodePaths.Offers):
                await TakeAsync(request, response, aborted);
                break;
            case ("GET", NodePaths.Offers):
                await TellAsync(request, response, aborted);
                break;
            case ("GET", NodePaths.Heartbeats):
                var beats = node.Heartbeats.Select(beat => new HeartbeatValue(beat.Key, beat.Value));
                await response.SendJsonAsync(200, new HeartbeatList([.. beats]).ToJson(), aborted);
                break;
            case ("GET", "/health"):
                await response.SendJsonAsync(200, "{\"status\":\"ok\"}"u8.ToArray(), aborted);
                break;
            default:
                await response.SendErrorAsync(
                    new WireError(404, "not_found", "There is nothing at this path and method.", Fault.Theirs),
                        aborted);
                break;
        }
    }

    private async Task TakeAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (!rate.TryTake(request.Peer))
        {
            await response.SendErrorAsync(
                new WireError(429, "too_many_announcements", "Announce less often; once per new offer is enough.",
                    Fault.Theirs),
                aborted);
            return;
        }

        if (!OfferList.Parse(request.Body).TryGet(out var list, out var refusal))
        {
            await response.SendErrorAsync(WireError.From(refusal), aborted);
            return;
        }

        if (list.Offers.Select(offer => offer.Message.Provider).Distinct().Skip(1).Any())
        {
            // Each provider that is not known here costs a read of the chain.
            await response.SendErrorAsync(
                new WireError(400, "several_providers", "Announce the offers of one provider at a time.", Fault.Theirs),
                aborted);
            return;
        }

        var taken = 0;
        List<RefusedOffer> refused = [];
        foreach (var offer in list.Offers)
        {
            if (await node.TakeAsync(offer, aborted) is { } why)
            {
                refused.Add(new RefusedOffer(offer.Message.Hash(node.Domain), why.Code, why.Message));
            }
            else
            {
                taken++;
            }
        }

        await response.SendJsonAsync(200, new AnnounceReply(taken, refused).ToJson(), aborted);
    }

    // Pages by position in the order of model and provider: an offer that comes or goes between two pages may be missed
    // or repeated, which the next poll mends.
    private async Task TellAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var model = request.QueryValue("model");
        var from = int.TryParse(request.QueryValue("after"), out var given) && given > 0 ? given : 0;
        var offers = Bytes32.TryParse(model, out var digest) ? node.Book.For(digest) : node.Book.All;
        var page = offers.Skip(from).Take(PageSize + 1).Select(listed => listed.Verified.Original).ToList();
        var next = page.Count > PageSize
            ? (from + PageSize).ToString(System.Globalization.CultureInfo.InvariantCulture)
            : null;
        await response.SendJsonAsync(200, new OfferList([.. page.Take(PageSize)], next).ToJson(), aborted);
    }
}
