using Souk.Ledger.Books;
using Souk.Ledger.Rows;

namespace Souk.Ledger.Selling;

/// <summary>What refunds change on the provider's side.</summary>
internal static class RefundEvents
{
    public static ProviderBook Apply(ProviderBook book, RefundSubmitted row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.Request is null, "A channel with a request under way is not refunded.");
        Broken.Unless(channel.Refunding is null, "A channel has one refund at a time.");
        Broken.Unless(
            row.Amount <= channel.Deposit && channel.Deposit - row.Amount >= channel.Base,
            "A refund leaves what was earned in the channel.");
        return book.With(channel with { Refunding = new PendingRefund(row.Amount, row.Nonce) });
    }

    public static ProviderBook Apply(ProviderBook book, RefundEnded row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.Refunding is not null, "There is no refund under way on the channel.");
        return book.With(channel with { Refunding = null });
    }
}
