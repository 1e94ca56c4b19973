using System.Collections.Concurrent;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>The one place at an x402 server: its channel serves one request at a time.</summary>
internal sealed class SellerLine : IDisposable
{
    private readonly SemaphoreSlim _place = new(1, 1);

    /// <summary>The terms of each model as the server last stated them, by the model's name.</summary>
    public ConcurrentDictionary<string, PaymentRequired> Terms { get; } = new(StringComparer.Ordinal);

    /// <summary>Waits for the place; false where it did not become free in time.</summary>
    public async Task<bool> EnterAsync(TimeSpan patience, TimeProvider time, CancellationToken stopped)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopped);
        try
        {
            await _place.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Gives the place back.</summary>
    public void Leave() => _place.Release();

    public void Dispose() => _place.Dispose();
}
