using Souk.Protocol;

namespace Souk.Indexer;

/// <summary>
/// Addresses that the registry did not know a moment ago, so that made-up providers do not have the chain asked again
/// for each of their offers.
/// </summary>
internal sealed class UnknownProviders(TimeProvider time)
{
    private const int MostKept = 10_000;
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(30);
    private readonly Lock _guard = new();
    private readonly Dictionary<Address, DateTimeOffset> _seen = [];
    private readonly Queue<Address> _order = [];

    public bool Has(Address provider)
    {
        lock (_guard)
        {
            return _seen.TryGetValue(provider, out var at) && time.GetUtcNow() - at < Kept;
        }
    }

    public void Add(Address provider)
    {
        lock (_guard)
        {
            var now = time.GetUtcNow();
            if (_seen.TryAdd(provider, now))
            {
                _order.Enqueue(provider);
            }
            else
            {
                _seen[provider] = now;
            }

            while (_order.Count > MostKept)
            {
                _seen.Remove(_order.Dequeue());
            }
        }
    }
}
