using System.Diagnostics.CodeAnalysis;
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

    /// <summary>The process dies in the sync of this number, counted as <see cref="Syncs"/>; of the sync's appends the
    /// first ones survive, and nobody is told.</summary>
    public (int Sync, int Surviving)? DiesAt { get; set; }

    /// <summary>Told that the process has died so.</summary>
    public Action? Died { get; set; }

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
            if (DiesAt is { } death && Syncs == death.Sync)
            {
                (_owner, DiesAt) = (null, null);
                foreach (var append in batch.Take(death.Surviving))
                {
                    Write(append);
                }

                Died?.Invoke();
                return null;
            }

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
