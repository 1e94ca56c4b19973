using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Books;

public sealed class ProviderBookTests
{
    private static readonly ProviderBook Ready =
        After(ProviderBook.Empty, Seen(10_000), new AcceptanceSigned(Accepted(), 2));

    private static readonly ProviderBook Working = After(Ready, Taken(1, 500), Admitted(1, 1));

    [Fact]
    public void A_request_goes_from_voucher_to_receipt()
    {
        var book = After(
            Working,
            new PrefillBegun(Request(1), 100, 20, Hash("prompt"), 3), Taken(1, 800, ids: 64),
            new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        var channel = book.Channels[Channel];
        Assert.Equal(
            (Units(300), Units(800), 1UL, (RequestId?)null),
            (channel.Base, channel.Ceiling, channel.Index, channel.Request));
        Assert.Equal((Units(300), Units(300)), (channel.Claimable, book.Earned));
        Assert.False(book.Requests[Request(1)].IsOpen);
        Assert.Empty(book.Open());
    }

    [Fact]
    public void A_repeated_id_never_starts_work()
    {
        Breaks(Working, Admitted(1, 2));
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        Breaks(ended, Admitted(1, 2));
        Breaks(ended, Taken(1, 900));
        After(ended, Taken(2, 900), Admitted(2, 2));
    }

    [Fact]
    public void An_index_is_never_taken_twice()
    {
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5), Taken(2, 900));
        Breaks(ended, Admitted(2, 1));
        After(ended, Admitted(2, 7));
    }

    [Fact]
    public void While_a_refund_is_under_way_nothing_is_admitted_and_no_other_refund_begins()
    {
        var refund = new RefundSubmitted(Channel, Units(9_700), 0, 6);
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        Breaks(Working, refund);
        Breaks(ended, refund with { Amount = Units(9_701) });
        Breaks(ended, new RefundEnded(Channel, true, null, 7));

        var refunding = After(ended, refund);

        Breaks(refunding, refund);
        Breaks(After(refunding, Taken(2, 900)), Admitted(2, 2));
        After(refunding, new RefundEnded(Channel, true, Hash("transaction"), 7), Taken(2, 900), Admitted(2, 2));
    }

    [Fact]
    public void A_plain_clients_request_may_stand_on_an_earlier_voucher()
    {
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));

        Assert.Equal(Units(500), After(ended, Admitted(2, 2)).Channels[Channel].Ceiling);
    }

    [Fact]
    public void What_was_claimed_before_the_ledger_knew_the_channel_was_charged_before()
    {
        var channel = After(ProviderBook.Empty, Seen(10_000) with { Claimed = Units(700) }).Channels[Channel];

        Assert.Equal((Units(700), Amount.Zero), (channel.Base, channel.Claimable));
    }

    [Fact]
    public void No_request_is_admitted_without_a_voucher() => Breaks(Ready, Admitted(1, 1));

    [Fact]
    public void A_lower_voucher_is_never_stored()
    {
        Breaks(Working, Taken(1, 499, ids: 64));
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        Breaks(ended, Taken(2, 499));
        After(ended, Taken(2, 500));
    }

    [Fact]
    public void A_raise_needs_a_higher_count_and_its_own_request()
    {
        var raised = After(Working, Taken(1, 600, ids: 64));
        Breaks(raised, Taken(1, 700, ids: 64));
        Breaks(raised, Taken(2, 700));
        Assert.Equal(64UL, raised.Requests[Request(1)].IdsReceived);
    }

    [Fact]
    public void After_a_crash_input_and_the_last_stored_count_are_charged()
    {
        Assert.Equal(new StoredCounts(0, 0, 0), Assert.Single(Working.Open()).Stored);
        var prefilled = After(Working, new PrefillBegun(Request(1), 100, 20, Hash("prompt"), 3));
        Assert.Equal(new StoredCounts(100, 20, 0), Assert.Single(prefilled.Open()).Stored);
        var raised = After(prefilled, Taken(1, 600, ids: 64));
        Assert.Equal(new StoredCounts(100, 20, 64), Assert.Single(raised.Open()).Stored);
        var counted = After(raised, new DeliveryCounted(Request(1), 90, 4));
        Assert.Equal(new StoredCounts(100, 20, 90), Assert.Single(counted.Open()).Stored);
        Breaks(counted, new DeliveryCounted(Request(1), 90, 5));
        Breaks(Working, new DeliveryCounted(Request(1), 1, 5));
    }

    [Fact]
    public void A_receipt_is_signed_once_follows_the_base_and_stays_under_the_ceiling()
    {
        Breaks(Working, new ReceiptSigned(Receipt(1, 1, 501, 501), 5));
        Breaks(Working, new ReceiptSigned(Receipt(1, 1, 300, 301), 5));
        Breaks(Working, new ReceiptSigned(Receipt(1, 2, 300, 300), 5));
        Breaks(Working, new ReceiptSigned(Receipt(2, 1, 300, 300), 5));
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        Breaks(ended, new ReceiptSigned(Receipt(1, 1, 300, 600), 6));
    }

    [Fact]
    public void An_acceptance_states_what_the_receipts_add_up_to()
    {
        Breaks(Ready, new AcceptanceSigned(Accepted(charged: 1), 3));
        Breaks(Ready, new AcceptanceSigned(Accepted(index: 1), 3));
        Breaks(Working, new AcceptanceSigned(Accepted(index: 1), 3));
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        After(ended, new AcceptanceSigned(Accepted(300, 1), 6));
    }

    [Fact]
    public void A_claim_goes_from_submitted_to_mined()
    {
        var ended = After(Working, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        Breaks(ended, Claim("over", 301));
        var submitted = After(ended, Claim("a", 300));
        Assert.Equal(Units(0), submitted.Channels[Channel].Claimable);
        Breaks(submitted, Claim("b", 300));
        var failed = After(submitted, new ClaimFailed(Hash("a"), "reverted", 7));
        Assert.Equal(Units(300), failed.Channels[Channel].Claimable);
        var mined = After(submitted, new ClaimMined(Hash("a"), Hash("tx"), 9, 8));
        Assert.Equal((Units(300), Units(0)), (mined.Channels[Channel].Claimed, mined.Channels[Channel].Claimable));
        Assert.Empty(mined.Claims);
        Breaks(mined, new ClaimMined(Hash("a"), Hash("tx"), 9, 8));
        Assert.Equal(
            Units(300), After(mined, new Settled(AddressOf(2), AddressOf(4), Units(300), Hash("tx2"), 9)).PaidOut);
    }

    [Fact]
    public void A_deposit_that_a_reorganisation_took_back_is_seen_without_breaking_the_book()
    {
        var book = After(Working, Seen(0));
        Assert.Equal((Units(0), Units(500)), (book.Channels[Channel].Deposit, book.Channels[Channel].Ceiling));
        Breaks(Working, Seen(100, confirmed: 101));
        Breaks(Working, Seen(100) with { Config = Config with { WithdrawDelay = 900 } });
    }

    [Fact]
    public void Receipts_are_kept_for_a_day_and_open_requests_for_good()
    {
        var book = After(
            Working,
            new ReceiptSigned(Receipt(1, 1, 300, 300), 5_000), Taken(2, 900), Admitted(2, 2));
        Assert.Equal(2, book.Forget(86_405_000).Requests.Count);
        var later = book.Forget(86_405_001);
        Assert.Equal([Request(2)], later.Requests.Keys);
        Assert.Equal(Units(300), later.Channels[Channel].Base);
        Breaks(later, Admitted(3, 2));
    }

    [Fact]
    public void An_offers_sequence_rises()
    {
        var book = After(ProviderBook.Empty, new OfferIssued(Hash("1"), Offer(5), 1));
        Breaks(book, new OfferIssued(Hash("2"), Offer(5), 2));
        Breaks(book, new OfferIssued(Hash("2"), Offer(4), 2));
        book = After(book, new OfferIssued(Hash("2"), Offer(6, expiry: 1_000_000), 2));
        Assert.Equal(2, book.Offers.Count);
        var later = book.Forget((1_600 + 86_400 + 1) * 1_000UL);
        Assert.Equal([Hash("2")], later.Offers.Keys);
        Assert.Equal(6UL, later.OfferSequences[Model]);
    }

    [Fact]
    public void What_prices_an_open_request_is_not_forgotten()
    {
        var book = After(Working, new OfferIssued(Hash("offer"), Offer(5), 1));
        Assert.Single(book.Forget(ulong.MaxValue).Offers);
        var ended = After(book, new ReceiptSigned(Receipt(1, 1, 300, 300), 5));
        Assert.Empty(ended.Forget(ulong.MaxValue).Offers);
    }

    [Fact]
    public void A_customers_events_are_not_a_providers() => Breaks(Ready, Issued(1, 1, 500));

    private static ClaimSubmitted Claim(string id, ulong total) =>
        new(Hash(id), [new ClaimedChannel(Channel, Units(total))], 6);

    private static ProviderBook After(ProviderBook book, params LedgerEvent[] events) =>
        events.Aggregate(book, (now, happened) => now.Apply(happened));

    private static void Breaks(ProviderBook book, LedgerEvent happened) =>
        Assert.Throws<InvalidOperationException>(() => book.Apply(happened));
}
