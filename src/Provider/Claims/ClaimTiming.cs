using Souk.Ledger.Selling;
using Souk.Market.Claims;
using Souk.Protocol;

namespace Souk.Provider.Claims;

/// <summary>How long claims take here, by the claims in the book.</summary>
internal static class ClaimTiming
{
    /// <summary>See <see cref="ClaimMargin"/>.</summary>
    public static ulong MarginSeconds(ProviderBook book, NetworkFile network, ulong nowMs) => ClaimMargin.Seconds(
        book.ClaimTimes.Select(claim => new MeasuredClaim(claim.AtMs, claim.TookMs)), nowMs, network.BlockTime,
        network.Confirmations);
}
