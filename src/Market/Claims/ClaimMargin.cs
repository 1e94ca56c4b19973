namespace Souk.Market.Claims;

/// <summary>A claim that was mined.</summary>
/// <param name="AtMs">When, in Unix milliseconds.</param>
/// <param name="TookMs">From the first attempt to send it, in milliseconds.</param>
public readonly record struct MeasuredClaim(ulong AtMs, ulong TookMs);

/// <summary>
/// How long before a withdrawal matures a claim has to be on its way, by what claims took lately. It is the margin
/// within which no voucher is taken, and from which on a claim's fees are raised.
/// </summary>
public static class ClaimMargin
{
    /// <summary>How many claims are remembered.</summary>
    public const int Kept = 16;

    /// <summary>Least margin, in seconds.</summary>
    public const ulong LeastSeconds = 60;

    // What took long yesterday says little of today; and a provider that takes no vouchers measures nothing new, so
    // without an end to this one slow claim could stop it for good.
    private const ulong CountsForMs = 6 * 3_600_000;

    /// <summary>
    /// Twice the slowest claim of the last six hours, with the blocks that confirm it and three that may bring nothing.
    /// </summary>
    /// <param name="measured">Claims that were mined, at most <see cref="Kept"/>.</param>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <param name="blockTimeSeconds">Of the chain.</param>
    /// <param name="confirmations">As the network file asks.</param>
    /// <returns>Seconds.</returns>
    public static ulong Seconds(
        IEnumerable<MeasuredClaim> measured, ulong nowMs, double blockTimeSeconds, int confirmations)
    {
        ArgumentNullException.ThrowIfNull(measured);
        var slowest = measured.Where(claim => claim.AtMs + CountsForMs >= nowMs)
            .Select(claim => claim.TookMs).DefaultIfEmpty().Max();
        var seconds = (2 * (slowest / 1000.0)) + (blockTimeSeconds * (confirmations + 3));
        return Math.Max(LeastSeconds, (ulong)Math.Ceiling(seconds));
    }
}
