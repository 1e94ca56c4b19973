using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Watch;

/// <summary>A watchtower's surface on the node link.</summary>
internal sealed class WatchHandler(GuardDesk desk) : IWireHandler
{
    private const int TooMany = 429;

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if ((request.Method, request.Path) is ("GET", "/health"))
        {
            await response.SendJsonAsync(200, "{\"status\":\"ok\"}"u8.ToArray(), aborted);
            return;
        }

        if ((request.Method, request.Path) is not ("PUT", NodePaths.Claims))
        {
            await response.SendErrorAsync(
                new WireError(404, "not_found", "There is nothing at this path and method.", Fault.Theirs), aborted);
            return;
        }

        if (!GuardRequest.Parse(request.Body).TryGet(out var claims, out var refusal)
            || !(await desk.TakeAsync(claims)).TryGet(out var reply, out refusal))
        {
            var status = refusal.Code == "too_many_claims" ? TooMany : (int?)null;
            await response.SendErrorAsync(WireError.From(refusal, status), aborted);
            return;
        }

        await response.SendJsonAsync(200, reply.ToJson(), aborted);
    }
}
