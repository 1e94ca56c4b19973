using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Protocol;

namespace Souk.Provider.Watch;

/// <summary>
/// What the chain shows of the channels that are held. News is a hint to read again, and everything is read again now
/// and then, so that missed news costs minutes and never the channel.
/// </summary>
internal sealed partial class GuardedChannels(
    IMarketChain chain, Journal<WatchBook> journal, TimeProvider time, ILogger<GuardedChannels> log)
{
    private const int MostPerRead = 256;
    private readonly Lock _guard = new();
    private readonly SortedDictionary<Bytes32, ChannelState> _states = [];

    // Channels to read, each at this block or a later one: a node that lags shows what was before.
    private readonly SortedDictionary<Bytes32, ulong> _unread = [];
    private TaskCompletionSource _news = new();
    private Head _newest;

    /// <summary>The newest block seen.</summary>
    public Head Newest
    {
        get
        {
            lock (_guard)
            {
                return _newest;
            }
        }
    }

    /// <summary>Completes when there is something to read; a new one for each wait.</summary>
    public Task News
    {
        get
        {
            lock (_guard)
            {
                if (_news.Task.IsCompleted && _unread.Count == 0)
                {
                    _news = new TaskCompletionSource();
                }

                return _news.Task;
            }
        }
    }

    /// <summary>A channel's state; null before it was read.</summary>
    public ChannelState? State(Bytes32 channel)
    {
        lock (_guard)
        {
            return _states.GetValueOrDefault(channel);
        }
    }

    /// <summary>Marks channels to be read.</summary>
    public void Mark(IReadOnlyList<Bytes32> channels)
    {
        lock (_guard)
        {
            MarkInside(channels);
        }
    }

    /// <summary>Marks all channels to be read.</summary>
    public void MarkAll() => Mark([.. journal.Durable.Held.Keys]);

    /// <summary>Follows the chain until cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        await foreach (var news in chain.FollowAsync([], cancellation))
        {
            var held = journal.Durable.Held;
            lock (_guard)
            {
                // After a reset the newest block may have a lower number than before; it counts all the same.
                _newest = news.IsReset || news.Newest.Number >= _newest.Number ? news.Newest : _newest;
                MarkInside(news.IsReset ? [.. held.Keys] : [.. news.Channels.Where(held.ContainsKey)]);
            }
        }
    }

    /// <summary>Reads what is marked. What could not be read, or only at an older block, stays marked.</summary>
    /// <returns>Null where everything was read.</returns>
    public async Task<Refusal?> ReadAsync(CancellationToken cancellation)
    {
        List<KeyValuePair<Bytes32, ulong>> marked;
        lock (_guard)
        {
            marked = [.. _unread];
        }

        foreach (var batch in marked.Chunk(MostPerRead))
        {
            Bytes32[] ids = [.. batch.Select(one => one.Key)];
            var read = await chain.ChannelsAsync(ids, ReadPoint.Newest, cancellation);
            if (!read.TryGet(out var now, out var refusal))
            {
                LogUnread(marked.Count, refusal.Message);
                return refusal;
            }

            Take(batch, now);
        }

        lock (_guard)
        {
            return _unread.Count == 0 ? null : new Refusal(
                Fault.Nobody, "chain_behind",
                    "The chain's node answers with an older block than its news; asking again.");
        }
    }

    /// <summary>Forgets a channel that is no longer held.</summary>
    public void Forget(Bytes32 channel)
    {
        lock (_guard)
        {
            _states.Remove(channel);
            _unread.Remove(channel);
        }
    }

    /// <summary>Now, in Unix seconds, by whichever of clock and chain is ahead: a clock that was set back must not make
    /// a deadline look far away.</summary>
    public ulong Now() => Math.Max((ulong)time.GetUtcNow().ToUnixTimeSeconds(), Newest.Timestamp);

    private void Take(KeyValuePair<Bytes32, ulong>[] batch, Read<IReadOnlyList<ChannelState>> read)
    {
        lock (_guard)
        {
            _newest = read.At.Number >= _newest.Number ? read.At : _newest;
            for (var i = 0; i < batch.Length; i++)
            {
                if (read.At.Number < batch[i].Value)
                {
                    continue;
                }

                _states[batch[i].Key] = read.Value[i];

                // Marked again while the answer was on its way: then it is read once more.
                if (_unread.GetValueOrDefault(batch[i].Key) <= read.At.Number)
                {
                    _unread.Remove(batch[i].Key);
                }
            }
        }
    }

    private void MarkInside(IReadOnlyList<Bytes32> channels)
    {
        foreach (var channel in channels)
        {
            _unread[channel] = _newest.Number;
        }

        if (channels.Count > 0)
        {
            _news.TrySetResult();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} channels could not be read and stay marked: {Reason}")]
    private partial void LogUnread(int count, string reason);
}
