using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>What events of channels to plain x402 servers change.</summary>
internal static class PurchaseEvents
{
    public static CustomerBook Apply(CustomerBook book, SellerTaken row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(
            channel.State == CustomerChannelState.Unaccepted, $"A {channel.State} channel gets no other seller.");
        return book.With(channel with { State = CustomerChannelState.Idle, Seller = row.Seller });
    }

    public static CustomerBook Apply(CustomerBook book, PurchaseSent row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.Seller is not null, "A purchase goes through a seller's channel.");
        Broken.Unless(
            channel.State == CustomerChannelState.Busy && channel.Request == row.Request && channel.Index == row.Index,
            "A purchase is sent only after its voucher was issued.");
        Broken.Unless(
            channel.Base + row.Most <= channel.Ceiling, "A purchase may cost no more than its voucher promises.");
        var before = book.Purchases.GetValueOrDefault(row.ChannelId);
        Broken.Unless(before?.Sent.Request != row.Request, "The purchase was sent already.");
        // Of several lost ones the last stands for all.
        return book.With(book.Purchases.SetItem(
            row.ChannelId, new Purchase(row, before is null ? null : before with { Lost = null })));
    }

    public static CustomerBook Apply(CustomerBook book, PurchaseCharged row)
    {
        var channel = book.Channel(row.ChannelId);
        var purchase = Open(book, row.ChannelId, row.Request);
        Broken.Unless(row.Cumulative == channel.Base + row.Charge, "The charge does not follow the base.");
        Broken.Unless(row.Cumulative <= channel.Ceiling, "The charge is over the ceiling.");
        return BudgetEvents.Use(book, purchase.Sent, row)
            .With(CustomerChannelEvents.Ended(channel, row.Request) with { Base = row.Cumulative })
            .With(book.Purchases.Remove(row.ChannelId));
    }

    public static CustomerBook Apply(CustomerBook book, PurchaseLost row)
    {
        _ = Open(book, row.ChannelId, row.Request);
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.Request == row.Request, "What was lost is not the channel's request.");
        return book.With(CustomerChannelEvents.Ended(channel, row.Request));
    }

    /// <summary>A purchase that was refused unseen is none; one that was lost before it stays in doubt.</summary>
    public static CustomerBook Refused(CustomerBook book, RequestRefused row) =>
        book.Purchases.TryGetValue(row.ChannelId, out var purchase) && purchase.Sent.Request == row.Request
            ? book.With(purchase.Lost is { } lost
                ? book.Purchases.SetItem(row.ChannelId, lost)
                : book.Purchases.Remove(row.ChannelId))
            : book;

    private static Purchase Open(CustomerBook book, Bytes32 channel, RequestId request) =>
        book.Purchases.GetValueOrDefault(channel) is { } purchase && purchase.Sent.Request == request
            ? purchase
            : throw new InvalidOperationException($"Request {request} is no open purchase of the channel.");
}
