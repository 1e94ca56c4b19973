using Microsoft.Data.Sqlite;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Old;

/// <summary>A ledger that earlier code wrote opens, says what it said, and takes new rows.</summary>
public sealed class OldLedgerTests : IDisposable
{
    private const ulong Day = 86_400_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-old-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_ledger_of_version_1_opens_is_brought_to_version_2_and_goes_on()
    {
        var path = Path.Combine(_folder, "gateway.ledger");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Old", "before-limits.ledger"), path);
        Assert.Equal((1L, 0L), (Ask(path, "SELECT version FROM format"), Notes(path)));
        await using (var ledger = SqliteLedger.Open(path))
        {
            Assert.Equal(18, ledger.Sequence);
            var journal = await Journal.OpenAsync<CustomerBook>(ledger, default);
            var key = journal.Book.ApiKeys[Hash("key")];
            Assert.Equal((Units(250), Units(100), KeyLimits.None), (key.Spent, key.Reserved, key.Limits));
            Assert.Equal(Units(250), key.SpentOn(new UtcDay(1)));
            Assert.True(journal.Book.ApiKeys[Hash("other")].IsRevoked);
            Assert.Single(journal.Book.Outstanding);
            // Two receipts: one was billed, one came after its reservation was released.
            var model = Model.ToString();
            Assert.Equal(
                [new UseKey(new(1), Bytes32.Zero, model), new UseKey(new(1), Hash("key"), model)],
                journal.Book.Uses.Keys);
            Assert.Equal(
                new KeyUse(1, 100, 20, 30, Units(250), Units(250)),
                journal.Book.Uses[new UseKey(new(1), Hash("key"), model)]);

            await journal.RecordAsync(
                new ApiKeyChanged(Hash("key"), "team", Units(1_000), null, Bounded, Day + 20),
                new ReceiptReceived(Receipt(3, 3, 60, 350), Day + 21),
                new BudgetCharged(Request(1003), Hash("key"), Units(60), Day + 21));
        }

        Assert.Equal((2L, 1L), (Ask(path, "SELECT version FROM format"), Notes(path)));
        await using var again = SqliteLedger.Open(path);
        var book = (await Journal.OpenAsync<CustomerBook>(again, default)).Book;
        Assert.Equal((21L, Units(310)), (again.Sequence, book.ApiKeys[Hash("key")].Spent));
        Assert.Equal(Bounded.BudgetPerDay, book.ApiKeys[Hash("key")].Limits.BudgetPerDay);
        Assert.Equal(Units(350), book.Uses.Values.Aggregate(KeyUse.Nothing, KeyUse.Add).Charged);
    }

    [Fact]
    public void A_damaged_ledger_of_version_1_stays_as_it_was_found()
    {
        var path = Path.Combine(_folder, "gateway.ledger");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Old", "before-limits.ledger"), path);
        Ask(path, "UPDATE row SET body = x'00' WHERE sequence = 7 RETURNING sequence");
        Assert.Equal(7, Assert.Throws<LedgerCorruptException>(() => SqliteLedger.Open(path)).Sequence);
        Assert.Equal(1L, Ask(path, "SELECT version FROM format"));
    }

    private static object? Notes(string path) => Ask(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'note'");

    private static object? Ask(string path, string question)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return LedgerSchema.Scalar(connection, question);
    }
}
