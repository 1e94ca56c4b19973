using Microsoft.Data.Sqlite;

namespace Souk.Ledger.Sqlite;

/// <summary>
/// The one writer. Appends queue up while a commit is under way; the next commit takes all that wait, up to a bound.
/// The queue's order is the order of the rows.
/// </summary>
internal sealed class GroupCommit : IDisposable
{
    private const int MaxRowsPerCommit = 4096;
    private const long MaxBytesPerCommit = 8L << 20;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private readonly SqliteConnection _connection;
    private readonly LedgerFile _file;
    private readonly SqliteCommand _begin;
    private readonly SqliteCommand _commit;
    private readonly SqliteCommand _rollback;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _note;
    private readonly SqliteCommand _forget;
    // A plain monitor: the writer waits on it without first spinning, which for each append cost as much as SQLite.
    private readonly object _guard = new();
    private readonly Queue<Pending> _queue = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _stop = new();
    private volatile LedgerTip _tip;
    private volatile LedgerException? _obstacle;
    private LedgerException? _failure;
    private bool _stopping;

    public GroupCommit(SqliteConnection connection, LedgerTip tip, LedgerFile file)
    {
        _connection = connection;
        _tip = tip;
        _file = file;
        // Kept, because the library's own transactions compile both statements anew for each commit.
        (_begin, _commit, _rollback) =
            (Command(connection, "BEGIN IMMEDIATE"), Command(connection, "COMMIT"), Command(connection, "ROLLBACK"));
        _insert = Insert(connection);
        (_note, _forget) = (LedgerSchema.KeepNote(connection), LedgerSchema.ForgetNotes(connection));
#pragma warning disable RS0030 // SQLite blocks while the disk syncs; this adapter keeps that off the callers' threads.
        var thread = new Thread(Run) { IsBackground = true, Name = "ledger" };
#pragma warning restore RS0030
        thread.Start();
    }

    public LedgerTip Tip => _tip;

    public LedgerException? Obstacle => _obstacle ?? _failure;

    /// <summary>Queues rows, a note, and the erasure of notes that were over at a time (Unix milliseconds).</summary>
    public Task<long> Enqueue(IReadOnlyList<LedgerEntry> entries, LedgerNote? note, ulong? forgetMs = null)
    {
        // A copy, because the caller's list may change while the entries wait.
        var pending = new Pending([.. entries], note, forgetMs);
        lock (_guard)
        {
            ObjectDisposedException.ThrowIf(_stopping, typeof(SqliteLedger));
            if (_failure is { } failure)
            {
                return Task.FromException<long>(Refused(failure));
            }

            _queue.Enqueue(pending);
            Monitor.Pulse(_guard);
        }

        return pending.Durable.Task;
    }

    public Task StopAsync()
    {
        lock (_guard)
        {
            _stopping = true;
            Monitor.Pulse(_guard);
        }

        _stop.Set();
        return _stopped.Task;
    }

    public void Dispose()
    {
        _begin.Dispose();
        _commit.Dispose();
        _rollback.Dispose();
        _insert.Dispose();
        _note.Dispose();
        _forget.Dispose();
        _connection.Dispose();
        _stop.Dispose();
    }

    private static LedgerFailedException Refused(LedgerException earlier) =>
        new("An earlier append failed, so nothing more is written until the ledger is opened again: "
            + earlier.Message, earlier);

