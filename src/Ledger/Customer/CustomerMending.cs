using Souk.Ledger.Repair;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>What a repair changes on the gateway's side, and what it makes of rows that do not follow.</summary>
internal static class CustomerMending
{
    public static Mender<CustomerBook> Mender { get; } = new(Mend, Finish, Lost);

    public static CustomerBook Apply(CustomerBook book, CustomerChannelMended row)
    {
        var channel = book.Channel(row.ChannelId);
        if (channel.Request is { } request)
        {
            book = book.With(book.Outstanding.Remove(request));
            book = book.Purchases.TryGetValue(channel.Id, out var open) && open.Sent.Request == request
                ? book.With(book.Purchases.Remove(channel.Id))
                : book;
        }

        return book.With(channel with
        {
            Base = Amount.Max(channel.Base, row.Base),
            Ceiling = Amount.Max(channel.Ceiling, row.Ceiling),
            Index = Math.Max(channel.Index, row.Index),
            Request = null,
            State = channel.State == CustomerChannelState.Busy ? CustomerChannelState.Idle : channel.State,
        });
    }

    public static CustomerBook Apply(CustomerBook book, SpentMended row)
    {
        var account = book.ApiKeys.GetValueOrDefault(row.KeyHash)
            ?? throw new InvalidOperationException("There is no such API key.");
        return book.With(account.End(Amount.Zero, row.Charged, UtcDay.Of(row.AtMs)));
    }

    // Money only ever moves to the gateway's disadvantage: what may have been promised or billed counts as that.
    private static LedgerEvent? Mend(CustomerBook book, LedgerEvent unfit) => unfit switch
    {
        VoucherIssued row when Find(book, row.Voucher.ChannelId) is { } channel =>
            Mended(channel, Amount.Zero, row.Voucher.MaxClaimable, row.Index, Amount.Zero, row.AtMs),
        RequestSent row when Find(book, row.ChannelId) is { } channel =>
            Mended(channel, Amount.Zero, Amount.Zero, row.Index, Amount.Zero, row.AtMs),
        PurchaseSent row when Find(book, row.ChannelId) is { } channel =>
            Mended(channel, Amount.Zero, channel.Base + row.Most, row.Index, Amount.Zero, row.AtMs),
        ReceiptReceived { Receipt.Message: var receipt } row when Find(book, receipt.ChannelId) is { } channel =>
            Charged(channel, receipt.Charge, receipt.Cumulative, receipt.Index, row.AtMs),
        PurchaseCharged row when Find(book, row.ChannelId) is { } channel =>
            Charged(channel, row.Charge, row.Cumulative, channel.Index, row.AtMs),
        BudgetCharged row when book.ApiKeys.ContainsKey(row.KeyHash) =>
            new SpentMended(row.KeyHash, row.Charged, row.AtMs),
        _ => null,
    };

    // Nobody will end what nobody knows any more.
    private static IEnumerable<LedgerEvent> Finish(CustomerBook book, ulong nowMs)
    {
        foreach (var channel in book.Channels.Values.Where(channel => channel.Request is { } request
            && !book.Outstanding.ContainsKey(request) && book.Purchases.GetValueOrDefault(channel.Id)?.Sent.Request
                != request))
        {
            yield return Mended(channel, Amount.Zero, Amount.Zero, 0, Amount.Zero, nowMs);
        }

        var known = book.Outstanding.Values.Select(request => request.Sent.AppRequest)
            .Concat(book.Purchases.Values.Select(purchase => purchase.Sent.AppRequest)).ToHashSet();
        foreach (var reserved in book.Reservations.Values.Where(reserved => !known.Contains(reserved.AppRequest))
            .OrderBy(reserved => reserved.AppRequest.ToString(), StringComparer.Ordinal))
        {
            yield return new BudgetReleased(reserved.AppRequest, reserved.KeyHash, nowMs);
        }
    }

    private static IEnumerable<MoneyInDoubt> Lost(CustomerBook before, CustomerBook after, LedgerEvent mended)
    {
        switch (mended)
        {
            case CustomerChannelMended { Unexplained.IsZero: false } row:
                yield return new MoneyInDoubt(row.ChannelId, row.Unexplained, "charged by receipts that are lost");
                break;
            case SpentMended row:
                yield return new MoneyInDoubt(row.KeyHash, row.Charged, "billed to an API key without reservation");
                break;
            case BudgetReleased row when before.Reservations.TryGetValue(row.AppRequest, out var reserved):
                yield return new MoneyInDoubt(
                    row.KeyHash, reserved.Amount, "reserved for a request that nothing is known of; freed");
                break;
        }
    }

    private static CustomerChannel? Find(CustomerBook book, Bytes32 id) => book.Channels.GetValueOrDefault(id);

    // The charge itself is explained by the row; what lies between it and the base was charged by lost ones.
    private static CustomerChannelMended? Charged(
        CustomerChannel channel, Amount charge, Amount cumulative, ulong index, ulong atMs) =>
        cumulative < channel.Base || charge > cumulative
            ? null
            : Mended(
                channel, cumulative, cumulative, index, Amount.SubtractToZero(cumulative - charge, channel.Base), atMs);

    private static CustomerChannelMended Mended(
        CustomerChannel channel, Amount floor, Amount ceiling, ulong index, Amount unexplained, ulong atMs) => new(
            channel.Id, Amount.Max(channel.Base, floor), Amount.Max(channel.Ceiling, ceiling),
            Math.Max(channel.Index, index), unexplained, atMs);
}
