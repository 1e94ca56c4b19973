using Souk.Market.Offers;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Offers;

public sealed class OfferRulesTests
{
    public static TheoryData<string, Func<Offer, Offer>> Unfit => new()
    {
        { "offer_malformed", offer => offer with { Context = 0 } },
        { "offer_malformed", offer => offer with { Endpoint = "file:///etc/passwd" } },
        { "offer_expired", offer => offer with { IssuedAt = Now - 600, Expiry = Now } },
        { "offer_early", offer => offer with { IssuedAt = Now + 61, Expiry = Now + 661 } },
        { "offer_too_long", offer => offer with { Expiry = Now + 901 } },
        { "offer_too_long", offer => offer with { Expiry = ulong.MaxValue } },
        { "offer_price", offer => offer with { InputPrice = Amount.MaxValue } },
        { "offer_price", offer => offer with { OutputPrice = new Amount((UInt128.One << 80) + 1) } },
        { "offer_price", offer => offer with { CachedPrice = Units(1_000_001) } },
        { "offer_escrow", offer => offer with { Escrow = AddressOf(50) } },
        { "offer_currency", offer => offer with { Currency = AddressOf(50) } },
        { "offer_payout", offer => offer with { Payout = AddressOf(50) } },
        { "offer_authorizer", offer => offer with { Authorizer = AddressOf(50) } },
        { "offer_endpoint", offer => offer with { Endpoint = "https://evil.example:8443" } },
        { "offer_endpoint", offer => offer with { Endpoint = offer.Endpoint + "/" } },
        { "provider_inactive", offer => offer with { Provider = AddressOf(50) } },
    };

    [Fact]
    public void A_registered_providers_signed_offer_is_believed()
    {
        var verified = Verify(Sign(TheOffer)).Value;
        Assert.Equal(
            (TheOffer.Hash(Domain), Node.Address, Units(77), TrustTier.Unaudited),
            (verified.Hash, verified.NodeKey, verified.Stake, verified.Tier));
    }

    [Theory]
    [MemberData(nameof(Unfit), DisableDiscoveryEnumeration = true)]
    public void What_does_not_fit_is_refused(string code, Func<Offer, Offer> change)
    {
        var offer = change(TheOffer);
        var signature = Node.Sign(Eip712.Digest(Domain.Domain, offer.StructHash()));
        var refusal = Verify(new Signed<Offer>(offer, signature)).Refusal;
        Assert.Equal((code, Fault.Theirs), (refusal?.Code, refusal!.Fault));
    }

    [Fact]
    public void A_clone_of_anothers_offer_is_refused()
    {
        // The cloner copies every field and signs with its own key, or names itself and keeps the rest.
        Refuses("offer_signer", Verify(Signed<Offer>.Sign(TheOffer, Stranger, Domain)));
        var cloner = Entry with
        {
            Provider = AddressOf(60), KeySets = [new KeySet(Stranger.Address, AddressOf(61), AddressOf(62), 500)],
        };
        var clone = Signed<Offer>.Sign(TheOffer with { Provider = AddressOf(60) }, Stranger, Domain);
        Refuses("offer_payout", OfferRules.Verify(clone, cloner, Terms, TrustTier.Unaudited, Now));
    }

    [Fact]
    public void An_offer_for_another_chain_or_registry_is_refused()
    {
        Refuses("offer_signer", Verify(Signed<Offer>.Sign(TheOffer, Node, new SoukDomain(1, Domain.Contract))));
        Refuses("offer_signer", Verify(Signed<Offer>.Sign(TheOffer, Node, new SoukDomain(31337, AddressOf(50)))));
    }

    [Fact]
    public void A_provider_that_never_registered_or_has_left_is_refused()
    {
        Refuses("provider_inactive", OfferRules.Verify(Sign(TheOffer), null, Terms, TrustTier.Exact, Now));
        Refuses("provider_inactive", Verify(Sign(TheOffer), Entry with { IsActive = false }));
    }

    [Fact]
    public void An_old_node_key_is_good_for_offers_issued_before_the_change()
    {
        var changed = Entry with
        {
            KeySets = [.. Entry.KeySets, new KeySet(Stranger.Address, TheOffer.Payout, TheOffer.Authorizer, Now + 10)],
        };
        Assert.Equal(Node.Address, Verify(Sign(TheOffer), changed).Value.NodeKey);
        var later = TheOffer with { IssuedAt = Now + 10 };
        Refuses("offer_signer", Verify(Sign(later), changed));
        Assert.Equal(
            Stranger.Address, Verify(Signed<Offer>.Sign(later, Stranger, Domain), changed).Value.NodeKey);
        Refuses("offer_signer", Verify(Sign(TheOffer), Entry with
        {
            KeySets = [Entry.KeySets[0] with { Since = Now + 1 }],
        }));
    }

    [Fact]
    public void A_delay_outside_what_the_vault_allows_is_refused()
    {
        var terms = Terms with { LeastWithdrawDelay = 86_400, GreatestWithdrawDelay = 86_400 };
        Assert.True(OfferRules.Verify(Sign(TheOffer), Entry, terms, TrustTier.Unaudited, Now).IsOk);
        foreach (var delay in new uint[] { 86_399, 86_401 })
        {
            var other = Sign(TheOffer with { WithdrawDelay = delay });
            Refuses(
                "offer_withdraw_delay", OfferRules.Verify(other, Entry, terms, TrustTier.Unaudited, Now));
        }
    }

    [Theory]
    [InlineData(0UL, CountingKinds.Ids, TrustTier.Exact, TrustTier.New)]
    [InlineData(1UL, CountingKinds.Ids, TrustTier.New, TrustTier.Unaudited)]
    [InlineData(1UL, CountingKinds.Ids, TrustTier.Replayed, TrustTier.Replayed)]
    [InlineData(1UL, CountingKinds.Usage, TrustTier.Replayed, TrustTier.Unaudited)]
    public void A_tier_is_derived_from_stake_counting_and_audits(
        ulong stake, string counting, TrustTier audited, TrustTier expected) =>
        Assert.Equal(expected, TrustTiers.Of(Units(stake), counting, audited));

    private static Result<VerifiedOffer> Verify(Signed<Offer> original, RegistryEntry? entry = null) =>
        OfferRules.Verify(original, entry ?? Entry, Terms, TrustTier.Unaudited, Now);

    private static void Refuses(string code, Result<VerifiedOffer> result) =>
        Assert.Equal((code, Fault.Theirs), (result.Refusal?.Code, result.Refusal!.Fault));
}
