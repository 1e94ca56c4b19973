using System.Collections.Immutable;
using Souk.Market.Offers;
using Souk.Market.Pricing;
using Souk.Protocol;

namespace Souk.Market.Picking;

/// <summary>What a request needs of an offer.</summary>
public sealed record Requirements
{
    /// <summary>The model digests that will do: those of the catalogue's entry, or the one that was named.</summary>
    public required ImmutableArray<Bytes32> Models { get; init; }

    /// <summary>The prompt's tokens, or the bound on them where they cannot be counted.</summary>
    public required ulong PromptTokens { get; init; }

    /// <summary>True where <see cref="PromptTokens"/> is only a bound, so that no context is too small for
    /// it.</summary>
    public bool IsBound { get; init; }

    /// <summary>The request's <c>n</c>.</summary>
    public ulong Choices { get; init; } = 1;

    /// <summary>The app's limit on output tokens per choice; null where it gave none.</summary>
    public ulong? AppLimit { get; init; }

    /// <summary>What is left of the API key's budget; it bounds the worst case.</summary>
    public required Amount Available { get; init; }

    /// <summary>Features that the request uses, such as <c>tools</c>.</summary>
    public ImmutableArray<string> Features { get; init; } = [];

    /// <summary>The only region that will do; null for any.</summary>
    public string? Region { get; init; }

    /// <summary>The only provider that will do; null for any.</summary>
    public Address? Provider { get; init; }

    /// <summary>Providers not to ask: those that failed this request already, or that are blocked.</summary>
    public ImmutableHashSet<Address> Avoided { get; init; } = [];

    /// <summary>The highest prices per 1,000,000 tokens; null for any.</summary>
    public Prices? PriceCap { get; init; }

    /// <summary>The lowest trust tier that will do.</summary>
    public TrustTier LeastTier { get; init; } = TrustTier.New;

    /// <summary>Output tokens over all choices by which candidates' prices are compared.</summary>
    public ulong TypicalOutput { get; init; } = SlicePlan.DefaultSliceTokens;
}

/// <summary>What a gateway has measured of a provider for a model.</summary>
/// <param name="FailureRate">Share of requests that ended in a failure, 0 to 1.</param>
/// <param name="FirstTokenSeconds">Typical time to the first token.</param>
/// <param name="TokensPerSecond">Typical rate of output; 0 where it was not measured.</param>
/// <param name="InFlight">This gateway's requests under way there now.</param>
public sealed record Measured(double FailureRate, double FirstTokenSeconds, double TokensPerSecond, int InFlight)
{
    /// <summary>Nothing is known yet.</summary>
    public static Measured Nothing { get; } = new(0, 0, 0, 0);
}

/// <summary>An offer that fits.</summary>
/// <param name="Listed">The offer.</param>
/// <param name="Worst">The most that the request can cost there.</param>
/// <param name="ExpectedCost">Its price for the prompt and the typical output.</param>
/// <param name="Score">The order, lowest first: the expected cost, worsened by what was measured.</param>
public sealed record Candidate(ListedOffer Listed, WorstCase Worst, Amount ExpectedCost, double Score);

/// <summary>An offer that does not fit, and why.</summary>
public sealed record PassedOver(ListedOffer Listed, Refusal Why);

/// <summary>Every offer for the models that will do: those that fit, best first, and those that do not.</summary>
public sealed record Ranking(ImmutableArray<Candidate> Candidates, ImmutableArray<PassedOver> PassedOver);
