using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Schedules.Exploring;

/// <summary>
/// A store whose appends take a while and are acknowledged in their order; the explorer decides when. Knows every state
/// that it has ever acknowledged.
/// </summary>
/// <param name="failing">The number of the append that fails, from 1, with all that follow it; 0 for none.</param>
/// <param name="describe">Tells a book from others.</param>
internal sealed class StepLedger<TBook>(Func<TBook, string> describe, int failing = 0) : ILedger
    where TBook : class, IBook<TBook>
{
    private readonly List<LedgerRow> _rows = [];
    private readonly HashSet<string> _acknowledged = [describe(TBook.Empty)];
    private TBook _replayed = TBook.Empty;
    private Task _last = Task.CompletedTask;
    private int _appends;

    public long Sequence => _rows.Count;

    public Bytes32 Head => _rows.Count == 0 ? LedgerChain.Genesis : _rows[^1].Hash;

    public LedgerException? Obstacle => null;

    /// <summary>What is durable.</summary>
    public IReadOnlyList<LedgerRow> Rows => _rows;

    /// <summary>Whether the rows that were durable after some append replay to this book.</summary>
    public bool HasAcknowledged(TBook book) => _acknowledged.Contains(describe(book));

    // The journal calls this under its lock, so that calls come one after another.
    public Task<long> AppendAsync(IReadOnlyList<LedgerEntry> entries, LedgerNote? note = null)
    {
        var write = WriteAsync(_last, entries, ++_appends);
        _last = write;
        return write;
    }

    public async IAsyncEnumerable<LedgerRow> ReadAsync(
        long afterSequence, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask;
        foreach (var row in _rows.Skip((int)afterSequence))
        {
            yield return row;
        }
    }

    public Task<IReadOnlyList<LedgerRow>> FindAsync(string key, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<LedgerRow>>(_rows.FindAll(row => row.Key == key));

    public Task<ReadOnlyMemory<byte>?> FindNoteAsync(string key, CancellationToken cancellation) =>
        Task.FromResult<ReadOnlyMemory<byte>?>(null);

    public Task ForgetNotesAsync(ulong nowMs) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<long> WriteAsync(Task before, IReadOnlyList<LedgerEntry> entries, int number)
    {
        await Task.Yield();
        await before;
        await Task.Yield();
        if (number == failing)
        {
            throw new LedgerFailedException("This append was to fail.");
        }

        foreach (var entry in entries)
        {
            var hash = LedgerChain.Hash(Head, Sequence + 1, entry.Kind, entry.Key, entry.Body.Span);
            var row = new LedgerRow(Sequence + 1, entry.Kind, entry.Key, entry.Body, hash);
            _rows.Add(row);
            _replayed = _replayed.Apply(RowCodec.ToEvent(row));
        }

        _acknowledged.Add(describe(_replayed));
        return Sequence;
    }
}
