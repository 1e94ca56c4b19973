namespace Souk.Indexer;

/// <summary>Bounds what one peer may announce, and how many peers are remembered for that.</summary>
internal sealed class AnnouncementRate(int perMinute, TimeProvider time)
{
    private const int MostPeers = 10_000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly Lock _guard = new();
    private readonly Dictionary<string, (DateTimeOffset Since, int Count)> _peers = new(StringComparer.Ordinal);

    /// <summary>Whether this peer may announce once more now.</summary>
    public bool TryTake(string peer)
    {
        var now = time.GetUtcNow();
        lock (_guard)
        {
            if (_peers.Count >= MostPeers)
            {
                foreach (var old in _peers.Where(entry => now - entry.Value.Since >= Window).Select(entry => entry.Key)
                    .ToList())
                {
                    _peers.Remove(old);
                }
            }

            var known = _peers.TryGetValue(peer, out var window) && now - window.Since < Window ? window
                : (Since: now, Count: 0);
            if (known.Count >= perMinute || (_peers.Count >= MostPeers && known.Count == 0))
            {
                return false;
            }

            _peers[peer] = (known.Since, known.Count + 1);
            return true;
        }
    }
}
