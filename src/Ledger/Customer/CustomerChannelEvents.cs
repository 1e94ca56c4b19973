using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>What events of channels and paid requests change on the gateway's side.</summary>
internal static class CustomerChannelEvents
{
    public static CustomerBook Apply(CustomerBook book, ChannelOpened row)
    {
        Broken.Unless(!book.Channels.ContainsKey(row.ChannelId), "The channel exists already.");
        return book.With(new CustomerChannel(
            row.ChannelId, row.Provider, row.Config, row.Deposit, Amount.Zero, Amount.Zero, Amount.Zero, 0,
            CustomerChannelState.Unaccepted, null, null, Bytes32.Zero, 0, Amount.Zero, IsWithdrawing: false));
    }

    public static CustomerBook Apply(CustomerBook book, ChannelBalanceSeen row) =>
        book.With(book.Channel(row.ChannelId) with { Deposit = row.Deposit, Claimed = row.Claimed });

    public static CustomerBook Apply(CustomerBook book, AcceptanceAdopted row)
    {
        var acceptance = row.Acceptance.Message;
        var channel = book.Channel(acceptance.ChannelId);
        Broken.Unless(
            channel.State is CustomerChannelState.Unaccepted or CustomerChannelState.Idle,
            $"A {channel.State} channel adopts no acceptance.");
        Broken.Unless(acceptance.Charged == channel.Base, "A base is adopted only with the receipts that explain it.");
        Broken.Unless(acceptance.Index <= channel.Index, "The acceptance is for an index that was never spent.");
        return book.With(channel with
        {
            State = CustomerChannelState.Idle,
            Acceptance = acceptance,
            KnownNonce = acceptance.NonceAnchor,
            KnownIndex = acceptance.Index,
        });
    }

    public static CustomerBook Apply(CustomerBook book, VoucherIssued row)
    {
        var channel = book.Channel(row.Voucher.ChannelId);
        var ceiling = row.Voucher.MaxClaimable;
        // A plain x402 server takes exactly its base and this request's most, which may be less than was signed before;
        // what was signed stays signed.
        Broken.Unless(
            ceiling >= (channel.Seller is null ? channel.LeastCeiling : channel.Base), "A ceiling never falls.");
        Broken.Unless(ceiling <= channel.Deposit, "A voucher promises more than the channel holds.");
        if (channel.State == CustomerChannelState.Idle)
        {
            Broken.Unless(row.IdsReceived == 0, "A request's first voucher comes before any of its ids.");
            Broken.Unless(row.Index > channel.Index, "An index is never taken twice.");
            return book.With(channel with
            {
                State = CustomerChannelState.Busy,
                Ceiling = Amount.Max(channel.Ceiling, ceiling),
                Index = row.Index,
                Request = row.Request,
            });
        }

        Broken.Unless(channel.State == CustomerChannelState.Busy, $"A {channel.State} channel takes no voucher.");
        Broken.Unless(channel.Request == row.Request && channel.Index == row.Index,
            "A channel serves one request at a time.");
        var request = book.Outstanding.GetValueOrDefault(row.Request)
            ?? throw new InvalidOperationException("A raise belongs to a request that was sent.");
        Broken.Unless(row.IdsReceived > request.IdsReceived, "A raise comes with a higher count of ids received.");
        return book
            .With(channel with { Ceiling = ceiling })
            .With(book.Outstanding.SetItem(
                row.Request, request with { IdsReceived = row.IdsReceived, Ceiling = ceiling }));
    }

    public static CustomerBook Apply(CustomerBook book, RequestSent row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(
            channel.State == CustomerChannelState.Busy && channel.Request == row.Request && channel.Index == row.Index,
            "A request is sent only after its voucher was issued.");
        Broken.Unless(!book.Outstanding.ContainsKey(row.Request), "The request was sent already.");
        return book.With(book.Outstanding.Add(
            row.Request, new CustomerRequest(row, 0, channel.Base, channel.Ceiling)));
    }

    public static CustomerBook Apply(CustomerBook book, ReceiptReceived row)
    {
        var receipt = row.Receipt.Message;
        var channel = book.Channel(receipt.ChannelId);
        var request = book.Outstanding.GetValueOrDefault(receipt.RequestId)
            ?? throw new InvalidOperationException("The receipt is for no outstanding request.");
        Broken.Unless(request.Sent.ChannelId == channel.Id && request.Sent.Index == receipt.Index,
            "The receipt names another channel or index than its request.");
        Broken.Unless(receipt.Cumulative == channel.Base + receipt.Charge, "The receipt does not follow the base.");
        Broken.Unless(receipt.Cumulative <= channel.Ceiling, "The receipt is over the ceiling.");
        return BudgetEvents.Use(book, request.Sent, receipt, row.AtMs)
            .With(Ended(channel, receipt.RequestId) with
            {
                Base = receipt.Cumulative,
                KnownNonce = receipt.ProviderNonce,
                KnownIndex = receipt.Index,
                LastReceipt = row.Receipt,
            })
            .With(book.Outstanding.Remove(receipt.RequestId));
    }

    public static CustomerBook Apply(CustomerBook book, RequestRefused row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.Request == row.Request, "The refused request is not the channel's.");
        return PurchaseEvents.Refused(book, row)
            .With(Ended(channel, row.Request)).With(book.Outstanding.Remove(row.Request));
    }

    public static CustomerBook Apply(CustomerBook book, ChannelFrozen row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.State != CustomerChannelState.Closed, "A closed channel is past disputes.");
        return book.With(channel with { State = CustomerChannelState.Frozen });
    }

    public static CustomerBook Apply(CustomerBook book, WithdrawalStarted row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(
            channel.State != CustomerChannelState.Busy,
            $"A {channel.State} channel is not withdrawn; freeze it or wait for its receipt first.");
        // A closed one may hold money again, after a reorganisation.
        var state = channel.State == CustomerChannelState.Frozen
            ? CustomerChannelState.Frozen
            : CustomerChannelState.Withdrawing;
        return book.With(channel with { State = state, IsWithdrawing = true });
    }

    public static CustomerBook Apply(CustomerBook book, WithdrawalFinished row)
    {
        var channel = book.Channel(row.ChannelId);
        Broken.Unless(channel.IsWithdrawing, "A withdrawal finishes only after it has started.");
        return book.With(channel with
        {
            State = CustomerChannelState.Closed,
            IsWithdrawing = false,
            Deposit = Amount.SubtractToZero(channel.Deposit, row.Amount),
        }).With(book.Purchases.Remove(row.ChannelId));
    }

    public static CustomerBook Apply(CustomerBook book, LossBooked row)
    {
        var channel = book.Channel(row.ChannelId);
        return book.With(channel with { Loss = channel.Loss + row.Amount }).WithLoss(row.Amount);
    }

    internal static CustomerChannel Ended(CustomerChannel channel, RequestId request)
    {
        // A receipt that comes late explains the money, but a frozen channel stays frozen.
        var isCurrent = channel.Request == request;
        return channel with
        {
            Request = isCurrent ? null : channel.Request,
            State = isCurrent && channel.State == CustomerChannelState.Busy
                ? CustomerChannelState.Idle
                : channel.State,
        };
    }
}
