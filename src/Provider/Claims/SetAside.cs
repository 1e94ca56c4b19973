using Souk.Protocol;

namespace Souk.Provider.Claims;

/// <summary>A channel whose claim would revert, why, and when it is tried again.</summary>
public sealed record SetAsideRow(Bytes32 ChannelId, string Reason, DateTimeOffset Since, DateTimeOffset RetryAt);

/// <summary>
/// Rows that a dry run found bad. They wait longer from one try to the next, except where money is about to leave.
/// Nothing of it needs to be durable: after a restart the next dry run finds them again.
/// </summary>
internal sealed class SetAside(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private readonly Lock _guard = new();
    private readonly SortedDictionary<Bytes32, SetAsideRow> _rows = [];

    /// <summary>All of them, in the order of their ids.</summary>
    public IReadOnlyList<SetAsideRow> All
    {
        get
        {
            lock (_guard)
            {
                return [.. _rows.Values];
            }
        }
    }

    /// <summary>True while a channel is not to be tried.</summary>
    public bool Holds(Bytes32 channel)
    {
        lock (_guard)
        {
            return _rows.TryGetValue(channel, out var row) && time.GetUtcNow() < row.RetryAt;
        }
    }

    /// <summary>Sets a channel aside, for twice as long as it has been aside already.</summary>
    public void Add(Bytes32 channel, Refusal why, bool isUrgent)
    {
        var now = time.GetUtcNow();
        lock (_guard)
        {
            var since = _rows.TryGetValue(channel, out var known) ? known.Since : now;
            var wait = isUrgent ? First : TimeSpan.FromTicks(
                Math.Clamp((now - since).Ticks, First.Ticks, Longest.Ticks));
            _rows[channel] = new SetAsideRow(channel, why.Message, since, now + wait);
        }
    }

    /// <summary>A channel was claimed, or there is nothing to claim on it any more.</summary>
    public void Remove(Bytes32 channel)
    {
        lock (_guard)
        {
            _rows.Remove(channel);
        }
    }
}
