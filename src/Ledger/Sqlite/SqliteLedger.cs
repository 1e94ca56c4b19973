using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Souk.Protocol;

namespace Souk.Ledger.Sqlite;

/// <summary>
/// A ledger in one SQLite file (WAL, synchronous=FULL). One writer thread commits all waiting appends in a single
/// transaction, so that many requests share one sync of the disk. Only one process may have it open.
/// </summary>
public sealed class SqliteLedger : ILedger
{
    private const int RowsPerPage = 256;

    private readonly LedgerFile _file;
    private readonly SqliteConnection _reader;
    private readonly GroupCommit _writer;
    private readonly Lock _reading = new();
    private bool _disposed;

    private SqliteLedger(LedgerFile file, SqliteConnection reader, GroupCommit writer)
    {
        _file = file;
        _reader = reader;
        _writer = writer;
    }

    /// <inheritdoc/>
    public long Sequence => _writer.Tip.Sequence;

    /// <inheritdoc/>
    public Bytes32 Head => _writer.Tip.Hash;

    /// <inheritdoc/>
    public LedgerException? Obstacle => _writer.Obstacle;

    /// <summary>
    /// Opens the ledger at <paramref name="path"/>, or makes an empty one there (mode 0600), and verifies every row.
    /// </summary>
    /// <exception cref="LedgerInUseException">It is open elsewhere.</exception>
    /// <exception cref="LedgerCorruptException">A row is not what was appended.</exception>
    /// <exception cref="LedgerBehindException">Rows that were durable here are gone.</exception>
    /// <exception cref="LedgerFormatException">It is no ledger, or of an unknown format version.</exception>
    /// <exception cref="LedgerFullException">The disk is full.</exception>
    /// <exception cref="LedgerFailedException">It cannot be read or written.</exception>
    /// <param name="path">The file; its folder is made if need be. Its lock and log stand beside it.</param>
    /// <param name="maxBytes">
    /// The size beyond which the file does not grow: an append that would need more fails as on a full disk. Null
    /// for no bound but the disk's.
    /// </param>
    public static SqliteLedger Open(string path, long? maxBytes = null)
    {
        var file = LedgerFile.Take(path);
        SqliteConnection? writing = null;
        SqliteConnection? reading = null;
        try
        {
            writing = file.Connect(SqliteOpenMode.ReadWrite);
            LedgerSchema.Prepare(writing);
            var tip = LedgerSchema.VerifyAll(writing);
            CheckMark(writing, file, tip);
            LedgerSchema.Migrate(writing);
            LedgerSchema.BoundSize(writing, maxBytes);
            reading = file.Connect(SqliteOpenMode.ReadOnly);
            return new SqliteLedger(file, reading, new GroupCommit(writing, tip, file));
        }
        catch (Exception failure)
        {
            reading?.Dispose();
            writing?.Dispose();
            file.Dispose();
            if (failure is SqliteException sqlite)
            {
                throw SqliteFailure.Translate(sqlite, file.Path, nextSequence: 1);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public Task<long> AppendAsync(IReadOnlyList<LedgerEntry> entries, LedgerNote? note = null)
    {
        LedgerLimits.Check(entries, note);
        return _writer.Enqueue(entries, note);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerRow> ReadAsync(
        long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterSequence);
        var last = Sequence;
        var at = afterSequence;
        if (at >= last)
        {
            yield break;
        }

        var previous = HashOf(at);
        while (at < last)
        {
            cancellation.ThrowIfCancellationRequested();
            // Pages, not one long query: a read transaction held open would keep the WAL from being checkpointed.
            var page = Page(at, Math.Min(last, at + RowsPerPage));
            if (page.Count == 0)
            {
                throw new LedgerCorruptException(at + 1, "it is missing");
            }

            foreach (var row in page)
            {
                LedgerChain.Verify(row, at, previous);
                (at, previous) = (row.Sequence, row.Hash);
                yield return row;
            }

            await Task.Yield();
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerRow>> FindAsync(string key, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(key);
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<LedgerRow>>(Read(connection => LedgerSchema.Find(connection, key)));
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> FindNoteAsync(string key, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(key);
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult(Read(connection => LedgerSchema.FindNote(connection, key)));
    }

    /// <inheritdoc/>
    public Task ForgetNotesAsync(ulong nowMs) => _writer.Enqueue([], null, nowMs);

    /// <summary>Commits what waits, then closes the file and lets another process have it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _writer.StopAsync();
        lock (_reading)
        {
            _reader.Dispose();
        }

        _writer.Dispose();
        _file.Dispose();
    }

    private static void CheckMark(SqliteConnection connection, LedgerFile file, LedgerTip tip)
    {
        if (file.Mark.Read() is { } mark)
        {
            if (mark.Sequence > tip.Sequence)
            {
                throw new LedgerBehindException(file.Path, tip.Sequence, mark.Sequence);
            }

            if (mark.Sequence > 0 && LedgerSchema.HashOf(connection, mark.Sequence) != mark.Hash)
            {
                throw new LedgerCorruptException(
                    mark.Sequence, "another row was written here under this number; the file is another's copy");
            }
        }

        file.Mark.Write(tip);
    }

    private Bytes32 HashOf(long sequence) =>
        sequence == 0
            ? LedgerChain.Genesis
            : Read(connection => LedgerSchema.HashOf(connection, sequence))
                ?? throw new LedgerCorruptException(sequence, "it is missing");

    private List<LedgerRow> Page(long after, long upTo) =>
        Read(connection => LedgerSchema.Rows(connection, after, upTo).ToList());

    private T Read<T>(Func<SqliteConnection, T> query)
    {
        lock (_reading)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            try
            {
                return query(_reader);
            }
            catch (SqliteException failure)
            {
                throw SqliteFailure.Translate(failure, _file.Path, nextSequence: 1);
            }
        }
    }
}
