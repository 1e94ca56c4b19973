using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Selling;

/// <summary>What claims change on the provider's side.</summary>
internal static class ClaimEvents
{
    public static ProviderBook Apply(ProviderBook book, ClaimSubmitted row)
    {
        Broken.Unless(!book.Claims.ContainsKey(row.ClaimId), "The claim was submitted already.");
        foreach (var claimed in row.Channels)
        {
            var channel = book.Channel(claimed.ChannelId);
            Broken.Unless(claimed.Total <= channel.Base, "No more is claimed than the receipts add up to.");
            Broken.Unless(claimed.Total <= channel.Ceiling, "No more is claimed than was promised.");
            Broken.Unless(channel.Claiming.IsZero, "A channel is in one claim at a time.");
            book = book.With(channel with { Claiming = claimed.Total });
        }

        return book.With(book.Claims.Add(row.ClaimId, new PendingClaim(row.ClaimId, row.Channels, row.AtMs)))
            .WithTrying(book.TryingSinceMs ?? row.AtMs);
    }

    public static ProviderBook Apply(ProviderBook book, ClaimMined row)
    {
        var claim = Pending(book, row.ClaimId);
        foreach (var claimed in claim.Channels)
        {
            var channel = book.Channel(claimed.ChannelId);
            book = book.With(channel with
            {
                Claimed = Amount.Max(channel.Claimed, claimed.Total),
                Claiming = Amount.Zero,
                WaitsSinceMs = channel.Base > claimed.Total ? row.AtMs : channel.WaitsSinceMs,
            }).WithOwed(channel.Config.Receiver, row.AtMs);
        }

        // After a restart nobody knows when it was mined.
        return (row.TransactionHash.IsZero ? book : book.WithMeasured(row.AtMs))
            .With(book.Claims.Remove(row.ClaimId)).WithTrying(null);
    }

    public static ProviderBook Apply(ProviderBook book, ClaimFailed row)
    {
        var claim = Pending(book, row.ClaimId);
        foreach (var claimed in claim.Channels)
        {
            book = book.With(book.Channel(claimed.ChannelId) with { Claiming = Amount.Zero });
        }

        // A claim that was not mined in time is tried again, and took longer. Where a contract refused it, or no node
        // answered (then no voucher is taken either), that says nothing of how long claims take.
        return book.With(book.Claims.Remove(row.ClaimId))
            .WithTrying(row.Reason == "not_mined" ? book.TryingSinceMs : null);
    }

    private static PendingClaim Pending(ProviderBook book, Bytes32 id) =>
        book.Claims.GetValueOrDefault(id) ?? throw new InvalidOperationException($"There is no claim {id}.");
}
