using Souk.Protocol;

namespace Souk.Market.Offers;

/// <summary>What the reader of offers knows of its network.</summary>
/// <param name="Domain">Chain and registry that offers are signed for.</param>
/// <param name="Escrow">The escrow whose channels it can open.</param>
/// <param name="Currency">The currency it pays in.</param>
/// <param name="LeastWithdrawDelay">The shortest withdrawDelay that its vault opens channels with, in seconds.</param>
/// <param name="GreatestWithdrawDelay">The longest, in seconds.</param>
public sealed record OfferTerms(
    SoukDomain Domain, Address Escrow, Address Currency, uint LeastWithdrawDelay = ChannelConfig.MinWithdrawDelay,
    uint GreatestWithdrawDelay = ChannelConfig.MaxWithdrawDelay);

/// <summary>An offer whose signature and registry entry were checked.</summary>
/// <param name="Original">The offer as it was signed.</param>
/// <param name="Hash">Its hash, which receipts name.</param>
/// <param name="NodeKey">The node key that signed it, and signs the receipts under it.</param>
/// <param name="Stake">The provider's stake when it was checked.</param>
/// <param name="Tier">The trust tier.</param>
public sealed record VerifiedOffer(
    Signed<Offer> Original, Bytes32 Hash, Address NodeKey, Amount Stake, TrustTier Tier)
{
    /// <summary>The offer.</summary>
    public Offer Offer => Original.Message;
}

/// <summary>When a reader believes an offer. Indexers find offers; only the chain and the signature count.</summary>
public static class OfferRules
{
    /// <summary>The longest that an offer may still run, in seconds: 15 minutes, for offers of about 10.</summary>
    public const ulong MaxLifeSeconds = 15 * 60;

    /// <summary>How far ahead of the reader's clock an offer may be issued, in seconds.</summary>
    public const ulong ClockSkewSeconds = 60;

    /// <summary>
    /// The highest price, in smallest units per 1,000,000 tokens: 2^80, a million whole units of a currency with 18
    /// decimals. With the bounds on tokens it keeps every charge far from 128 bits.
    /// </summary>
    public static Amount MaxPrice { get; } = new(UInt128.One << 80);

    /// <summary>Checks an offer.</summary>
    /// <param name="original">The offer.</param>
    /// <param name="entry">The provider's registry entry; null where it never registered.</param>
    /// <param name="terms">The reader's network.</param>
    /// <param name="audited">What audits have shown of this provider and model.</param>
    /// <param name="now">Unix seconds.</param>
    /// <returns>The verified offer, or why it is not believed.</returns>
    public static Result<VerifiedOffer> Verify(
        Signed<Offer> original, RegistryEntry? entry, OfferTerms terms, TrustTier audited, ulong now)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(terms);
        var offer = original.Message;
        if (CheckAlone(offer, terms, now) is { } flaw)
        {
            return flaw;
        }

        if (entry is not { IsActive: true } || entry.Provider != offer.Provider)
        {
            return Refuse("provider_inactive", "its provider is not active in the registry");
        }

        // By the set that was current when it was issued: an offer made before a change of keys stays good.
        if (entry.KeysAt(offer.IssuedAt) is not { } keys)
        {
            return Refuse("offer_signer", "it was issued before its provider registered");
        }

        if (CheckEntry(offer, entry, keys) is { } mismatch)
        {
            return mismatch;
        }

        return original.Signer(terms.Domain) == keys.Node
            ? new VerifiedOffer(
                original, offer.Hash(terms.Domain), keys.Node, entry.Stake,
                TrustTiers.Of(entry.Stake, offer.Counting, audited))
            : Refuse("offer_signer", "it is not signed by its provider's node key for this chain and registry");
    }

    /// <summary>What can be said against an offer without asking who its provider is: it costs no read of the chain and
    /// no check of a signature.</summary>
    /// <param name="offer">The offer.</param>
    /// <param name="terms">The reader's network.</param>
    /// <param name="now">Unix seconds.</param>
    /// <returns>Null where there is nothing.</returns>
    public static Refusal? CheckAlone(Offer offer, OfferTerms terms, ulong now)
    {
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(terms);
        return offer.Flaw() ?? CheckTimes(offer, now) ?? CheckPrices(offer) ?? CheckNetwork(offer, terms);
    }

    private static Refusal? CheckTimes(Offer offer, ulong now)
    {
        if (offer.Expiry <= now)
        {
            return Refuse("offer_expired", "it has expired");
        }

        if (offer.IssuedAt > now && offer.IssuedAt - now > ClockSkewSeconds)
        {
            return Refuse("offer_early", "it was issued in the future; compare the clocks");
        }

        return offer.Expiry - offer.IssuedAt > MaxLifeSeconds
            ? Refuse("offer_too_long", $"it runs for more than {MaxLifeSeconds} s")
            : null;
    }

    private static Refusal? CheckPrices(Offer offer)
    {
        if (offer.InputPrice > MaxPrice || offer.CachedPrice > MaxPrice || offer.OutputPrice > MaxPrice)
        {
            return Refuse("offer_price", "its price is beyond any sense");
        }

        return offer.CachedPrice > offer.InputPrice
            ? Refuse("offer_price", "it asks more for cached input than for fresh input")
            : null;
    }

    private static Refusal? CheckNetwork(Offer offer, OfferTerms terms)
    {
        if (offer.Escrow != terms.Escrow)
        {
            return Refuse("offer_escrow", "it is paid through another escrow than this network's");
        }

        if (offer.Currency != terms.Currency)
        {
            return Refuse("offer_currency", "it is priced in another currency than this network's");
        }

        return offer.WithdrawDelay < terms.LeastWithdrawDelay || offer.WithdrawDelay > terms.GreatestWithdrawDelay
            ? Refuse("offer_withdraw_delay", "its withdrawDelay is outside what this vault allows")
            : null;
    }

    private static Refusal? CheckEntry(Offer offer, RegistryEntry entry, KeySet keys)
    {
        if (offer.Payout != keys.Payout)
        {
            return Refuse("offer_payout", "its payout is not the registered one");
        }

        if (offer.Authorizer != keys.Authorizer)
        {
            return Refuse("offer_authorizer", "its authorizer is not the registered one");
        }

        return string.Equals(offer.Endpoint, entry.Endpoint, StringComparison.Ordinal)
            ? null
            : Refuse("offer_endpoint", "its endpoint is not the registered one");
    }

    private static Refusal Refuse(string code, string problem) =>
        new(Fault.Theirs, code, $"The offer is not used: {problem}.");
}
