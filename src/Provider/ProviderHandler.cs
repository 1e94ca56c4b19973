using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Provider.Offers;
using Souk.Provider.Requests;
using Souk.Provider.X402;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider;

/// <summary>The provider's surface on the node link: routes requests to the desks.</summary>
internal sealed class ProviderHandler(
    RequestDesk requests, ChannelDesk channels, OfferDesk offers, PlainDoor plain, TimeProvider time) : IWireHandler
{
    /// <inheritdoc/>
    public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        switch (request.Method, request.Path)
        {
            case ("POST", NodePaths.ChatCompletions or NodePaths.Completions or NodePaths.Embeddings):
                return requests.ServeAsync(request, response, aborted);
            case ("POST", NodePaths.Channels):
                return OpenChannelAsync(request, response, aborted);
            case ("GET", NodePaths.Offers):
                return TellOffersAsync(request, response, aborted);
            case ("GET", NodePaths.Heartbeats):
                return TellHeartbeatsAsync(response, aborted);
        }

        if (plain.Handle(request, response, aborted) is { } answering)
        {
            return answering;
        }

        if (NodePaths.TryRequest(request.Path, out var id, out var isVoucher))
        {
            switch (request.Method, isVoucher)
            {
                case ("PUT", true):
                    return requests.RaiseAsync(id, request, response, aborted);
                case ("GET", false):
                    return requests.TellAsync(id, response, aborted);
                case ("DELETE", false):
                    return requests.CancelAsync(id, response, aborted);
            }
        }

        return request.Method == "GET" && NodePaths.TryModelFile(request.Path, out var digest, out var name)
            ? TellFileAsync(digest, name, response, aborted)
            : RefuseAsync(response, 404, "not_found", "There is nothing at this path and method.", aborted);
    }

    private async Task OpenChannelAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (!ChannelOpening.Parse(request.Body).TryGet(out var opening, out var refusal))
        {
            await response.SendErrorAsync(WireError.From(refusal), aborted);
            return;
        }

        // A deposit that was sent is followed to its end even when the customer hangs up: it asks again and gets its
        // acceptance then.
        var result = await channels.OpenAsync(opening, request.Peer, CancellationToken.None);
        if (result.TryGet(out var acceptance, out refusal))
        {
            await response.SendJsonAsync(200, SoukJson.Serialize(acceptance), aborted);
        }
        else
        {
            await response.SendErrorAsync(WireError.From(refusal), aborted);
        }
    }

    private async Task TellOffersAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var model = request.QueryValue("model");
        var wanted = offers.Newest
            .Where(offer => model is null || offer.Signed.Message.ModelDigest.ToString() == model)
            .Select(offer => offer.Signed);
        await response.SendJsonAsync(200, new OfferList([.. wanted]).ToJson(), aborted);
    }

    private async Task TellHeartbeatsAsync(IWireResponse response, CancellationToken aborted)
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        var beats = offers.Newest.Select(offer => new HeartbeatValue(offer.Hash, offer.Heartbeat.At(now)));
        await response.SendJsonAsync(200, new HeartbeatList([.. beats]).ToJson(), aborted);
    }

    private async Task TellFileAsync(Bytes32 digest, string name, IWireResponse response, CancellationToken aborted)
    {
        if (offers.Model(digest) is not { } model)
        {
            await RefuseAsync(response, 404, "model_unknown", "This provider does not serve that model.", aborted);
            return;
        }

        if (name.Length == 0)
        {
            await response.SendJsonAsync(200, SoukJson.Serialize(model.Manifest), aborted);
            return;
        }

        if (!model.PublicFiles.TryGetValue(name, out var file))
        {
            await RefuseAsync(response, 404, "file_unknown", "That file of the model is not public.", aborted);
            return;
        }

        var headers = new WireHeaders(1) { { "content-type", "application/octet-stream" } };
        await response.StartAsync(200, headers, aborted);
        await response.WriteAsync(file, aborted);
    }

    private static async Task RefuseAsync(
        IWireResponse response, int status, string code, string message, CancellationToken aborted) =>
        await response.SendErrorAsync(new WireError(status, code, message, Fault.Theirs), aborted);
}
