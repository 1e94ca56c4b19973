using System.Runtime.CompilerServices;
using Souk.Ledger;
using Souk.Protocol;

namespace Souk.Testbed.Stores;

/// <summary>The ledger of a simulated process, on a <see cref="MemoryStore"/>.</summary>
public sealed class MemoryLedger : ILedger
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private readonly MemoryStore _store;
    private readonly TimeProvider _time;
    private readonly TimeSpan _syncTime;
    private readonly Lock _guard = new();
    private readonly List<Pending> _pending = [];
    private Task _syncing = Task.CompletedTask;
    private bool _isSyncing;
    private bool _closed;
    private LedgerException? _failure;

    internal MemoryLedger(MemoryStore store, TimeProvider time, TimeSpan syncTime)
    {
        _store = store;
        _time = time;
        _syncTime = syncTime;
    }

    /// <inheritdoc/>
    public long Sequence => _store.Tip.Sequence;

    /// <inheritdoc/>
    public Bytes32 Head => _store.Tip.Hash;

    /// <inheritdoc/>
    public LedgerException? Obstacle { get; private set; }

    /// <inheritdoc/>
    public Task<long> AppendAsync(IReadOnlyList<LedgerEntry> entries, LedgerNote? note = null)
    {
        LedgerLimits.Check(entries, note);
        return AppendAsync(new MemoryAppend([.. entries], note, null));
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> FindNoteAsync(string key, CancellationToken cancellation) =>
        Task.FromResult(_store.Note(key));

    /// <inheritdoc/>
    public Task ForgetNotesAsync(ulong nowMs) => AppendAsync(new MemoryAppend([], null, nowMs));

    private Task<long> AppendAsync(MemoryAppend append)
    {
        var pending = new Pending(append);
        lock (_guard)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_failure is { } failure)
            {
                return Task.FromException<long>(Refused(failure));
            }

            _pending.Add(pending);
            if (!_isSyncing)
            {
                _isSyncing = true;
                _syncing = SyncAllAsync();
            }
        }

        return pending.Durable.Task;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerRow> ReadAsync(
        long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterSequence);
        var rows = _store.Rows();
        var (at, previous) = (afterSequence, LedgerChain.Genesis);
        if (afterSequence > 0 && afterSequence <= rows.Count)
        {
            previous = rows[(int)afterSequence - 1].Hash;
        }

        foreach (var row in rows.Skip((int)Math.Min(afterSequence, rows.Count)))
        {
            cancellation.ThrowIfCancellationRequested();
            LedgerChain.Verify(row, at, previous);
            (at, previous) = (row.Sequence, row.Hash);
            yield return row;
        }

        await Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerRow>> FindAsync(string key, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(key);
        cancellation.ThrowIfCancellationRequested();
        var found = new List<LedgerRow>();
        var previous = LedgerChain.Genesis;
        foreach (var row in _store.Rows())
        {
            if (string.Equals(row.Key, key, StringComparison.Ordinal))
            {
                LedgerChain.Verify(row, row.Sequence - 1, previous);
                found.Add(row);
            }

            previous = row.Hash;
        }

        return Task.FromResult<IReadOnlyList<LedgerRow>>(found);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (_guard)
        {
            _closed = true;
            last = _syncing;
        }

        await last;
        _store.Close(this);
    }

    /// <summary>The process is dead: what waits will never complete.</summary>
    internal List<MemoryAppend> Abandon()
    {
        lock (_guard)
        {
            return [.. _pending.Select(pending => pending.Append)];
        }
    }

    private static LedgerFailedException Refused(LedgerException earlier) =>
        new("An earlier append failed, so nothing more is written until the ledger is opened again: "
            + earlier.Message, earlier);

    private async Task SyncAllAsync()
    {
        while (true)
        {
            int count;
            lock (_guard)
            {
                count = _pending.Count;
                if (count == 0)
                {
                    _isSyncing = false;
                    return;
                }
            }

            if (_syncTime == TimeSpan.Zero)
            {
                await Task.Yield();
            }
            else
            {
                await Task.Delay(_syncTime, _time);
            }

            if (!SyncFirst(count))
            {
                return;
            }

            if (Obstacle is not null)
            {
                await Task.Delay(RetryAfter, _time);
            }
        }
    }

    private bool IsClosed
    {
        get
        {
            lock (_guard)
            {
                return _closed;
            }
        }
    }

    /// <summary>Syncs the appends that waited when the sync began; false when there will be no further one.</summary>
    private bool SyncFirst(int count)
    {
        List<Pending> batch;
        lock (_guard)
        {
            batch = _pending.GetRange(0, count);
        }

        try
        {
            if (_store.Sync(this, batch.ConvertAll(pending => pending.Append)) is not { } sequences)
            {
                return false;
            }

            Obstacle = null;
            lock (_guard)
            {
                _pending.RemoveRange(0, count);
            }

            for (var i = 0; i < count; i++)
            {
                batch[i].Durable.SetResult(sequences[i]);
            }

            return true;
        }
        catch (LedgerFullException full) when (!IsClosed)
        {
            // They wait for room.
            Obstacle = full;
            return true;
        }
        catch (LedgerException failure)
        {
            List<Pending> waiting;
            lock (_guard)
            {
                _failure = failure;
                waiting = _pending.GetRange(count, _pending.Count - count);
                _pending.Clear();
            }

            batch.ForEach(pending => pending.Durable.SetException(failure));
            waiting.ForEach(pending => pending.Durable.SetException(Refused(failure)));
            return false;
        }
    }

    private sealed class Pending(MemoryAppend append)
    {
        public MemoryAppend Append { get; } = append;

        public TaskCompletionSource<long> Durable { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What one append does to the simulated disk.</summary>
internal sealed record MemoryAppend(LedgerEntry[] Entries, LedgerNote? Note, ulong? ForgetMs);
