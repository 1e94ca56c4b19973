using Souk.Protocol;

namespace Souk.Provider.Requests;

/// <summary>
/// How many output tokens of one request the customer's vouchers cover. Work never goes beyond it: whoever wants the
/// next token asks here first, and waits a bounded time for a higher ceiling.
/// </summary>
internal sealed class CoverGate(
    Prices prices, Amount start, Amount usable, ulong promptTokens, TimeSpan wait, TimeProvider time)
{
    private readonly Lock _guard = new();
    private readonly ulong _input = promptTokens;
    private Amount _usable = usable;
    private ulong _covered = Charge.OutputWithin(prices, promptTokens, 0, usable - start) ?? 0;
    private bool _isFinal;
    private TaskCompletionSource _changed = new();

    /// <summary>The cumulative amount up to which work may be charged.</summary>
    public Amount Usable
    {
        get
        {
            lock (_guard)
            {
                return _usable;
            }
        }
    }

    /// <summary>Takes what a higher voucher, already durable, makes usable. It never falls.</summary>
    public void Raise(Amount usable)
    {
        TaskCompletionSource changed;
        lock (_guard)
        {
            _usable = Amount.Max(_usable, usable);
            _covered = Charge.OutputWithin(prices, _input, 0, _usable - start) ?? _covered;
            changed = Renew();
        }

        // Outside the lock: whoever waited may go on right here.
        changed.TrySetResult();
    }

    /// <summary>No raise will be waited for any more: a withdrawal has begun, or the request is being
    /// cancelled.</summary>
    public void Close()
    {
        TaskCompletionSource changed;
        lock (_guard)
        {
            _isFinal = true;
            changed = Renew();
        }

        changed.TrySetResult();
    }

    /// <summary>True once <paramref name="tokens"/> are covered; false when that did not happen in time.</summary>
    public ValueTask<bool> CoversAsync(ulong tokens, CancellationToken cancellation)
    {
        lock (_guard)
        {
            if (tokens <= _covered || _isFinal)
            {
                return new(tokens <= _covered);
            }
        }

        return new(WaitAsync(tokens, cancellation));
    }

    private async Task<bool> WaitAsync(ulong tokens, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        while (true)
        {
            Task changed;
            lock (_guard)
            {
                if (tokens <= _covered || _isFinal)
                {
                    return tokens <= _covered;
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return false;
            }
        }
    }

    private TaskCompletionSource Renew()
    {
        var changed = _changed;
        _changed = new TaskCompletionSource();
        return changed;
    }
}
