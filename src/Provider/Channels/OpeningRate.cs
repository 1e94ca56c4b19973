namespace Souk.Provider.Channels;

/// <summary>Bounds how many openings one payer, or one peer, has relayed within an hour.</summary>
/// <remarks>
/// Whoever asks chooses the payer, so names can be made up without end. When the table is full the one that began
/// longest ago makes room: a flood of made-up names then costs its own memory of itself, and locks nobody out.
/// </remarks>
internal sealed class OpeningRate<TKey>(int most, TimeProvider time)
    where TKey : notnull
{
    private const int MostKept = 4096;
    private static readonly TimeSpan Window = TimeSpan.FromHours(1);
    private readonly Lock _guard = new();
    private readonly Dictionary<TKey, (DateTimeOffset Since, int Count)> _counts = [];

    /// <summary>Counts one more, if there is one left.</summary>
    public bool TryTake(TKey key)
    {
        var now = time.GetUtcNow();
        lock (_guard)
        {
            var known = _counts.TryGetValue(key, out var window) && now - window.Since < Window ? window : (now, 0);
            if (known.Item2 >= most)
            {
                return false;
            }

            if (_counts.Count >= MostKept && !_counts.ContainsKey(key))
            {
                _counts.Remove(_counts.MinBy(entry => entry.Value.Since).Key);
            }

            _counts[key] = (known.Item1, known.Item2 + 1);
            return true;
        }
    }
}
