using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Souk.Ledger;
using Souk.Protocol;

namespace Souk.Testbed.Stores;

/// <summary>
/// A simulated disk that holds one ledger. It outlives the process that has it open: a crash loses what was appended
/// and not yet synced, save what a test lets survive, as a real disk may keep writes that nobody was told about.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The process that opens the ledger closes it, not the disk.")]
public sealed class MemoryStore
{
    private readonly List<LedgerRow> _durable = [];
    private readonly Dictionary<string, LedgerNote> _notes = [];
    private readonly Lock _guard = new();
    private MemoryLedger? _owner;

    /// <summary>While true every sync fails for want of room.</summary>
    public bool IsFull { get; set; }

    /// <summary>Told of every row once it is on the disk.</summary>
    public Action<LedgerRow>? Written { get; set; }

    /// <summary>How many notes are on the disk.</summary>
    public int Notes
    {
        get
        {
            lock (_guard)
            {
                return _notes.Count;
            }
        }
    }

    /// <summary>How many rows are on the disk.</summary>
    public long RowCount => Rows().Count;

    /// <summary>How many syncs the disk has done.</summary>
    public int Syncs { get; private set; }

    /// <summary>Opens the ledger, verifying its chain, as one process may at a time.</summary>
    /// <param name="time">By which a sync takes its time.</param>
    /// <param name="syncTime">How long a sync takes; concurrent appends share the next one.</param>
    public MemoryLedger Open(TimeProvider time, TimeSpan syncTime)
    {
        lock (_guard)
        {
            if (_owner is not null)
            {
                throw new LedgerInUseException("(in memory)");
            }

            var (sequence, hash) = (0L, LedgerChain.Genesis);
            foreach (var row in _durable)
            {
                LedgerChain.Verify(row, sequence, hash);
                (sequence, hash) = (row.Sequence, row.Hash);
            }

            _owner = new MemoryLedger(this, time, syncTime);
            return _owner;
        }
    }

    /// <summary>
    /// Ends the process that has the ledger open, at this instant: none of its tasks completes any more. Of the
    /// appends that were not synced, the first <paramref name="surviving"/> are on the disk all the same.
    /// </summary>
    public void Crash(int surviving = 0)
    {
        lock (_guard)
        {
            if (_owner is { } ledger)
            {
                _owner = null;
                foreach (var append in ledger.Abandon().Take(surviving))
                {
                    Write(append);
                }
            }
        }
    }

    /// <summary>Changes a row behind the ledger's back.</summary>
    public void Tamper(long sequence, Func<LedgerRow, LedgerRow> change)
    {
        lock (_guard)
        {
            _durable[(int)sequence - 1] = change(_durable[(int)sequence - 1]);
        }
    }

    /// <summary>Puts an older copy in the place of the ledger: the first <paramref name="rows"/> of it.</summary>
    public void Restore(int rows)
    {
        lock (_guard)
        {
            _durable.RemoveRange(rows, _durable.Count - rows);
        }
    }

    internal (long Sequence, Bytes32 Hash) Tip => Last();

    internal List<LedgerRow> Rows()
    {
        lock (_guard)
        {
            return [.. _durable];
        }
    }

    /// <summary>Syncs a batch and gives the last sequence of each append; null when the process is dead.</summary>
    internal long[]? Sync(MemoryLedger ledger, IReadOnlyList<MemoryAppend> batch)
    {
        lock (_guard)
        {
            if (_owner != ledger)
            {
                return null;
            }

            Syncs++;
            return IsFull ? throw new LedgerFullException("(in memory)") : [.. batch.Select(Write)];
        }
    }

    internal void Close(MemoryLedger ledger)
    {
        lock (_guard)
        {
            _owner = _owner == ledger ? null : _owner;
        }
    }

    private (long Sequence, Bytes32 Hash) Last()
    {
        lock (_guard)
        {
            return _durable.Count == 0 ? (0, LedgerChain.Genesis) : (_durable.Count, _durable[^1].Hash);
        }
    }

    internal ReadOnlyMemory<byte>? Note(string key)
    {
        lock (_guard)
        {
            return _notes.GetValueOrDefault(key)?.Body;
        }
    }

    private long Write(MemoryAppend append)
    {
        foreach (var over in _notes.Where(kept => kept.Value.UntilMs < append.ForgetMs).ToList())
        {
            _notes.Remove(over.Key);
        }

        foreach (var entry in append.Entries)
        {
            var (sequence, hash) = Last();
            var next = LedgerChain.Hash(hash, sequence + 1, entry.Kind, entry.Key, entry.Body.Span);
            var row = new LedgerRow(sequence + 1, entry.Kind, entry.Key, entry.Body.ToArray(), next);
            _durable.Add(row);
            Written?.Invoke(row);
        }

        if (append.Note is { } note)
        {
            _notes[append.Entries[^1].Key] = note with { Body = note.Body.ToArray() };
        }

        return _durable.Count;
    }
}

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
