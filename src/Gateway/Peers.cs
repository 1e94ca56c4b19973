using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway;

/// <summary>From an offer to the node behind it.</summary>
internal static class Peers
{
    /// <summary>Where the offer's provider answers, pinned to the certificate that the offer states.</summary>
    public static Result<PeerTarget> Target(Offer offer) =>
        PeerTarget.Parse(offer.Endpoint, offer.SpkiHash.IsZero ? null : offer.SpkiHash);
}
