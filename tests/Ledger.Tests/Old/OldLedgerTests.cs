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
    public async Task A_ledger_from_before_keys_had_limits_opens_and_goes_on()
    {
        var path = Path.Combine(_folder, "gateway.ledger");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Old", "before-limits.ledger"), path);
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

        await using var again = SqliteLedger.Open(path);
        var book = (await Journal.OpenAsync<CustomerBook>(again, default)).Book;
        Assert.Equal((21L, Units(310)), (again.Sequence, book.ApiKeys[Hash("key")].Spent));
        Assert.Equal(Bounded.BudgetPerDay, book.ApiKeys[Hash("key")].Limits.BudgetPerDay);
        Assert.Equal(Units(350), book.Uses.Values.Aggregate(KeyUse.Nothing, KeyUse.Add).Charged);
    }
}
