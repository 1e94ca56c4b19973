using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Books;

/// <summary>Limits of API keys, their budgets per day, and what they used.</summary>
public sealed class KeyBookTests
{
    private const ulong Day = 86_400_000;
    private static readonly Bytes32 KeyHash = Hash("key");
    private static readonly UseKey Use = new(default, KeyHash, "demo");

    private static readonly CustomerBook Daily = CustomerBook.Empty.Apply(
        new ApiKeyCreated(KeyHash, "team", Units(1_000), null, 1, new KeyLimits(Units(300))));

    private static readonly CustomerBook Open = Daily
        .Apply(new ChannelOpened(Channel, AddressOf(9), Config, Units(10_000), 1))
        .Apply(new AcceptanceAdopted(Accepted(), 2));

    [Fact]
    public void A_days_budget_counts_bills_by_the_day_and_reservations_on_any()
    {
        var book = Daily.Apply(new BudgetReserved(Request(1), KeyHash, Units(200), Day - 2));
        Assert.Equal(Units(100), Left(book, Day - 1));
        // Reserved before midnight: until it is billed it counts on the next day, too.
        Assert.Equal(Units(100), Left(book, Day));
        Breaks(book, new BudgetReserved(Request(2), KeyHash, Units(101), Day));
        book = book.Apply(new BudgetReserved(Request(2), KeyHash, Units(100), Day))
            .Apply(new BudgetCharged(Request(1), KeyHash, Units(150), Day + 1));
        Assert.Equal(Units(50), Left(book, Day + 2));
        Assert.Equal(Units(200), Left(book, 2 * Day));
        Assert.Equal((Units(150), Units(0)), (SpentOn(book, Day), SpentOn(book, 2 * Day)));
    }

    [Fact]
    public void A_clock_that_was_set_back_opens_no_new_day()
    {
        var book = Daily.Apply(new BudgetReserved(Request(1), KeyHash, Units(300), 5 * Day))
            .Apply(new BudgetCharged(Request(1), KeyHash, Units(300), 5 * Day));
        Assert.Equal(Units(0), Left(book, 4 * Day));
        Breaks(book, new BudgetReserved(Request(2), KeyHash, Units(1), 4 * Day));
    }

    [Fact]
    public void The_whole_budget_bounds_every_day()
    {
        var book = Daily;
        for (var day = 1UL; day <= 3; day++)
        {
            book = book.Apply(new BudgetReserved(Request((int)day), KeyHash, Units(300), day * Day))
                .Apply(new BudgetCharged(Request((int)day), KeyHash, Units(300), day * Day));
        }

        Assert.Equal(Units(100), Left(book, 9 * Day));
    }

    [Fact]
    public void A_changed_key_keeps_what_it_spent()
    {
        var book = Daily.Apply(new BudgetReserved(Request(1), KeyHash, Units(200), 2))
            .Apply(new ApiKeyChanged(KeyHash, "other", Units(150), 9_000, Bounded, 3));
        var key = book.ApiKeys[KeyHash];
        Assert.Equal(("other", 9_000UL, Bounded), (key.Name, key.ExpiresAtMs, key.Limits));
        // Lowered below what is reserved: there is nothing left, and what is reserved may still be billed.
        Assert.Equal(Units(0), Left(book, 4));
        book = book.Apply(new BudgetCharged(Request(1), KeyHash, Units(200), 5));
        Assert.Equal((Units(200), Units(0)), (book.ApiKeys[KeyHash].Spent, Left(book, 6)));
        Breaks(Daily, new ApiKeyChanged(Hash("no key"), "x", Units(1), null, KeyLimits.None, 3));
        Breaks(Daily.Apply(new ApiKeyRevoked(KeyHash, 3)),
            new ApiKeyChanged(KeyHash, "x", Units(1), null, KeyLimits.None, 4));
    }

    [Fact]
    public void Use_is_what_receipts_count_and_bills_charge()
    {
        var book = Paid(Open, 1, 100, 100, model: "demo");
        Assert.Equal(new KeyUse(1, 100, 20, 30, Units(100), Units(100)), book.Uses[Use]);
        book = Paid(book, 2, 50, 150, model: "demo");
        Assert.Equal(new KeyUse(2, 200, 40, 60, Units(150), Units(150)), Assert.Single(book.Uses).Value);
        Assert.Equal(book.ApiKeys[KeyHash].Spent, book.Uses[Use].Billed);
    }

    [Fact]
    public void A_receipt_that_comes_after_the_release_is_the_gateways_own_cost()
    {
        var book = Sent(Open, 1, "demo").Apply(new BudgetReleased(Request(1001), KeyHash, 3))
            .Apply(new ReceiptReceived(Receipt(1, 1, 40, 40), 4));
        Assert.Equal(
            (Use with { KeyHash = Bytes32.Zero }, new KeyUse(1, 100, 20, 30, Units(40), Units(0))), Only(book));
    }

    [Fact]
    public void Rows_from_before_names_were_written_are_added_up_by_the_models_digest()
    {
        var (at, use) = Only(Paid(Open, 1, 100, 100, model: null));
        Assert.Equal((Model.ToString(), Units(100), Units(100)), (at.Model, use.Charged, use.Billed));
    }

    [Fact]
    public void Use_is_forgotten_after_its_days_and_money_never()
    {
        var book = Paid(Open, 1, 100, 100, model: "demo");
        Assert.Single(book.Forget((CustomerBook.UseDays * Day) - 1).Uses);
        var later = book.Forget(CustomerBook.UseDays * Day);
        Assert.Empty(later.Uses);
        Assert.Equal(Units(100), later.ApiKeys[KeyHash].Spent);
    }

    private static CustomerBook Paid(CustomerBook book, int number, ulong charge, ulong cumulative, string? model) =>
        Sent(book, number, model)
            .Apply(new ReceiptReceived(Receipt(number, (ulong)number, charge, cumulative), 4))
            .Apply(new BudgetCharged(Request(1000 + number), KeyHash, Units(charge), 4));

    private static CustomerBook Sent(CustomerBook book, int number, string? model) => book
        .Apply(new BudgetReserved(Request(1000 + number), KeyHash, Units(200), 2))
        .Apply(Issued(number, (ulong)number, 500))
        .Apply(Rows.Samples.Sent(number, (ulong)number) with { Model = model });

    private static (UseKey, KeyUse) Only(CustomerBook book)
    {
        var (at, use) = Assert.Single(book.Uses);
        return (at, use);
    }

    private static Amount Left(CustomerBook book, ulong atMs) =>
        book.ApiKeys[KeyHash].AvailableOn(UtcDay.Of(atMs));

    private static Amount SpentOn(CustomerBook book, ulong atMs) => book.ApiKeys[KeyHash].SpentOn(UtcDay.Of(atMs));

    private static void Breaks(CustomerBook book, LedgerEvent happened) =>
        Assert.Throws<InvalidOperationException>(() => book.Apply(happened));
}
