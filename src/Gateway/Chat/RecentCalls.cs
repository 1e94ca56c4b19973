using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>Which paid request served an app's request, for the owner who asks for its receipt. Bounded; the newest are
/// kept.</summary>
internal sealed class RecentCalls
{
    private const int Most = 10_000;
    private readonly Lock _guard = new();
    private readonly Queue<RequestId> _order = [];
    private readonly Dictionary<RequestId, RequestId> _paid = [];

    public void Note(RequestId appRequest, RequestId paid)
    {
        lock (_guard)
        {
            _paid[appRequest] = paid;
            _order.Enqueue(appRequest);
            if (_order.Count > Most)
            {
                _paid.Remove(_order.Dequeue());
            }
        }
    }

    public RequestId? Find(RequestId appRequest)
    {
        lock (_guard)
        {
            return _paid.TryGetValue(appRequest, out var paid) ? paid : null;
        }
    }
}
