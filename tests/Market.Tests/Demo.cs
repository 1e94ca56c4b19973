using System.Numerics;
using Souk.Market.Offers;
using Souk.Protocol;

namespace Souk.Market.Tests;

/// <summary>A small true market: signed by real keys, with distinct values in every field.</summary>
internal static class Demo
{
    public const ulong Now = 1_000_000;

    public static readonly PrivateKey Stranger = Key(3);

    public static readonly Heartbeat Beats = new(Hash("heartbeat secret"), Now);

    public static readonly Offer TheOffer = AnOffer with
    {
        Sequence = 5, IssuedAt = Now, Expiry = Now + 600, HeartbeatAnchor = Beats.Anchor,
    };

    public static readonly RegistryEntry Entry = new(
        TheOffer.Provider, IsActive: true, [new KeySet(Node.Address, TheOffer.Payout, TheOffer.Authorizer, 500)],
        TheOffer.Endpoint, Units(77), AddressOf(80));

    public static readonly OfferTerms Terms = new(Domain, Escrow.Escrow, Config.Token);

    public static Signed<Offer> Sign(Offer offer) => Signed<Offer>.Sign(offer, Node, Domain);

    public static VerifiedOffer Verified(Offer offer, TrustTier tier = TrustTier.Unaudited) =>
        new(Sign(offer), offer.Hash(Domain), Node.Address, Entry.Stake, tier);

    /// <summary>The charge by the words of the protocol, in numbers without bounds.</summary>
    public static BigInteger ChargeOf(Prices prices, BigInteger input, BigInteger cached, BigInteger output)
    {
        var millionths = (input * (BigInteger)prices.Input.Units) + (cached * (BigInteger)prices.Cached.Units)
            + (output * (BigInteger)prices.Output.Units);
        return BigInteger.Divide(millionths + 999_999, 1_000_000);
    }
}
