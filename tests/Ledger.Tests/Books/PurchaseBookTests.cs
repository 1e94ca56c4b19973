using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Books;

public sealed class PurchaseBookTests
{
    private static readonly CustomerBook Open = After(
        CustomerBook.Empty,
        new ApiKeyCreated(Hash("key"), "team", Units(5_000), null, 1),
        new ChannelOpened(Channel, AddressOf(9), Config, Units(10_000), 1),
        new SellerTaken(Channel, "https://seller.example/v1", 2));

    [Fact]
    public void A_purchase_is_charged_below_its_ceiling_and_the_next_may_promise_less()
    {
        var book = After(
            Open, new BudgetReserved(Request(1001), Hash("key"), Units(1_000), 3), Issued(1, 1, 1_000), Buy(1, 1));
        Assert.Equal((CustomerChannelState.Busy, Units(1_000)), (book.Channels[Channel].State, book.Exposure));
        book = After(book, Charged(1, 300, 300), new BudgetCharged(Request(1001), Hash("key"), Units(300), 5));
        var channel = book.Channels[Channel];
        Assert.Equal(
            (CustomerChannelState.Idle, Units(300), Units(1_000)), (channel.State, channel.Base, channel.Ceiling));
        Assert.Empty(book.Purchases);
        var use = book.Uses[new UseKey(UtcDay.Of(4), Hash("key"), "x402/demo")];
        Assert.Equal(
            new KeyUse(1, 20, 0, 30, Units(300), Units(300)), use);

        // What was signed stays signed, so that the exposure does not shrink by a lower voucher.
        book = After(book, Issued(2, 2, 800), Buy(2, 2, 500));
        Assert.Equal(Units(1_000), book.Channels[Channel].Ceiling);
        Breaks(book, Charged(2, 701, 1_001));
        Breaks(book, Charged(2, 500, 801));
        Breaks(book, Charged(1, 500, 800));
        After(book, Charged(2, 500, 800));
    }

    [Fact]
    public void A_voucher_never_goes_below_what_was_charged_or_above_the_deposit()
    {
        var book = After(Open, Issued(1, 1, 1_000), Buy(1, 1), Charged(1, 300, 300));
        Breaks(book, Issued(2, 2, 299));
        Breaks(book, Issued(2, 2, 10_001));
        Breaks(After(book, Issued(2, 2, 1_200)), Buy(2, 2, 901));
        Breaks(book, Buy(2, 2));
    }

    [Fact]
    public void A_lost_purchase_stays_in_doubt_while_others_follow_it()
    {
        var lost = After(Open, Issued(1, 1, 1_000), Buy(1, 1), new PurchaseLost(Request(1), Channel, "cut", 4));
        Assert.Equal(CustomerChannelState.Idle, lost.Channels[Channel].State);
        Assert.Equal(Units(1_000), lost.Exposure);
        Breaks(lost, new PurchaseLost(Request(1), Channel, "cut", 4));

        var next = After(lost, Issued(2, 2, 1_000), Buy(2, 2));
        var refused = After(next, new RequestRefused(Request(2), Channel, "mismatch", 5));
        Assert.Equal(Request(1), refused.Purchases[Channel].Sent.Request);
        var told = After(refused, Charged(1, 250, 250));
        Assert.Equal((Units(250), Units(750)), (told.Channels[Channel].Base, told.Exposure));

        // The next one's answer tells that the lost one cost nothing.
        Assert.Empty(After(next, Charged(2, 400, 400)).Purchases);
    }

    [Fact]
    public void Only_a_sellers_channel_takes_purchases()
    {
        var accepted = After(
            CustomerBook.Empty,
            new ChannelOpened(Channel, AddressOf(9), Config, Units(10_000), 1), new AcceptanceAdopted(Accepted(), 2),
            Issued(1, 1, 1_000));
        Breaks(accepted, Buy(1, 1));
        Breaks(accepted, new SellerTaken(Channel, "https://seller.example/v1", 2));
    }

    private static PurchaseSent Buy(int request, ulong index, ulong most = 1_000) =>
        new(Request(request), Request(1000 + request), Channel, index, Units(most), "x402/demo", 3);

    private static PurchaseCharged Charged(int request, ulong charge, ulong cumulative) =>
        new(Request(request), Channel, Units(charge), Units(cumulative), "response", 20, 30, 4);

    private static CustomerBook After(CustomerBook book, params LedgerEvent[] events) =>
        events.Aggregate(book, (now, happened) => now.Apply(happened));

    private static void Breaks(CustomerBook book, LedgerEvent happened) =>
        Assert.Throws<InvalidOperationException>(() => book.Apply(happened));
}
