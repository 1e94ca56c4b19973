using Souk.Market.Offers;
using Souk.Market.Picking;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Picking;

public sealed class MatchingTests
{
    private static readonly Requirements Needs = new()
    {
        Models = [Model], PromptTokens = 100, AppLimit = 200, Available = Units(1_000_000),
    };

    private static readonly OfferBook Book = Of(TheOffer);

    public static TheoryData<string, Requirements> Unmet => new()
    {
        { "provider_not_asked", Needs with { Provider = AddressOf(8) } },
        { "provider_avoided", Needs with { Avoided = [AddressOf(9)] } },
        { "region_mismatch", Needs with { Region = "us-east" } },
        { "feature_missing", Needs with { Features = ["json", "vision"] } },
        { "price_above_cap", Needs with { PriceCap = Cap(999_999, 500_000, 2_000_000) } },
        { "price_above_cap", Needs with { PriceCap = Cap(1_000_000, 499_999, 2_000_000) } },
        { "price_above_cap", Needs with { PriceCap = Cap(1_000_000, 500_000, 1_999_999) } },
        { "tier_too_low", Needs with { LeastTier = TrustTier.Scored } },
        { "context_length_exceeded", Needs with { PromptTokens = 4_096 } },
        { "insufficient_funds", Needs with { Available = Units(499) } },
    };

    [Fact]
    public void An_offer_that_meets_every_requirement_is_a_candidate()
    {
        var needs = Needs with
        {
            Provider = AddressOf(9), Region = "EU-west", Features = ["tools"], LeastTier = TrustTier.Unaudited,
            PriceCap = TheOffer.Prices, Available = Units(500),
        };
        var ranking = Matching.Rank(needs, Book, Now);
        Assert.Empty(ranking.PassedOver);
        var candidate = Assert.Single(ranking.Candidates);
        Assert.Equal((Units(500), 200UL), (candidate.Worst.Cost, candidate.Worst.OutputTokens));
        Assert.Equal(Units(500), candidate.ExpectedCost);
    }

    [Theory]
    [MemberData(nameof(Unmet), DisableDiscoveryEnumeration = true)]
    public void The_requirement_that_is_not_met_is_named(string code, Requirements needs) =>
        Assert.Equal(code, OnlyReason(Matching.Rank(needs, Book, Now)));

    [Fact]
    public void A_silent_a_withdrawn_and_a_full_offer_are_passed_over()
    {
        Assert.Equal("offer_silent", OnlyReason(Matching.Rank(Needs, Book, Now + 30)));
        Assert.Equal("offer_withdrawn", OnlyReason(Matching.Rank(Needs, Of(TheOffer with { Concurrency = 0 }), Now)));
        var busy = new Measured(0, 0, 0, InFlight: 4);
        Assert.Equal("provider_full", OnlyReason(Matching.Rank(Needs, Book, Now, _ => busy)));
        Assert.Single(Matching.Rank(Needs, Book, Now, _ => busy with { InFlight = 3 }).Candidates);
    }

    [Fact]
    public void What_the_caller_needs_besides_is_asked_last()
    {
        var refusal = new Refusal(Fault.Ours, "no_idle_channel", "All channels are busy.");
        Assert.Equal("no_idle_channel", OnlyReason(Matching.Rank(Needs, Book, Now, null, (_, _) => refusal)));
        var needs = Needs with { Region = "us-east" };
        Assert.Equal("region_mismatch", OnlyReason(Matching.Rank(needs, Book, Now, null, (_, _) => refusal)));
    }

    [Fact]
    public void Another_model_is_no_candidate_at_all()
    {
        var ranking = Matching.Rank(Needs with { Models = [Hash("other")] }, Book, Now);
        Assert.Empty(ranking.Candidates);
        Assert.Empty(ranking.PassedOver);
    }

