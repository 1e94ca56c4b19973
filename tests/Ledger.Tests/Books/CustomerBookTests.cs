using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Books;

public sealed class CustomerBookTests
{
    private static readonly Bytes32 KeyHash = Hash("key");

    private static readonly CustomerBook Open = After(
        CustomerBook.Empty,
        new ChannelOpened(Channel, AddressOf(9), Config, Units(10_000), 1),
        new AcceptanceAdopted(Accepted(), 2));

    private static readonly CustomerBook Keyed =
        After(CustomerBook.Empty, new ApiKeyCreated(KeyHash, "team", Units(1_000), null, 1));

    [Fact]
    public void A_reservation_is_charged_in_part_and_the_rest_is_free_again()
    {
        var book = After(
            Keyed,
            new BudgetReserved(Request(1), KeyHash, Units(600), 2),
            new BudgetReserved(Request(2), KeyHash, Units(400), 3));
        Assert.Equal(Units(0), book.ApiKeys[KeyHash].AvailableOn(default));
        book = After(book, new BudgetCharged(Request(1), KeyHash, Units(50), 4));
        Assert.Equal((Units(50), Units(400), Units(550)), Standing(book));
        book = After(book, new BudgetReleased(Request(2), KeyHash, 5));
        Assert.Equal((Units(50), Units(0), Units(950)), Standing(book));
        Assert.Empty(book.Reservations);
    }

    [Fact]
    public void A_budget_is_never_overdrawn()
    {
        Breaks(Keyed, new BudgetReserved(Request(1), KeyHash, Units(1_001), 2));
        var reserved = After(Keyed, new BudgetReserved(Request(1), KeyHash, Units(600), 2));
        Breaks(reserved, new BudgetReserved(Request(2), KeyHash, Units(401), 3));
        Breaks(reserved, new BudgetReserved(Request(1), KeyHash, Units(1), 3));
        Breaks(reserved, new BudgetCharged(Request(1), KeyHash, Units(601), 3));
        Breaks(reserved, new BudgetCharged(Request(2), KeyHash, Units(1), 3));
        Breaks(reserved, new BudgetCharged(Request(1), Hash("another key"), Units(1), 3));
    }

    [Fact]
    public void A_charge_ends_its_reservation_once()
    {
        var charged = After(
            Keyed,
            new BudgetReserved(Request(1), KeyHash, Units(600), 2),
            new BudgetCharged(Request(1), KeyHash, Units(600), 3));
        Breaks(charged, new BudgetCharged(Request(1), KeyHash, Units(1), 4));
        Breaks(charged, new BudgetReleased(Request(1), KeyHash, 4));
    }

    [Fact]
    public void A_revoked_key_reserves_nothing_but_still_pays()
    {
        var revoked = After(
            Keyed, new BudgetReserved(Request(1), KeyHash, Units(600), 2), new ApiKeyRevoked(KeyHash, 3));
        Breaks(revoked, new BudgetReserved(Request(2), KeyHash, Units(1), 4));
        Assert.Equal(Units(600), After(revoked, new BudgetCharged(Request(1), KeyHash, Units(600), 4))
            .ApiKeys[KeyHash].Spent);
    }

    [Fact]
    public void A_request_goes_from_voucher_to_receipt()
    {
        var book = After(Open, Issued(1, 1, 500), Sent(1, 1));
        Assert.Equal(CustomerChannelState.Busy, book.Channels[Channel].State);
        Assert.Equal(Units(500), book.Exposure);
        Assert.Equal(Units(0), book.Channels[Channel].Free);
        book = After(book, Issued(1, 1, 800, ids: 64));
        var raised = book.Outstanding[Request(1)];
        Assert.Equal((64UL, Units(800)), (raised.IdsReceived, raised.Ceiling));
        book = After(book, new ReceiptReceived(Receipt(1, 1, 300, 300), 5));
        var channel = book.Channels[Channel];
        Assert.Equal(
            (CustomerChannelState.Idle, Units(300), Units(800), 1UL),
            (channel.State, channel.Base, channel.Ceiling, channel.Index));
        Assert.Equal((Hash("provider nonce"), 1UL), (channel.KnownNonce, channel.KnownIndex));
        Assert.Equal(Units(500), book.ExposureTo(AddressOf(9)));
        Assert.Equal(Units(0), book.ExposureTo(AddressOf(8)));
        Assert.Empty(book.Outstanding);
    }

    [Fact]
    public void A_ceiling_never_falls_and_never_passes_the_deposit()
    {
        Breaks(Open, Issued(1, 1, 10_001));
        var sent = After(Open, Issued(1, 1, 500), Sent(1, 1));
        Breaks(sent, Issued(1, 1, 499, ids: 64));
        var ended = After(sent, new ReceiptReceived(Receipt(1, 1, 300, 300), 5));
        Breaks(ended, Issued(2, 2, 499));
        After(ended, Issued(2, 2, 500));
    }

    [Fact]
    public void An_index_is_never_taken_twice()
    {
        var refused = After(Open, Issued(1, 3, 500), Sent(1, 3), new RequestRefused(Request(1), Channel, "busy", 4));
        Assert.Equal(CustomerChannelState.Idle, refused.Channels[Channel].State);
        Breaks(refused, Issued(2, 3, 500));
        Breaks(refused, Issued(2, 2, 500));
        After(refused, Issued(2, 4, 500));
    }

    [Fact]
    public void A_channel_serves_one_request_at_a_time()
    {
        var sent = After(Open, Issued(1, 1, 500), Sent(1, 1));
        Breaks(sent, Issued(2, 2, 600));
        Breaks(sent, Sent(1, 1));
        Breaks(Open, Sent(1, 1));
    }

