using Souk.Protocol;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>Whose request it is: an API key's hash, and what the app called the request.</summary>
internal readonly record struct ReplayKey(Bytes32 ApiKey, string Name);

/// <summary>A request that is under way or was answered.</summary>
/// <param name="Fingerprint">What was asked; the same name with another question is a mistake of the app.</param>
internal sealed record Shelved(Bytes32 Fingerprint)
{
    private readonly TaskCompletionSource<KeptReply?> _reply = new();

    /// <summary>The reply once it is whole; null where the request broke off before it had one.</summary>
    public Task<KeptReply?> Reply => _reply.Task;

    /// <summary>Ends the waiting of the others.</summary>
    public void Settle(KeptReply? reply) => _reply.TrySetResult(reply);
}

/// <summary>
/// The replies that apps may ask for again, in memory. Bounded in number and bytes, those under way included: the
/// oldest leave first.
/// </summary>
internal sealed class ReplayShelf(TimeProvider time, int mostReplies, long mostBytes)
{
    /// <summary>What one entry takes beside its body: name, headers and the shelf's own.</summary>
    private const int Overhead = 1_024;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);
    private readonly Lock _guard = new();
    private readonly Dictionary<ReplayKey, Shelved> _shelf = [];
    private readonly Queue<(ReplayKey Key, DateTimeOffset At, long Bytes)> _kept = [];
    private long _keptBytes;
    private long _heldBytes;

    /// <summary>Takes a place for a request. <c>IsFirst</c> tells the one caller who has to do the work and then
    /// calls <see cref="Finish"/>.</summary>
    public (Shelved Entry, bool IsFirst) Take(ReplayKey key, Bytes32 fingerprint)
    {
        lock (_guard)
        {
            DropOld();
            return _shelf.TryGetValue(key, out var known)
                ? (known, false)
                : (_shelf[key] = new Shelved(fingerprint), true);
        }
    }

    /// <summary>Asks for room for a reply that is under way; false where there is none, even without the kept
    /// ones.</summary>
    public bool TryHold(int bytes)
    {
        lock (_guard)
        {
            if (_heldBytes + bytes > mostBytes)
            {
                return false;
            }

            _heldBytes += bytes;
            DropOld();
            return true;
        }
    }

    /// <summary>Gives the reply to those who wait, and keeps it for those who ask later if it is final.</summary>
    /// <param name="held">Bytes that <see cref="TryHold"/> granted it.</param>
    public void Finish(ReplayKey key, Shelved entry, KeptReply? reply, int held)
    {
        lock (_guard)
        {
            _heldBytes -= held;
            if (reply is { IsFinal: true })
            {
                var bytes = Overhead + (reply.Body?.Length ?? 0);
                _kept.Enqueue((key, time.GetUtcNow(), bytes));
                _keptBytes += bytes;
                DropOld();
            }
            else
            {
                _shelf.Remove(key);
            }
        }

        entry.Settle(reply);
    }

    private void DropOld()
    {
        while (_kept.TryPeek(out var oldest) && (_kept.Count > mostReplies || _keptBytes + _heldBytes > mostBytes
            || time.GetUtcNow() - oldest.At >= KeptFor))
        {
            _kept.Dequeue();
            _keptBytes -= oldest.Bytes;
            _shelf.Remove(oldest.Key);
        }
    }
}
