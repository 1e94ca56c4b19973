using Souk.Protocol;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>A named request that is under way.</summary>
/// <param name="Fingerprint">What was asked; the same name with another question is a mistake of the app.</param>
internal sealed record Shelved(Bytes32 Fingerprint)
{
    private readonly TaskCompletionSource<ReplayOutcome> _outcome = new();

    /// <summary>How it ended.</summary>
    public Task<ReplayOutcome> Outcome => _outcome.Task;

    /// <summary>Ends the waiting of the others.</summary>
    public void Settle(ReplayOutcome outcome) => _outcome.TrySetResult(outcome);
}

/// <summary>
/// The named requests that are under way, and the room for what is being recorded of them. What has ended is in the
/// ledger.
/// </summary>
/// <param name="mostBytes">The most that all replies under way may hold together.</param>
internal sealed class ReplayShelf(long mostBytes)
{
    private readonly Lock _guard = new();
    private readonly Dictionary<Bytes32, Shelved> _underWay = [];
    private long _heldBytes;

    /// <summary>
    /// Takes the place of a name. <c>IsFirst</c> tells the one caller who has to find the outcome and then calls
    /// <see cref="Finish"/>; an entry of another fingerprint is somebody else's question.
    /// </summary>
    /// <param name="name">Whose place.</param>
    /// <param name="fingerprint">What is asked now.</param>
    /// <param name="known">What was asked under the name before, as the ledger has it.</param>
    public (Shelved Entry, bool IsFirst) Take(Bytes32 name, Bytes32 fingerprint, Func<Bytes32?> known)
    {
        lock (_guard)
        {
            if (_underWay.TryGetValue(name, out var entry))
            {
                return (entry, false);
            }

            // Asked under the lock: a place is given up only after its outcome is in the ledger.
            entry = new Shelved(known() ?? fingerprint);
            var isFirst = entry.Fingerprint == fingerprint;
            if (isFirst)
            {
                _underWay.Add(name, entry);
            }

            return (entry, isFirst);
        }
    }

    /// <summary>Asks for room for a reply that is under way; false where there is none.</summary>
    public bool TryHold(int bytes)
    {
        lock (_guard)
        {
            if (_heldBytes + bytes > mostBytes)
            {
                return false;
            }

            _heldBytes += bytes;
            return true;
        }
    }

    /// <summary>Gives the place up and the outcome to those who wait.</summary>
    /// <param name="held">Bytes that <see cref="TryHold"/> granted it.</param>
    public void Finish(Bytes32 name, Shelved entry, ReplayOutcome outcome, int held)
    {
        lock (_guard)
        {
            _heldBytes -= held;
            _underWay.Remove(name);
        }

        entry.Settle(outcome);
    }
}
