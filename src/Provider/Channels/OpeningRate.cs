namespace Souk.Provider.Channels;

/// <summary>Bounds how often one payer, or one peer, is served within a time, by default an hour.</summary>
/// <remarks>
/// Whoever asks chooses the payer, so names can be made up without end. When the table is full the one that began
/// longest ago makes room: a flood of made-up names then costs its own memory of itself, and locks nobody out.
/// </remarks>
internal sealed class OpeningRate<TKey>(int most, TimeProvider time, TimeSpan? within = null)
    where TKey : notnull
{
    private const int MostKept = 4096;
    private readonly TimeSpan _window = within ?? TimeSpan.FromHours(1);
    private readonly Lock _guard = new();
    private readonly Dictionary<TKey, (DateTimeOffset Since, int Count)> _counts = [];

    /// <summary>Counts one more, if there is one left.</summary>
    public bool TryTake(TKey key)
    {
        var now = time.GetUtcNow();
        lock (_guard)
        {
            var known = _counts.TryGetValue(key, out var window) && now - window.Since < _window ? window : (now, 0);
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
