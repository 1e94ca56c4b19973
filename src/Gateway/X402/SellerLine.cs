using System.Collections.Concurrent;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>The one place at an x402 server, since its channel serves one request at a time; whoever came first gets it
/// first.</summary>
internal sealed class SellerLine
{
    private const ConfigureAwaitOptions EitherWay =
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private readonly Lock _guard = new();
    private readonly LinkedList<Turn> _waiting = [];
    private bool _isTaken;

    /// <summary>The terms of each model as the server last stated them, by the model's name.</summary>
    public ConcurrentDictionary<string, PaymentRequired> Terms { get; } = new(StringComparer.Ordinal);

    /// <summary>Waits for the place; false where it did not become free in time.</summary>
    public async Task<bool> EnterAsync(TimeSpan patience, TimeProvider time, CancellationToken stopped)
    {
        Turn turn;
        lock (_guard)
        {
            if (!_isTaken)
            {
                return _isTaken = true;
            }

            _waiting.AddLast(turn = new Turn());
        }

        await turn.Came.Task.WaitAsync(patience, time, stopped).ConfigureAwait(EitherWay);
        lock (_guard)
        {
            _waiting.Remove(turn);
        }

        if (stopped.IsCancellationRequested && turn.IsGiven)
        {
            Leave();
        }

        stopped.ThrowIfCancellationRequested();
        return turn.IsGiven;
    }

    /// <summary>Gives the place to whoever waits longest.</summary>
    public void Leave()
    {
        Turn? next;
        lock (_guard)
        {
            next = _waiting.First?.Value;
            if (next is null)
            {
                _isTaken = false;
                return;
            }

            _waiting.RemoveFirst();
            next.IsGiven = true;
        }

        // Outside the lock, since whoever waits may go on in this very call.
        next.Came.SetResult();
    }

    private sealed class Turn
    {
        public TaskCompletionSource Came { get; } = new();

        public bool IsGiven { get; set; }
    }
}