    [Fact]
    public void Cheaper_comes_first_then_trust_then_stake_then_address()
    {
        var book = Of(
            TheOffer with { Provider = AddressOf(1), OutputPrice = Units(3_000_000) },
            TheOffer with { Provider = AddressOf(2) },
            TheOffer with { Provider = AddressOf(3), OutputPrice = Units(1_000_000) },
            TheOffer with { Provider = AddressOf(4) });
        book = book.Add(Verified(TheOffer with { Provider = AddressOf(5) }, TrustTier.Replayed)).Value;
        book = book.Add(Verified(TheOffer with { Provider = AddressOf(6) }) with { Stake = Units(78) }).Value;
        var order = Matching.Rank(Needs, book, Now).Candidates.Select(candidate => candidate.Listed.Offer.Provider);
        Assert.Equal([AddressOf(3), AddressOf(5), AddressOf(6), AddressOf(2), AddressOf(4), AddressOf(1)], order);
    }

    [Fact]
    public void The_price_of_this_request_counts_not_one_price_alone()
    {
        var reader = TheOffer with
        {
            Provider = AddressOf(1), InputPrice = Units(600_000), OutputPrice = Units(9_000_000),
        };
        var book = Of(reader, TheOffer);
        Assert.Equal(AddressOf(9), First(Needs, book));
        Assert.Equal(AddressOf(1), First(Needs with { PromptTokens = 4_000, AppLimit = 5 }, book));
    }

    [Fact]
    public void Failures_and_waiting_worsen_the_rank()
    {
        var book = Of(TheOffer, TheOffer with { Provider = AddressOf(8), OutputPrice = Units(2_200_000) });
        Assert.Equal(AddressOf(9), First(Needs, book));
        Assert.Equal(AddressOf(8), First(Needs, book, new Measured(0.5, 0, 0, 0)));
        Assert.Equal(AddressOf(8), First(Needs, book, new Measured(0, 5, 0, 0)));
        Assert.Equal(AddressOf(8), First(Needs, book, new Measured(0, 0, 20, 0)));
        Assert.Equal(AddressOf(9), First(Needs, book, new Measured(0, 0.1, 1_000, 0)));
    }

    [Fact]
    public void The_best_get_most_of_the_traffic_and_the_fourth_gets_none()
    {
        var book = Of([.. Enumerable.Range(1, 4).Select(i => TheOffer with
        {
            Provider = AddressOf((byte)i), InputPrice = Units((ulong)i * 1_000_000), CachedPrice = Units(0),
            OutputPrice = Units((ulong)i * 1_000_000),
        })]);
        var ranking = Matching.Rank(Needs, book, Now);
        var counts = new int[5];
        var randomness = new Sequence();
        for (var i = 0; i < 4_900; i++)
        {
            var chosen = Matching.Choose(ranking, randomness)!.Listed.Offer.Provider;
            counts[chosen.ToBytes()[19]]++;
        }

        // Weights 1, 1/4 and 1/9 of prices 1, 2 and 3: shares of 36, 9 and 4 in 49.
        Assert.InRange(counts[1], 3_450, 3_750);
        Assert.InRange(counts[2], 800, 1_000);
        Assert.InRange(counts[3], 320, 480);
        Assert.Equal(0, counts[4]);
    }

    [Fact]
    public void Of_nothing_nothing_is_chosen()
    {
        Assert.Null(Matching.Choose(new Ranking([], []), new Sequence()));
        var only = Matching.Choose(Matching.Rank(Needs, Book, Now), new Sequence());
        Assert.Equal(AddressOf(9), only?.Listed.Offer.Provider);
    }

    private static Prices Cap(ulong input, ulong cached, ulong output) =>
        new(Units(input), Units(cached), Units(output));

    private static OfferBook Of(params Offer[] offers) =>
        offers.Aggregate(OfferBook.Empty, (book, offer) => book.Add(Verified(offer)).Value);

    private static string OnlyReason(Ranking ranking)
    {
        Assert.Empty(ranking.Candidates);
        return Assert.Single(ranking.PassedOver).Why.Code;
    }

    private static Address First(Requirements needs, OfferBook book, Measured? ofNinth = null) =>
        Matching.Rank(needs, book, Now, listed => listed.Offer.Provider == AddressOf(9) ? ofNinth : null)
            .Candidates[0].Listed.Offer.Provider;

    private sealed class Sequence : Randomness
    {
        private readonly Random _random = new(7);

        public override void Fill(Span<byte> destination) => _random.NextBytes(destination);
    }
}
