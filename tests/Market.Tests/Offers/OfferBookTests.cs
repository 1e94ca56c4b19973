using CsCheck;
using Souk.Market.Offers;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Offers;

public sealed class OfferBookTests
{
    private static readonly OfferBook One = OfferBook.Empty.Add(Verified(TheOffer)).Value;

    [Fact]
    public void A_newer_offer_replaces_an_older_one()
    {
        var newer = One.Add(Verified(TheOffer with { Sequence = 6 })).Value;
        Assert.Equal(6UL, Assert.Single(newer.All).Offer.Sequence);
        Assert.Equal(5UL, Assert.Single(One.All).Offer.Sequence);
        Assert.Equal(1, newer.Count);
        Assert.Equal("offer_superseded", newer.Add(Verified(TheOffer)).Refusal?.Code);
    }

    [Fact]
    public void A_repeated_offer_keeps_its_sign_of_life()
    {
        var alive = One.Beat(TheOffer.Provider, Model, Beats.At(Now + 40), Now + 40).Value;
        Assert.Equal(4, Assert.Single(alive.Add(Verified(TheOffer)).Value.All).Heartbeat);
    }

    [Fact]
    public void Two_offers_with_one_sequence_are_refused() =>
        Assert.Equal("offer_equivocal", One.Add(Verified(TheOffer with { Region = "other" })).Refusal?.Code);

    [Fact]
    public void Offers_are_found_by_model_and_provider()
    {
        var other = TheOffer with { Provider = AddressOf(8) };
        var second = TheOffer with { ModelDigest = Hash("second") };
        var book = One.Add(Verified(other)).Value.Add(Verified(second)).Value;
        Assert.Equal([AddressOf(8), AddressOf(9)], book.For(Model).Select(listed => listed.Offer.Provider));
        Assert.Equal([AddressOf(9)], book.For(Hash("second")).Select(listed => listed.Offer.Provider));
        Assert.Empty(book.For(Hash("third")));
        Assert.Equal(3, book.Count);
        Assert.Equal(Hash("second"), book.Find(AddressOf(9), Hash("second"))?.Offer.ModelDigest);
        Assert.Null(book.Find(AddressOf(8), Hash("second")));
        var without = book.Without(AddressOf(9));
        Assert.Equal([AddressOf(8)], without.All.Select(listed => listed.Offer.Provider));
        Assert.Equal(1, without.Count);
    }

    [Fact]
    public void Expired_offers_are_dropped()
    {
        var book = One.Add(Verified(TheOffer with { Provider = AddressOf(8), Expiry = Now + 700 })).Value;
        Assert.Equal([AddressOf(8)], book.Expire(Now + 600).All.Select(listed => listed.Offer.Provider));
        Assert.Equal(2, book.Expire(Now + 599).Count);
    }

    [Theory]
    [InlineData(0UL, 29UL)]
    [InlineData(10UL, 39UL)]
    [InlineData(300UL, 329UL)]
    [InlineData(600UL, 599UL)] // The offer ends before its heartbeat falls silent.
    public void An_offer_is_live_for_two_missed_heartbeats(ulong beatAt, ulong lastLive)
    {
        var book = One.Beat(TheOffer.Provider, Model, Beats.At(Now + beatAt), Now + beatAt).Value;
        var listed = Assert.Single(book.All);
        Assert.True(listed.IsLive(Now + lastLive));
        Assert.False(listed.IsLive(Now + lastLive + 1));
        // The protocol's own rule says the same.
        if (lastLive < 599)
        {
            var value = Beats.At(Now + beatAt);
            Assert.True(Heartbeat.IsLive(TheOffer.HeartbeatAnchor, Now, value, Now + lastLive));
            Assert.False(Heartbeat.IsLive(TheOffer.HeartbeatAnchor, Now, value, Now + lastLive + 1));
        }
    }

    [Fact]
    public void A_false_or_early_heartbeat_is_refused()
    {
        Assert.Equal("heartbeat_foreign", One.Beat(TheOffer.Provider, Model, Hash("x"), Now).Refusal?.Code);
        Assert.Equal("heartbeat_early", One.Beat(TheOffer.Provider, Model, Beats.At(Now + 20), Now + 9).Refusal?.Code);
        Assert.True(One.Beat(TheOffer.Provider, Model, Beats.At(Now + 20), Now + 10).IsOk);
        Assert.Equal("offer_unknown", One.Beat(AddressOf(8), Model, Beats.At(Now), Now).Refusal?.Code);
    }

    [Fact]
    public void An_old_heartbeat_changes_nothing()
    {
        var alive = One.Beat(TheOffer.Provider, Model, Beats.At(Now + 50), Now + 50).Value;
        var again = alive.Beat(TheOffer.Provider, Model, Beats.At(Now + 20), Now + 50).Value;
        Assert.Equal(5, Assert.Single(again.All).Heartbeat);
    }

    [Fact]
    public void A_flood_of_offers_fills_only_its_providers_share()
    {
        var book = OfferBook.Empty;
        for (var i = 0; i < OfferBook.MaxPerProvider; i++)
        {
            book = book.Add(Plain(TheOffer with { ModelDigest = Hash($"{i}") })).Value;
        }

        var another = Plain(TheOffer with { ModelDigest = Hash("one more") });
        Assert.Equal("offers_too_many", book.Add(another).Refusal?.Code);
        Assert.True(book.Add(Plain(TheOffer with { ModelDigest = Hash("7"), Sequence = 6 })).IsOk);
        Assert.True(book.Add(Plain(TheOffer with { Provider = AddressOf(8) })).IsOk);
        Assert.True(book.Without(TheOffer.Provider).Add(Plain(TheOffer)).IsOk);
    }

    [Fact]
    public void Any_sequence_of_changes_leaves_what_a_dictionary_would_hold()
    {
        // Hashing an offer takes longer than anything the book does, so each is made once.
        var offers = new System.Collections.Concurrent.ConcurrentDictionary<(byte, int, ulong), VerifiedOffer>();
        Gen.Select(Gen.Byte[0, 3], Gen.Int[0, 3], Gen.ULong[1, 4], Gen.Int[0, 9]).Array[0, 40].Sample(steps =>
        {
            var book = OfferBook.Empty;
            var model = new SortedDictionary<(Bytes32, Address), ulong>();
            foreach (var (provider, digest, sequence, action) in steps)
            {
                var verified = offers.GetOrAdd((provider, digest, sequence), _ => Plain(TheOffer with
                {
                    Provider = AddressOf(provider), ModelDigest = Hash($"{digest}"), Sequence = sequence,
                }));
                var offer = verified.Offer;
                var key = (offer.ModelDigest, offer.Provider);
                if (action == 0)
                {
                    book = book.Without(offer.Provider);
                    model.Keys.Where(known => known.Item2 == offer.Provider).ToList()
                        .ForEach(known => model.Remove(known));
                    continue;
                }

                book = book.Add(verified).TryGet(out var next, out _) ? next : book;
                model[key] = Math.Max(model.GetValueOrDefault(key), sequence);
            }

            Assert.Equal(model.Count, book.Count);
            Assert.Equal(
                model.Select(known => (known.Key.Item1, known.Key.Item2, known.Value)),
                book.All.Select(listed => (listed.Offer.ModelDigest, listed.Offer.Provider, listed.Offer.Sequence)));
        }, iter: 300);
    }

    // The book does not look at signatures, and a thousand of them take their time.
    private static VerifiedOffer Plain(Offer offer) =>
        new(new Signed<Offer>(offer, default), offer.Hash(Domain), Node.Address, Entry.Stake, TrustTier.Unaudited);
}
