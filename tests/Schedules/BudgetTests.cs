using System.Numerics;
using System.Text.Json;
using Souk.Gateway.Keys;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Schedules.Exploring;

namespace Souk.Schedules;

/// <summary>Three requests at a budget that holds any one of them, and not any two.</summary>
[Collection(Explorer.OneByOne)]
public sealed class BudgetTests
{
    private const ulong Budget = 100;
    private const ulong NowMs = 1_800_000_000_000;
    private static readonly Bytes32 KeyHash = Hash("key");

    private delegate Task<Refusal?> Reserving(Journal<CustomerBook> journal, RequestId request, Amount worst);

    [Fact]
    public void A_budget_is_never_overspent() =>
        Explorer.Passes(nameof(A_budget_is_never_overspent), () => RunAsync(ReserveAsync));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_store_that_fails_acknowledges_nothing_more(int append) => Explorer.Passes(
        $"{nameof(A_store_that_fails_acknowledges_nothing_more)}, {append}", () => RunAsync(ReserveAsync, append));

    [Fact]
    public void Deciding_outside_of_the_lock_is_found() => Explorer.Finds(
        "The reservation is more than the budget has left.", nameof(Deciding_outside_of_the_lock_is_found),
        () => RunAsync(ReserveOutsideAsync));

    private static async Task RunAsync(Reserving reserve, int failing = 0)
    {
        var ledger = new StepLedger<CustomerBook>(States.Of, failing);
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, default);
        await journal.RecordAsync(new ApiKeyCreated(KeyHash, "one", Units(Budget), null, NowMs));
        // An array, since the explorer does not know the overload that takes a span.
        Task<ulong>[] requests =
        [
            Task.Run(() => RequestAsync(journal, ledger, reserve, 1, 60, 30)),
            Task.Run(() => RequestAsync(journal, ledger, reserve, 2, 50, 0)),
            Task.Run(() => RequestAsync(journal, ledger, reserve, 3, 70, 70)),
        ];
        var bills = await Task.WhenAll(requests);

        Look(journal, ledger);
        var (spent, reserved) = CheckRows(ledger.Rows);
        var again = await Journal.OpenAsync<CustomerBook>(ledger, default);
        Assert.Equal(States.Of(again.Book), States.Of(journal.Durable));
        if (failing == 0)
        {
            Assert.Equal(States.Of(again.Book), States.Of(journal.Book));
            Assert.Equal((bills.Aggregate(BigInteger.Zero, (sum, bill) => sum + bill), BigInteger.Zero),
                (spent, reserved));
        }
        else
        {
            Assert.True(ledger.Rows.Count < failing, "Rows were acknowledged after the failure.");
            Assert.True(bills.Aggregate(BigInteger.Zero, (sum, bill) => sum + bill) <= spent);
        }
    }

    // As the gateway does: by the newest book, under its lock.
    private static Task<Refusal?> ReserveAsync(Journal<CustomerBook> journal, RequestId request, Amount worst) =>
        journal.RecordAsync(book => KeyStanding.Reserve(book, KeyHash, request, worst, NowMs)
            .TryGet(out var reserved, out var poor)
                ? new LedgerEvent[] { reserved }
                : poor);

    // The planted mistake: by a book that may be an old one when its decision is recorded.
    private static async Task<Refusal?> ReserveOutsideAsync(
        Journal<CustomerBook> journal, RequestId request, Amount worst)
    {
        if (!KeyStanding.Reserve(journal.Book, KeyHash, request, worst, NowMs).TryGet(out var reserved, out var poor))
        {
            return poor;
        }

        await journal.RecordAsync(reserved);
        return null;
    }

    // What it was billed, once that is durable.
    private static async Task<ulong> RequestAsync(
        Journal<CustomerBook> journal, StepLedger<CustomerBook> ledger, Reserving reserve, int number, ulong worst,
            ulong bill)
    {
        var request = Numbered.Request(number);
        try
        {
            Look(journal, ledger);
            if (await reserve(journal, request, Units(worst)) is { } refusal)
            {
                Assert.Equal("insufficient_quota", refusal.Code);
                return 0;
            }

            // What was acknowledged may be acted on.
            Assert.Contains(ledger.Rows, row => row.Kind == "budget_reserved" && row.Key == request.ToString());
            Assert.True(journal.Durable.Reservations.ContainsKey(request));
            Look(journal, ledger);
            await Task.Yield();
            await journal.RecordAsync(bill == 0
                ? new BudgetReleased(request, KeyHash, NowMs)
                : new BudgetCharged(request, KeyHash, Units(bill), NowMs));
            Assert.False(journal.Durable.Reservations.ContainsKey(request));
            Look(journal, ledger);
            return bill;
        }
        catch (LedgerFailedException)
        {
            Look(journal, ledger);
            return 0;
        }
    }

    private static void Look(Journal<CustomerBook> journal, StepLedger<CustomerBook> ledger)
    {
        // Durable is read first: whatever it says was acknowledged by then.
        var durable = journal.Durable;
        Assert.True(ledger.HasAcknowledged(durable), "Durable runs ahead of the store.");
        foreach (var book in new[] { durable, journal.Book })
        {
            var account = book.ApiKeys[KeyHash];
            var reserved = book.Reservations.Values.Aggregate(
                BigInteger.Zero, (sum, one) => sum + (BigInteger)one.Amount.Units);
            Assert.Equal(reserved, (BigInteger)account.Reserved.Units);
            Assert.True(reserved + account.Spent.Units <= Budget, $"{account.Spent} + {reserved}");
        }
    }

    // By the rows' own texts: after each of them, and so at any moment.
    private static (BigInteger Spent, BigInteger Reserved) CheckRows(IReadOnlyList<LedgerRow> rows)
    {
        var held = new Dictionary<string, BigInteger>(StringComparer.Ordinal);
        var (spent, reserved) = (BigInteger.Zero, BigInteger.Zero);
        foreach (var row in rows)
        {
            using var body = JsonDocument.Parse(row.Body);
            switch (row.Kind)
            {
                case "budget_reserved":
                    held.Add(row.Key, Numbered.Units(body.RootElement, "reserved"));
                    reserved += held[row.Key];
                    break;
                case "budget_charged":
                    spent += Numbered.Units(body.RootElement, "charged");
                    reserved -= held[row.Key];
                    break;
                case "budget_released":
                    reserved -= held[row.Key];
                    break;
            }

            Assert.True(spent + reserved <= Budget, $"{spent} spent and {reserved} reserved");
        }

        return (spent, reserved);
    }
}