    private static SqliteCommand Command(SqliteConnection connection, string text)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        return command;
    }

    private static SqliteCommand Insert(SqliteConnection connection)
    {
        var insert = Command(
            connection,
            "INSERT INTO row (sequence, kind, key, body, hash) VALUES ($sequence, $kind, $key, $body, $hash)");
        insert.Parameters.Add("$sequence", SqliteType.Integer);
        insert.Parameters.Add("$kind", SqliteType.Text);
        insert.Parameters.Add("$key", SqliteType.Text);
        insert.Parameters.Add("$body", SqliteType.Blob);
        insert.Parameters.Add("$hash", SqliteType.Blob);
        return insert;
    }

    private void Run()
    {
        var batch = new List<Pending>();
        while (Take(batch))
        {
            CommitWhenItCan(batch);
            batch.Clear();
        }

        _stopped.SetResult();
    }

    /// <summary>Waits for work. False once the queue is drained and the ledger is closing.</summary>
    private bool Take(List<Pending> batch)
    {
        lock (_guard)
        {
            while (_queue.Count == 0 && !_stopping)
            {
                Monitor.Wait(_guard);
            }

            var rows = 0;
            var bytes = 0L;
            while (_queue.TryPeek(out var next)
                && (batch.Count == 0
                    || (rows + next.Entries.Count <= MaxRowsPerCommit && bytes + next.Bytes <= MaxBytesPerCommit)))
            {
                batch.Add(_queue.Dequeue());
                rows += next.Entries.Count;
                bytes += next.Bytes;
            }

            return batch.Count > 0;
        }
    }

    // A disk that refuses writes is asked again, by the same rows in the same order: what was decided on top of them
    // stays true.
    private void CommitWhenItCan(List<Pending> batch)
    {
        while (Commit(batch) is { } failure)
        {
            _obstacle = failure;
            if (!SqliteFailure.IsPassing(failure) || _stop.Wait(RetryAfter))
            {
                Fail(batch, failure);
                return;
            }
        }

        _obstacle = null;
    }

    private LedgerException? Commit(List<Pending> batch)
    {
        var tip = _tip;
        try
        {
            _begin.ExecuteNonQuery();
            foreach (var pending in batch)
            {
                foreach (var entry in pending.Entries)
                {
                    tip = Write(tip, entry);
                }

                pending.Last = tip.Sequence;
                Keep(pending);
            }

            _commit.ExecuteNonQuery();
        }
        catch (Exception failure)
        {
            RollBack();
            return failure as LedgerException ?? (failure is SqliteException sqlite
                ? SqliteFailure.Translate(sqlite, _file.Path, _tip.Sequence + 1)
                : new LedgerFailedException($"The ledger {_file.Path} failed: {failure.Message}", failure));
        }

        _tip = tip;
        Mark(tip);
        foreach (var pending in batch)
        {
            pending.Durable.SetResult(pending.Last);
        }

        return null;
    }

    private void RollBack()
    {
        try
        {
            _rollback.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, as it does on a full disk, or the file is beyond that.
        }
    }

    private void Mark(LedgerTip tip)
    {
        try
        {
            _file.Mark.Write(tip);
        }
        catch (IOException)
        {
            // The rows are durable; an old mark only shows less.
        }
    }

    private LedgerTip Write(LedgerTip tip, LedgerEntry entry)
    {
        var sequence = tip.Sequence + 1;
        var hash = LedgerChain.Hash(tip.Hash, sequence, entry.Kind, entry.Key, entry.Body.Span);
        var hashBytes = new byte[32];
        hash.CopyTo(hashBytes);
        _insert.Parameters[0].Value = sequence;
        _insert.Parameters[1].Value = entry.Kind;
        _insert.Parameters[2].Value = entry.Key;
        _insert.Parameters[3].Value = entry.Body.ToArray();
        _insert.Parameters[4].Value = hashBytes;
        _insert.ExecuteNonQuery();
        return new LedgerTip(sequence, hash);
    }

    private void Keep(Pending pending)
    {
        if (pending.Note is { } note)
        {
            _note.Parameters[0].Value = pending.Last;
            _note.Parameters[1].Value = (long)note.UntilMs;
            _note.Parameters[2].Value = note.Body.ToArray();
            _note.ExecuteNonQuery();
        }

        if (pending.ForgetMs is { } now)
        {
            _forget.Parameters[0].Value = (long)Math.Min(now, long.MaxValue);
            _forget.ExecuteNonQuery();
        }
    }

    private void Fail(List<Pending> batch, LedgerException failure)
    {
        List<Pending> waiting;
        lock (_guard)
        {
            _failure = failure;
            waiting = [.. _queue];
            _queue.Clear();
        }

        batch.ForEach(pending => pending.Durable.SetException(failure));
        waiting.ForEach(pending => pending.Durable.SetException(Refused(failure)));
    }

    private sealed class Pending(IReadOnlyList<LedgerEntry> entries, LedgerNote? note, ulong? forgetMs)
    {
        public LedgerNote? Note { get; } = note;

        public ulong? ForgetMs { get; } = forgetMs;

        public IReadOnlyList<LedgerEntry> Entries { get; } = entries;

        public long Bytes { get; } = entries.Sum(entry => (long)entry.Body.Length) + (note?.Body.Length ?? 0);

        public long Last { get; set; }

        public TaskCompletionSource<long> Durable { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