    [Fact]
    public void A_raise_needs_a_higher_count()
    {
        var raised = After(Open, Issued(1, 1, 500), Sent(1, 1), Issued(1, 1, 600, ids: 64));
        Breaks(raised, Issued(1, 1, 700, ids: 64));
        Breaks(raised, Issued(1, 1, 700));
        After(raised, Issued(1, 1, 700, ids: 65));
    }

    [Fact]
    public void A_receipt_that_does_not_follow_never_becomes_the_base()
    {
        var sent = After(Open, Issued(1, 1, 500), Sent(1, 1));
        Breaks(sent, new ReceiptReceived(Receipt(1, 1, 300, 301), 5));
        Breaks(sent, new ReceiptReceived(Receipt(1, 1, 501, 501), 5));
        Breaks(sent, new ReceiptReceived(Receipt(1, 2, 300, 300), 5));
        Breaks(sent, new ReceiptReceived(Receipt(2, 1, 300, 300), 5));
    }

    [Fact]
    public void An_acceptance_with_an_unexplained_base_is_not_adopted()
    {
        Breaks(Open, new AcceptanceAdopted(Accepted(charged: 1), 3));
        Breaks(Open, new AcceptanceAdopted(Accepted(index: 1), 3));
        var sent = After(Open, Issued(1, 1, 500), Sent(1, 1));
        Breaks(sent, new AcceptanceAdopted(Accepted(), 3));
        var ended = After(sent, new ReceiptReceived(Receipt(1, 1, 300, 300), 5));
        var renewed = After(ended, new AcceptanceAdopted(Accepted(300, 1), 6)).Channels[Channel];
        Assert.Equal((Accepted().Message.NonceAnchor, 1UL), (renewed.KnownNonce, renewed.KnownIndex));
    }

    [Fact]
    public void A_frozen_channel_stays_frozen_when_a_late_receipt_explains_it()
    {
        var frozen = After(
            Open, Issued(1, 1, 500), Sent(1, 1), new ChannelFrozen(Channel, "receipt_missing", "", null, 4));
        Breaks(frozen, Issued(1, 1, 600, ids: 64));
        Assert.Single(frozen.Unexplained());
        var explained = After(
            frozen,
            new LossBooked(Channel, Request(1), Units(500), "receipt_missing", 5),
            new ReceiptReceived(Receipt(1, 1, 300, 300), 6));
        Assert.Equal(CustomerChannelState.Frozen, explained.Channels[Channel].State);
        Assert.Equal(Units(300), explained.Channels[Channel].Base);
        Assert.Equal(Units(500), explained.Losses);
        Breaks(explained, Issued(2, 2, 600));
        var closed = After(
            explained,
            new WithdrawalStarted(Channel, Units(9_700), 7), new WithdrawalFinished(Channel, Units(9_500), 8));
        Assert.Equal(CustomerChannelState.Closed, closed.Channels[Channel].State);
        Assert.Equal(Units(0), closed.Exposure);
    }

    [Fact]
    public void A_channel_that_is_withdrawn_takes_no_voucher()
    {
        var withdrawing = After(Open, new WithdrawalStarted(Channel, Units(10_000), 3));
        Assert.Equal(CustomerChannelState.Withdrawing, withdrawing.Channels[Channel].State);
        Breaks(withdrawing, Issued(1, 1, 500));
        Breaks(After(Open, Issued(1, 1, 500), Sent(1, 1)), new WithdrawalStarted(Channel, Units(1), 3));
        Breaks(Open, new WithdrawalFinished(Channel, Units(1), 3));

        // What a reorganisation brings back to a closed one is withdrawn again.
        var again = After(
            withdrawing, new WithdrawalFinished(Channel, Units(10_000), 4),
            new ChannelBalanceSeen(Channel, Units(10_000), Units(0), 5),
            new WithdrawalStarted(Channel, Units(10_000), 6));
        Assert.Equal(CustomerChannelState.Withdrawing, again.Channels[Channel].State);
    }

    [Fact]
    public void A_draws_nonce_is_used_once()
    {
        var draw = new DrawSigned(Channel, Config, Units(6), Hash("draw"), 7_000, 6);
        Breaks(After(CustomerBook.Empty, draw), draw);
    }

    [Fact]
    public void What_prices_an_outstanding_request_is_not_forgotten()
    {
        var book = After(
            Open,
            new OfferUsed(Hash("offer"), Offer(), 3), new OfferUsed(Hash("old"), Offer(), 3),
            Issued(1, 1, 500), Sent(1, 1));
        var later = book.Forget((1_600 + 86_400 + 1) * 1_000UL);
        Assert.Equal([Hash("offer")], later.Offers.Keys);
        Assert.Equal(2, book.Forget((1_600 + 86_400) * 1_000UL).Offers.Count);
    }

    [Fact]
    public void A_providers_events_are_not_a_customers() => Breaks(Open, Taken(1, 500));

    private static (Amount Spent, Amount Reserved, Amount Available) Standing(CustomerBook book)
    {
        var account = book.ApiKeys[KeyHash];
        return (account.Spent, account.Reserved, account.AvailableOn(default));
    }

    private static CustomerBook After(CustomerBook book, params LedgerEvent[] events) =>
        events.Aggregate(book, (now, happened) => now.Apply(happened));

    private static void Breaks(CustomerBook book, LedgerEvent happened) =>
        Assert.Throws<InvalidOperationException>(() => book.Apply(happened));
}
