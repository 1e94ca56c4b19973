using Souk.Protocol;

namespace Souk.Market.Offers;

/// <summary>How far a provider's answers were checked; derived by the reader, never declared. Best last.</summary>
public enum TrustTier
{
    /// <summary>No stake.</summary>
    New,

    /// <summary>Staked, and not audited, or not auditable.</summary>
    Unaudited,

    /// <summary>Its log-probabilities agree; lowers the rank, never slashes.</summary>
    Scored,

    /// <summary>Its tokens are those of the seeded sampler.</summary>
    Replayed,

    /// <summary>Its engine is equal bit for bit.</summary>
    Exact,
}

/// <summary>The trust tier of an offer.</summary>
public static class TrustTiers
{
    /// <summary>
    /// Without stake <see cref="TrustTier.New"/>; with counting <c>usage</c> at best
    /// <see cref="TrustTier.Unaudited"/>; otherwise what audits have shown.
    /// </summary>
    public static TrustTier Of(Amount stake, string counting, TrustTier audited)
    {
        if (stake.IsZero)
        {
            return TrustTier.New;
        }

        return counting == CountingKinds.Ids && audited > TrustTier.Unaudited ? audited : TrustTier.Unaudited;
    }
}
