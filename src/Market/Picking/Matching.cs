using System.Collections.Immutable;
using Souk.Market.Offers;
using Souk.Market.Pricing;
using Souk.Protocol;

namespace Souk.Market.Picking;

/// <summary>Who can serve a request, and in which order to ask.</summary>
public static class Matching
{
    /// <summary>How many of the best candidates share the traffic.</summary>
    public const int SharedAmong = 3;

    // A provider that always fails is as good as one five times dearer; ten seconds of waiting double the price. Both
    // only order candidates: no money depends on them.
    private const double FailureWeight = 4;
    private const double WaitSecondsPerPrice = 10;

    /// <summary>
    /// Sorts the offers for the models that will do into those that fit, best first, and those that do not, each with
    /// its reason. Requirements come first and price second.
    /// </summary>
    /// <param name="needs">What the request needs.</param>
    /// <param name="book">The market.</param>
    /// <param name="now">Unix seconds.</param>
    /// <param name="measured">What was measured of an offer's provider; null for nothing.</param>
    /// <param name="isUsable">
    /// What else the caller needs of a candidate, such as an idle funded channel; null where it is usable.
    /// </param>
    public static Ranking Rank(
        Requirements needs, OfferBook book, ulong now, Func<ListedOffer, Measured?>? measured = null,
        Func<ListedOffer, WorstCase, Refusal?>? isUsable = null)
    {
        ArgumentNullException.ThrowIfNull(needs);
        ArgumentNullException.ThrowIfNull(book);
        var fitting = new List<Candidate>();
        var others = ImmutableArray.CreateBuilder<PassedOver>();
        foreach (var listed in needs.Models.Distinct().SelectMany(book.For))
        {
            var known = measured?.Invoke(listed) ?? Measured.Nothing;
            if (Judge(needs, listed, known, now, isUsable).TryGet(out var candidate, out var refusal))
            {
                fitting.Add(candidate);
            }
            else
            {
                others.Add(new PassedOver(listed, refusal));
            }
        }

        var ordered = fitting
            .OrderBy(candidate => candidate.Score)
            .ThenByDescending(candidate => candidate.Listed.Verified.Tier)
            .ThenByDescending(candidate => candidate.Listed.Verified.Stake)
            .ThenBy(candidate => candidate.Listed.Offer.Provider)
            .ThenBy(candidate => candidate.Listed.Offer.ModelDigest);
        return new Ranking([.. ordered], others.ToImmutable());
    }

    /// <summary>
    /// Chooses one of the best candidates at random, each with a weight of one over its score squared, so that the
    /// cheapest gets most of the traffic and the next still show what they can do.
    /// </summary>
    /// <param name="ranking">Best first.</param>
    /// <param name="randomness">Injected, so that a run can be repeated.</param>
    /// <param name="among">How many of the best take part, at least 1.</param>
    /// <returns>Null where there is no candidate.</returns>
    public static Candidate? Choose(Ranking ranking, Randomness randomness, int among = SharedAmong)
    {
        ArgumentNullException.ThrowIfNull(ranking);
        ArgumentNullException.ThrowIfNull(randomness);
        ArgumentOutOfRangeException.ThrowIfLessThan(among, 1);
        var best = ranking.Candidates.Take(among).ToList();
        if (best.Count == 0)
        {
            return null;
        }

        var weights = best.ConvertAll(candidate => 1 / (candidate.Score * candidate.Score));
        var at = randomness.NextDouble() * weights.Sum();
        for (var i = 0; i < best.Count - 1; i++)
        {
            at -= weights[i];
            if (at < 0)
            {
                return best[i];
            }
        }

        return best[^1];
    }

    private static Result<Candidate> Judge(
        Requirements needs, ListedOffer listed, Measured measured, ulong now,
        Func<ListedOffer, WorstCase, Refusal?>? isUsable)
    {
        if ((CheckMarket(needs, listed, measured, now) ?? CheckWork(needs, listed.Offer)) is { } refusal)
        {
            return refusal;
        }

        var offer = listed.Offer;
        var question = new WorstCaseQuestion(
            offer.Prices, needs.PromptTokens, needs.Choices, needs.AppLimit, (ulong)offer.MaxOutput,
            (ulong)offer.Context, (ulong)offer.SliceLeast, needs.Available)
        {
            IsBound = needs.IsBound,
        };
        if (!WorstCase.Of(question).TryGet(out var worst, out var unaffordable))
        {
            return unaffordable;
        }

        if (isUsable?.Invoke(listed, worst) is { } unusable)
        {
            return unusable;
        }

        var output = Math.Min(needs.TypicalOutput, worst.OutputTokens);
        var cost = Charge.Of(offer.Prices, needs.PromptTokens, 0, output);
        return new Candidate(listed, worst, cost, Score(cost, output, measured));
    }

    private static Refusal? CheckMarket(Requirements needs, ListedOffer listed, Measured measured, ulong now)
    {
        var offer = listed.Offer;
        if (needs.Provider is { } only && only != offer.Provider)
        {
            return Pass("provider_not_asked", "Another provider was asked for.");
        }

        if (needs.Avoided.Contains(offer.Provider))
        {
            return Pass("provider_avoided", "This provider failed the request already, or is blocked.");
        }

        if (offer.Concurrency == 0)
        {
            return Pass("offer_withdrawn", "The offer was withdrawn.");
        }

        if (!listed.IsLive(now))
        {
            return Pass("offer_silent", "The offer expired, or its provider has fallen silent.");
        }

        if (measured.InFlight >= offer.Concurrency)
        {
            return Pass("provider_full", $"All its {offer.Concurrency} places are taken by this gateway.");
        }

        return listed.Verified.Tier < needs.LeastTier
            ? Pass("tier_too_low", $"Its trust tier is {listed.Verified.Tier}, below {needs.LeastTier}.")
            : null;
    }

    private static Refusal? CheckWork(Requirements needs, Offer offer)
    {
        if (needs.Region is { } region && !string.Equals(region, offer.Region, StringComparison.OrdinalIgnoreCase))
        {
            return Pass("region_mismatch", "It is in another region.");
        }

        var missing = needs.Features.FirstOrDefault(feature => !offer.Features.Contains(feature));
        if (missing is not null)
        {
            return Pass("feature_missing", $"It does not offer {missing}.");
        }

        return needs.PriceCap is { } cap
            && (offer.InputPrice > cap.Input || offer.CachedPrice > cap.Cached || offer.OutputPrice > cap.Output)
            ? Pass("price_above_cap", "Its price is above the cap.")
            : null;
    }

    private static double Score(Amount cost, ulong output, Measured measured)
    {
        var streaming = measured.TokensPerSecond > 0 ? output / measured.TokensPerSecond : 0;
        var wait = measured.FirstTokenSeconds + streaming;
        // One more than the cost, so that free offers too are ordered by what was measured.
        return ((double)cost.Units + 1) * (1 + (FailureWeight * measured.FailureRate))
            * (1 + (wait / WaitSecondsPerPrice));
    }

    private static Refusal Pass(string code, string message) => new(Fault.Nobody, code, message);
}
