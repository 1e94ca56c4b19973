using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Stores;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Books;

public sealed class JournalTests
{
    private static readonly Bytes32 KeyHash = Hash("key");
    private static readonly ApiKeyCreated Created = new(KeyHash, "team", Units(1_000), null, 1);
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryStore _store = new();

    [Fact]
    public async Task A_budget_is_never_spent_twice_by_requests_at_the_same_time()
    {
        await using var ledger = Open();
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        await journal.RecordAsync(Created);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => journal.RecordAsync(book =>
            book.ApiKeys[KeyHash].AvailableOn(default) >= Units(300)
                ? (Result<LedgerEvent[]>)new LedgerEvent[] { new BudgetReserved(Request(i), KeyHash, Units(300), 2) }
                : new Refusal(Fault.Theirs, "insufficient_quota", "No."))));
        Assert.Equal(3, outcomes.Count(refusal => refusal is null));
        Assert.Equal(Units(100), journal.Durable.ApiKeys[KeyHash].AvailableOn(default));
        Assert.Equal(4, ledger.Sequence);
    }

    [Fact]
    public async Task A_book_rebuilt_from_the_ledger_is_the_book_that_was_kept()
    {
        CustomerBook kept;
        await using (var ledger = Open())
        {
            var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
            await journal.RecordAsync(
                Created,
                new ChannelOpened(Channel, AddressOf(9), Config, Units(10_000), 1),
                new AcceptanceAdopted(Accepted(), 2));
            await journal.RecordAsync(new BudgetReserved(Request(1), KeyHash, Units(300), 3));
            await journal.RecordAsync(Issued(1, 1, 500), Sent(1, 1));
            await journal.RecordAsync(new ReceiptReceived(Receipt(1, 1, 200, 200), 5));
            kept = journal.Book;
        }

        await using var again = Open();
        var rebuilt = (await Journal.OpenAsync<CustomerBook>(again, None)).Book;
        Assert.Equal(kept.Channels, rebuilt.Channels);
        Assert.Equal(kept.ApiKeys, rebuilt.ApiKeys);
        Assert.Equal(kept.Reservations, rebuilt.Reservations);
        Assert.Equal(kept.Outstanding, rebuilt.Outstanding);
    }

    [Fact]
    public async Task What_is_not_durable_yet_is_in_the_book_but_not_in_the_durable_one()
    {
        var ledger = _store.Open(TimeProvider.System, TimeSpan.FromDays(1));
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        var recording = journal.RecordAsync(Created);
        var nothing = journal.RecordAsync(_ => (Result<LedgerEvent[]>)Array.Empty<LedgerEvent>());
        Assert.True(journal.Book.ApiKeys.ContainsKey(KeyHash));
        Assert.False(journal.Durable.ApiKeys.ContainsKey(KeyHash));
        Assert.False(recording.IsCompleted);
        // Deciding that there is nothing to do rests on what is still being written.
        Assert.False(nothing.IsCompleted);
        _store.Crash();
        await using var again = Open();
        Assert.Empty((await Journal.OpenAsync<CustomerBook>(again, None)).Book.ApiKeys);
    }

    [Fact]
    public async Task What_is_deferred_is_in_the_book_at_once_and_written_before_what_is_recorded_next()
    {
        await using var ledger = Open();
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        journal.Defer(Created);
        Assert.True(journal.Book.ApiKeys.ContainsKey(KeyHash));
        Assert.False(journal.Durable.ApiKeys.ContainsKey(KeyHash));
        await Task.Yield();
        Assert.Equal((0, 0), (ledger.Sequence, _store.Syncs));

        await journal.RecordAsync(new BudgetReserved(Request(1), KeyHash, Units(300), 3));

        Assert.Equal((2, 1), (ledger.Sequence, _store.Syncs));
        Assert.Equal(Units(300), journal.Durable.ApiKeys[KeyHash].Reserved);
        Assert.Throws<InvalidOperationException>(() => journal.Defer(Created));
    }

    [Fact]
    public async Task Nothing_recorded_makes_what_was_deferred_durable_and_very_much_is_written_by_itself()
    {
        await using var ledger = Open();
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        journal.Defer(Created);
        await journal.RecordAsync();
        Assert.Equal(1, ledger.Sequence);

        for (var i = 0; i < 2_000; i++)
        {
            journal.Defer(new ApiKeyCreated(Hash($"key {i}"), "other", Units(1), null, 1));
        }

        await journal.RecordAsync();
        Assert.Equal(2_001, ledger.Sequence);
        Assert.Equal(2_001, journal.Durable.ApiKeys.Count);
    }

    [Fact]
    public async Task An_append_that_survived_unacknowledged_is_in_the_rebuilt_book()
    {
        var ledger = _store.Open(TimeProvider.System, TimeSpan.FromDays(1));
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        _ = journal.RecordAsync(Created);
        _ = journal.RecordAsync(new BudgetReserved(Request(1), KeyHash, Units(300), 3));
        _store.Crash(surviving: 1);
        await using var again = Open();
        var book = (await Journal.OpenAsync<CustomerBook>(again, None)).Book;
        Assert.Single(book.ApiKeys);
        Assert.Empty(book.Reservations);
    }

    [Fact]
    public async Task An_event_that_cannot_follow_is_not_written_and_changes_nothing()
    {
        await using var ledger = Open();
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        await journal.RecordAsync(Created);
        var before = journal.Book;
        await Assert.ThrowsAsync<InvalidOperationException>(() => journal.RecordAsync(
            new BudgetReserved(Request(1), KeyHash, Units(300), 3),
            new BudgetReserved(Request(2), KeyHash, Units(900), 3)));
        Assert.Same(before, journal.Book);
        Assert.Equal(1, ledger.Sequence);
    }

    [Fact]
    public async Task A_decision_hands_out_its_value_or_its_refusal()
    {
        await using var ledger = Open();
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        var made = await journal.RecordAsync<string>(_ => (new LedgerEvent[] { Created }, "made"));
        Assert.Equal("made", made.Value);
        var refused = await journal.RecordAsync<string>(_ => new Refusal(Fault.Ours, "no", "No."));
        Assert.Equal("no", refused.Refusal?.Code);
        Assert.Equal(1, ledger.Sequence);
    }

    [Fact]
    public async Task On_a_full_disk_the_journal_says_so_and_goes_on_once_there_is_room()
    {
        await using var ledger = Open();
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, None);
        Assert.Null(journal.Stalled);
        _store.IsFull = true;
        var waiting = journal.RecordAsync(Created);
        while (journal.Stalled is null)
        {
            await Task.Delay(1);
        }

        Assert.Equal((Fault.Ours, "ledger_unavailable"), (journal.Stalled.Fault, journal.Stalled.Code));
        Assert.Empty(journal.Durable.ApiKeys);
        Assert.False(waiting.IsCompleted);
        _store.IsFull = false;
        await waiting;
        await journal.RecordAsync(new ApiKeyCreated(Hash("other"), "other", Units(1), null, 1));
        Assert.Equal((2L, 2, null), (ledger.Sequence, journal.Durable.ApiKeys.Count, journal.Stalled));
    }

    [Fact]
    public async Task Rows_that_cannot_follow_one_another_are_a_corrupt_ledger()
    {
        await using var ledger = Open();
        await ledger.AppendAsync([RowCodec.ToEntry(Created), RowCodec.ToEntry(Created)]);
        var corrupt = await Assert.ThrowsAsync<LedgerCorruptException>(
            () => Journal.OpenAsync<CustomerBook>(ledger, None));
        Assert.Equal(2, corrupt.Sequence);
    }

    private MemoryLedger Open() => _store.Open(TimeProvider.System, TimeSpan.Zero);
}
