using Souk.Ledger.Repair;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Selling;

/// <summary>What a repair changes on the provider's side, and what it makes of rows that do not follow.</summary>
internal static class ProviderMending
{
    public static Mender<ProviderBook> Mender { get; } = new(Mend, Finish, Lost);

    public static ProviderBook Apply(ProviderBook book, ProviderChannelMended row)
    {
        var channel = book.Channel(row.ChannelId);
        var highest = row.Voucher is { } voucher && voucher.MaxClaimable >= channel.Ceiling ? voucher : channel.Highest;
        return book.Without(channel.Request).With(channel with
        {
            Base = Amount.Max(channel.Base, row.Base),
            Index = Math.Max(channel.Index, row.Index),
            Highest = highest,
            Request = null,
            IsInDoubt = channel.IsInDoubt && row.Evidence is null,
        }).WithEarned(Amount.SubtractToZero(row.Base, channel.Base));
    }

    /// <summary>After a repair each customer is asked for its last receipt, where anything was charged at
    /// all.</summary>
    public static ProviderBook Doubted(ProviderBook book) => book.Channels.Values.Aggregate(
        book, (changed, channel) => changed.With(channel with { IsInDoubt = true }));

    // A voucher is money and a receipt is a promise: each says by its own signature what it is worth.
    private static ProviderChannelMended? Mend(ProviderBook book, LedgerEvent unfit) => unfit switch
    {
        VoucherAccepted row when Find(book, row.Voucher.ChannelId) is { } channel
            && row.Voucher.MaxClaimable >= channel.Ceiling => Mended(channel, row.AtMs) with { Voucher = row.Voucher },
        RequestAdmitted row when Find(book, row.ChannelId) is { } channel =>
            Mended(channel, row.AtMs) with { Index = Math.Max(channel.Index, row.Index) },
        ReceiptSigned { Receipt: var receipt } row when Find(book, receipt.Message.ChannelId) is { } channel
            && receipt.Message.Cumulative >= channel.Base => Mended(channel, row.AtMs) with
            {
                Base = receipt.Message.Cumulative,
                Index = Math.Max(channel.Index, receipt.Message.Index),
                Evidence = receipt,
            },
        _ => null,
    };

    private static IEnumerable<LedgerEvent> Finish(ProviderBook book, ulong nowMs) => [];

    private static IEnumerable<MoneyInDoubt> Lost(ProviderBook before, ProviderBook after, LedgerEvent mended)
    {
        if (mended is LedgerRepaired)
        {
            foreach (var channel in after.Channels.Values.Where(channel => channel.Base > channel.Ceiling))
            {
                yield return new MoneyInDoubt(
                    channel.Id, channel.Base - channel.Ceiling,
                    "earned, and no voucher covers it until the customer sends its next one");
            }
        }
    }

    private static ProviderChannel? Find(ProviderBook book, Bytes32 id) => book.Channels.GetValueOrDefault(id);

    private static ProviderChannelMended Mended(ProviderChannel channel, ulong atMs) =>
        new(channel.Id, channel.Base, channel.Index, null, null, atMs);
}
