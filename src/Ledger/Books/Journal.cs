using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Books;

/// <summary>Opens journals.</summary>
public static class Journal
{
    /// <summary>Rebuilds the book by replaying the ledger. The caller keeps and disposes the ledger.</summary>
    /// <exception cref="LedgerException">The ledger is corrupt or of a later version.</exception>
    public static async Task<Journal<TBook>> OpenAsync<TBook>(ILedger ledger, CancellationToken cancellation)
        where TBook : class, IBook<TBook>
    {
        ArgumentNullException.ThrowIfNull(ledger);
        var book = TBook.Empty;
        await foreach (var row in ledger.ReadAsync(0, cancellation))
        {
            var happened = RowCodec.ToEvent(row);
            try
            {
                book = book.Apply(happened);
            }
            catch (InvalidOperationException broken)
            {
                throw new LedgerCorruptException(
                    row.Sequence, $"it cannot follow the rows before it ({broken.Message})", broken);
            }
        }

        return new Journal<TBook>(ledger, book);
    }
}

/// <summary>
/// A ledger and its book kept in step. Deciding, applying and queueing the append happen under one lock, so two
/// requests can never both spend the last of a budget, and rows stand in the order in which they were decided.
/// </summary>
/// <remarks>
/// The book runs ahead of the disk: what it says may be acted on inside the process, but nothing may leave before the
/// task of the append that it rests on has completed. When an append fails the book is ahead of the ledger for good;
/// the ledger then refuses everything until it is opened again, and so does the journal.
/// </remarks>
public sealed class Journal<TBook>
    where TBook : class, IBook<TBook>
{
    private const int MostDeferred = 256;
    private readonly ILedger _ledger;
    // A plain object: the tool that explores schedules does not know the newer lock.
    private readonly object _guard = new();
    private readonly List<LedgerEntry> _deferred = [];
    private volatile TBook _book;
    private volatile TBook _durable;
    private Task _lastAppend = Task.CompletedTask;
    private long _decided;
    private long _written;

    internal Journal(ILedger ledger, TBook book)
    {
        _ledger = ledger;
        _book = book;
        _durable = book;
    }

    /// <summary>The newest book, including what is still being written.</summary>
    public TBook Book => _book;

    /// <summary>The newest book that is wholly on the disk: what may be shown to others.</summary>
    public TBook Durable => _durable;

    /// <summary>The ledger beneath, for reading.</summary>
    public ILedger Ledger => _ledger;

    /// <summary>Why nothing new may be promised now: the ledger cannot be written. Null where it can. Nobody outside
    /// needs to know more.</summary>
    public Refusal? Stalled => _ledger.Obstacle is null
        ? null
        : new Refusal(
            Fault.Ours, "ledger_unavailable",
            "This node cannot write down what it promises at the moment (its disk is full or refuses writes), so it "
            + "promises nothing. Try again later.");

    /// <summary>Drops from the book what nobody can ask for any more; the ledger keeps it.</summary>
    /// <param name="nowMs">Unix milliseconds.</param>
    public void Forget(ulong nowMs)
    {
        lock (_guard)
        {
            _book = _book.Forget(nowMs);
            _durable = _durable.Forget(nowMs);
        }
    }

    /// <summary>Drops now, and now and then, what nobody can ask for any more, until cancelled.</summary>
    public async Task ForgetAsync(TimeSpan every, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(time);
        while (true)
        {
            var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
            Forget(now);
            await _ledger.ForgetNotesAsync(now);
            await Task.Delay(every, time, cancellation);
        }
    }

    /// <summary>Records events that no decision depends on. Completes when they are durable.</summary>
    /// <exception cref="InvalidOperationException">An event cannot follow; nothing was recorded.</exception>
    /// <exception cref="LedgerException">The ledger failed.</exception>
    public Task RecordAsync(params LedgerEvent[] events) => RecordAsync(null, events);

    /// <summary>As the other, with a note that is durable together with the events.</summary>
    public async Task RecordAsync(LedgerNote? note, params LedgerEvent[] events)
    {
        var refusal = await RecordAsync(_ => (Result<LedgerEvent[]>)events, note);
        if (refusal is not null)
        {
            throw new InvalidOperationException(refusal.Message);
        }
    }

    /// <summary>Records an event whose loss in a crash harms nobody but this side: it is written with whatever is
    /// recorded next, be it nothing, which saves a sync of the disk.</summary>
    /// <exception cref="InvalidOperationException">The event cannot follow; nothing was recorded.</exception>
    public void Defer(LedgerEvent happened)
    {
        lock (_guard)
        {
            _book = _book.Apply(happened);
            _deferred.Add(RowCodec.ToEntry(happened));
            if (_deferred.Count == MostDeferred)
            {
                Append([], null);
            }
        }
    }

    /// <summary>
    /// Decides on the newest book and records what was decided, atomically. Completes when it is durable and gives
    /// null, or gives the refusal when nothing was recorded. An empty array records nothing more, and completes when
    /// all that it was decided on is durable.
    /// </summary>
    /// <param name="decide">Quick and without I/O or calls to this journal; it runs under the lock.</param>
    /// <exception cref="InvalidOperationException">An event cannot follow; nothing was recorded.</exception>
    /// <exception cref="LedgerException">The ledger failed.</exception>
    /// <param name="note">Kept where anything is recorded, in the same append.</param>
    public async Task<Refusal?> RecordAsync(Func<TBook, Result<LedgerEvent[]>> decide, LedgerNote? note = null)
    {
        ArgumentNullException.ThrowIfNull(decide);
        if (!Decide(decide, note).TryGet(out var durable, out var refusal))
        {
            return refusal;
        }

        await durable;
        return null;
    }

    /// <summary>As the other, for a decision that also yields a value (a signed voucher, a reservation).</summary>
    public async Task<Result<T>> RecordAsync<T>(Func<TBook, Result<(LedgerEvent[] Events, T Value)>> decide)
    {
        if (!Decide(decide).TryGet(out var decided, out var refusal))
        {
            return refusal;
        }

        await decided.Durable;
        return decided.Value;
    }

    /// <summary>As <see cref="RecordAsync{T}"/>, without the wait: for work that may begin at once, as long as nothing
    /// of it leaves before <c>Durable</c> has completed. That task fails as the append does.</summary>
    /// <exception cref="InvalidOperationException">An event cannot follow; nothing was recorded.</exception>
    public Result<(T Value, Task Durable)> Decide<T>(Func<TBook, Result<(LedgerEvent[] Events, T Value)>> decide)
    {
        ArgumentNullException.ThrowIfNull(decide);
        var value = default(T)!;
        var queued = Decide(
            book =>
            {
                if (!decide(book).TryGet(out var decision, out var refused))
                {
                    return refused;
                }

                value = decision.Value;
                return decision.Events;
            },
            null);
        return queued.TryGet(out var durable, out var refusal) ? (value, durable) : refusal;
    }

    // Decides and queues the append under the lock; the task completes when all of it is durable.
    private Result<Task> Decide(Func<TBook, Result<LedgerEvent[]>> decide, LedgerNote? note)
    {
        lock (_guard)
        {
            if (!decide(_book).TryGet(out var events, out var refusal))
            {
                return refusal;
            }

            var next = events.Aggregate(_book, (book, happened) => book.Apply(happened));
            if (events.Length + _deferred.Count > 0)
            {
                Append(events, note);
            }

            _book = next;
            return WrittenAsync(_lastAppend, next, ++_decided);
        }
    }

    private async Task WrittenAsync(Task append, TBook next, long order)
    {
        await append;
        lock (_guard)
        {
            if (order > _written)
            {
                _written = order;
                _durable = next;
            }
        }
    }

    private void Append(LedgerEvent[] events, LedgerNote? note)
    {
        _lastAppend = _ledger.AppendAsync([.. _deferred, .. events.Select(RowCodec.ToEntry)], note);
        _deferred.Clear();
    }
}
