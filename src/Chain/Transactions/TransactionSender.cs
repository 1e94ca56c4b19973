using System.Threading.Channels;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>
/// One key's transactions on one chain, strictly one after the other: the next starts when the one before has a
/// receipt or is given up. There must be one sender per key and chain; another process with the same key is survived
/// (its transactions take nonces, and ours are sent anew), but wastes time.
/// </summary>
/// <remarks>
/// Nothing is stored. After a restart the chain tells what was mined and which nonces wait; whoever asks for a
/// transaction reads the state first to see whether it is still needed.
/// </remarks>
public sealed class TransactionSender : IAsyncDisposable
{
    private readonly Channel<Job> _jobs = Channel.CreateUnbounded<Job>(new UnboundedChannelOptions
    {
        SingleReader = true,
    });

    private readonly CancellationTokenSource _lifetime = new();
    private readonly Lazy<Task> _pump;
    private readonly Sending _sending;

    /// <summary>Takes a key and the chain; the key is used until the sender is disposed of.</summary>
    public TransactionSender(RpcChain chain, PrivateKey key, SenderOptions options)
    {
        ArgumentNullException.ThrowIfNull(chain);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(options);
        _sending = new Sending(chain, key, options);
        _pump = new Lazy<Task>(PumpAsync);
        From = key.Address;
    }

    private sealed record Job(
        TransactionWish Wish, TaskCompletionSource<Result<EvmReceipt>> Done, CancellationToken Cancellation);

    /// <summary>Who sends and pays the gas.</summary>
    public Address From { get; }

    /// <summary>
    /// Sends and waits for the receipt; see <see cref="IMarketAccount.SubmitAsync"/> for what comes back. Cancelling
    /// takes a transaction out of the queue or stops the waiting; one that was sent stays sent.
    /// </summary>
    /// <param name="to">Recipient; null creates a contract.</param>
    /// <param name="data">Calldata.</param>
    /// <param name="value">Wei.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="mostGas">Greatest estimate with which it is sent; null: any.</param>
    /// <param name="hurry">By when it has to be mined; null: whenever.</param>
    public async Task<Result<EvmReceipt>> SendAsync(
        Address? to, ReadOnlyMemory<byte> data, UInt128 value, CancellationToken cancellation, ulong? mostGas = null,
        Hurry? hurry = null)
    {
        var done = new TaskCompletionSource<Result<EvmReceipt>>(TaskCreationOptions.RunContinuationsAsynchronously);
        ObjectDisposedException.ThrowIf(
            !_jobs.Writer.TryWrite(new Job(new TransactionWish(to, data, value, mostGas, hurry), done, cancellation)),
            this);
        _ = _pump.Value;
        return await done.Task.WaitAsync(cancellation);
    }

    /// <summary>Gas and price now; a revert is found here too.</summary>
    public async Task<Result<GasQuote>> QuoteAsync(
        Address? to, ReadOnlyMemory<byte> data, UInt128 value, CancellationToken cancellation, ulong? mostGas = null)
    {
        try
        {
            return await _sending.QuoteAsync(new TransactionWish(to, data, value, mostGas), cancellation);
        }
        catch (RpcUnavailableException failure)
        {
            return Refusals.Unavailable(failure);
        }
        catch (RpcRefusedException failure)
        {
            return Refusals.Refused(failure.Message);
        }
    }

    /// <summary>Stops; transactions that wait are cancelled, one that was sent stays sent.</summary>
    public async ValueTask DisposeAsync()
    {
        _jobs.Writer.TryComplete();
        await _lifetime.CancelAsync();
        if (_pump.IsValueCreated)
        {
            await _pump.Value;
        }

        _lifetime.Dispose();
    }

    private async Task PumpAsync()
    {
        await foreach (var job in _jobs.Reader.ReadAllAsync(CancellationToken.None))
        {
            await RunAsync(job);
        }
    }

    private async Task RunAsync(Job job)
    {
        if (job.Cancellation.IsCancellationRequested || _lifetime.IsCancellationRequested)
        {
            job.Done.TrySetCanceled(CancellationToken.None);
            return;
        }

        try
        {
            job.Done.TrySetResult(await _sending.RunAsync(job.Wish, _lifetime.Token));
        }
        catch (OperationCanceledException)
        {
            job.Done.TrySetCanceled(CancellationToken.None);
        }
        catch (RpcUnavailableException failure)
        {
            job.Done.TrySetResult(Refusals.Unavailable(failure));
        }
        catch (RpcRefusedException failure)
        {
            job.Done.TrySetResult(Refusals.Refused(failure.Message));
        }
#pragma warning disable CA1031 // Whoever waits for this transaction gets the failure; the queue serves the others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            job.Done.TrySetException(failure);
        }
    }
}
