namespace Souk.Market.Claims;

/// <summary>When a watchtower claims for a provider.</summary>
public static class GuardRules
{
    /// <summary>
    /// Whether a channel whose withdrawal is pending is claimed now: at once where the provider is silent; otherwise
    /// once a quarter of the delay is over and it has not claimed, since by then it cannot; and in any case within the
    /// margin before the deadline. A chain out of reach for half of the delay, whenever that is, leaves a quarter to
    /// act in.
    /// </summary>
    /// <param name="now">Unix seconds, by the chain's clock.</param>
    /// <param name="initiatedAt">When the withdrawal began, in Unix seconds.</param>
    /// <param name="delay">The channel's withdraw delay, in seconds.</param>
    /// <param name="margin">Seconds that a claim needs.</param>
    /// <param name="isSilent">The provider has not been heard of lately.</param>
    public static bool IsDue(ulong now, ulong initiatedAt, uint delay, ulong margin, bool isSilent) =>
        isSilent || now >= initiatedAt + (delay / 4) || now + margin >= initiatedAt + delay;
}
