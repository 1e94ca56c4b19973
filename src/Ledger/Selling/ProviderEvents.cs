using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Selling;

/// <summary>What events of offers, channels and paid requests change on the provider's side.</summary>
internal static class ProviderEvents
{
    public static ProviderBook Apply(ProviderBook book, OfferIssued row)
    {
        var offer = row.Offer.Message;
        Broken.Unless(
            !book.OfferSequences.TryGetValue(offer.ModelDigest, out var last) || offer.Sequence > last,
            "An offer's sequence is higher than the last one's for its model.");
        return book.WithOffer(row);
    }

    public static ProviderBook Apply(ProviderBook book, ChannelSeen row)
    {
        Broken.Unless(row.ConfirmedDeposit <= row.Deposit, "No more is confirmed than deposited.");
        if (book.Channels.GetValueOrDefault(row.ChannelId) is not { } channel)
        {
            // What was claimed before this ledger knew the channel was charged before; nothing of it is earned again.
            return book.With(new ProviderChannel(
                row.ChannelId, row.Config, row.Deposit, row.ConfirmedDeposit, row.Claimed, row.IsWithdrawing,
                row.Block, row.Claimed, null, 0, null, null, Amount.Zero, Amount.Zero));
        }

        Broken.Unless(channel.Config == row.Config, "A channel's configuration never changes.");
        return book.With(channel with
        {
            Deposit = row.Deposit,
            ConfirmedDeposit = row.ConfirmedDeposit,
            Claimed = row.Claimed,
            IsWithdrawing = row.IsWithdrawing,
            Block = row.Block,
        });
    }

    public static ProviderBook Apply(ProviderBook book, AcceptanceSigned row)
    {
        var acceptance = row.Acceptance.Message;
        var channel = book.Channel(acceptance.ChannelId);
        Broken.Unless(channel.Request is null, "A channel with a request under way gets no acceptance.");
        Broken.Unless(acceptance.Charged == channel.Base, "An acceptance states what the receipts add up to.");
        Broken.Unless(acceptance.Index == channel.Index, "An acceptance states the last index taken.");
        return book.With(channel with { Acceptance = acceptance, IsInDoubt = false });
    }

    public static ProviderBook Apply(ProviderBook book, VoucherAccepted row)
    {
        var channel = book.Channel(row.Voucher.ChannelId);
        Broken.Unless(row.Voucher.MaxClaimable >= channel.Ceiling, "A ceiling never falls.");
        var changed = book.With(channel with { Highest = row.Voucher });
        if (channel.Request is null)
        {
            Broken.Unless(row.IdsReceived == 0, "A request's first voucher comes before any of its ids.");
            Broken.Unless(!book.Requests.ContainsKey(row.Request), "The request was here before.");
            return changed;
        }

        Broken.Unless(channel.Request == row.Request, "A channel serves one request at a time.");
        var request = book.Requests[row.Request];
        Broken.Unless(row.IdsReceived > request.IdsReceived, "A raise comes with a higher count of ids received.");
        return changed.With(request with { IdsReceived = row.IdsReceived });
    }

    public static ProviderBook Apply(ProviderBook book, RequestAdmitted row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.Request is null, "A channel serves one request at a time.");
        Broken.Unless(channel.Highest is not null, "No request is admitted without a voucher.");
        Broken.Unless(channel.Refunding is null, "No request is admitted while a refund is under way.");
        Broken.Unless(row.Index > channel.Index, "An index is never taken twice.");
        Broken.Unless(!book.Requests.ContainsKey(row.Request), "A repeated id never starts work.");
        return book
            .With(channel with { Index = row.Index, Request = row.Request })
            .With(new ProviderRequest(row, channel.Base, 0, 0, null, null, 0));
    }

    public static ProviderBook Apply(ProviderBook book, PrefillBegun row)
    {
        var request = OpenRequest(book, row.Request);
        Broken.Unless(request.Prefill is null, "A prompt is read once.");
        return book.With(request with { Prefill = row });
    }

    public static ProviderBook Apply(ProviderBook book, DeliveryCounted row)
    {
        var request = OpenRequest(book, row.Request);
        Broken.Unless(request.Prefill is not null, "Nothing is delivered before prefill.");
        Broken.Unless(row.OutputTokens > request.Delivered, "A count of tokens delivered only grows.");
        return book.With(request with { Delivered = row.OutputTokens });
    }

    public static ProviderBook Apply(ProviderBook book, ReceiptSigned row)
    {
        var receipt = row.Receipt.Message;
        var request = OpenRequest(book, receipt.RequestId);
        var channel = book.Channel(receipt.ChannelId);
        Broken.Unless(channel.Request == receipt.RequestId && request.Admitted.Index == receipt.Index,
            "The receipt names another channel or index than its request.");
        Broken.Unless(receipt.Cumulative == channel.Base + receipt.Charge, "The receipt does not follow the base.");
        Broken.Unless(receipt.Cumulative <= channel.Ceiling, "The receipt is over the ceiling.");
        var since = channel.Base <= channel.Claimed ? row.AtMs : channel.WaitsSinceMs;
        return book
            .With(channel with { Base = receipt.Cumulative, Request = null, WaitsSinceMs = since })
            .With(request with { Receipt = row.Receipt, EndedAtMs = row.AtMs })
            .WithEarned(receipt.Charge);
    }

    public static ProviderBook Apply(ProviderBook book, LossBooked row)
    {
        var channel = book.Channel(row.ChannelId);
        return book.With(channel with { Loss = channel.Loss + row.Amount }).WithLoss(row.Amount);
    }

    private static ProviderRequest OpenRequest(ProviderBook book, RequestId id)
    {
        var request = book.Requests.GetValueOrDefault(id)
            ?? throw new InvalidOperationException($"There is no request {id}.");
        Broken.Unless(request.IsOpen, "The request has its receipt already.");
        return request;
    }
}
