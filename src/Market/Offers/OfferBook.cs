using System.Collections.Immutable;
using Souk.Protocol;

namespace Souk.Market.Offers;

/// <summary>An offer in the book and its newest sign of life.</summary>
/// <param name="Verified">The offer.</param>
/// <param name="Heartbeat">The number of the newest heartbeat seen; 0 is the anchor itself.</param>
public sealed record ListedOffer(VerifiedOffer Verified, int Heartbeat)
{
    /// <summary>The offer.</summary>
    public Offer Offer => Verified.Offer;

    /// <summary>
    /// Unix seconds from which it is no longer live: heartbeat i is live while
    /// i >= floor((now - issuedAt) / period) - 2.
    /// </summary>
    public ulong LiveUntil => Offer.IssuedAt + (((ulong)Heartbeat + 3) * Souk.Protocol.Heartbeat.PeriodSeconds);

    /// <summary>True while it has neither expired nor fallen silent.</summary>
    public bool IsLive(ulong now) => now < LiveUntil && now < Offer.Expiry;
}

/// <summary>
/// The reader's copy of the market: the newest verified offer of every provider and model. Immutable; each change
/// gives another book. Bounded, so that a flood of offers cannot fill it.
/// </summary>
public sealed record OfferBook
{
    /// <summary>The most offers of one provider.</summary>
    public const int MaxPerProvider = 256;

    /// <summary>The most offers altogether.</summary>
    public const int MaxOffers = 100_000;

    /// <summary>No offers.</summary>
    public static OfferBook Empty { get; } = new();

    /// <summary>How many offers there are.</summary>
    public int Count { get; private init; }

    private ImmutableSortedDictionary<Bytes32, ImmutableSortedDictionary<Address, ListedOffer>> ByModel
    {
        get; init;
    } = ImmutableSortedDictionary<Bytes32, ImmutableSortedDictionary<Address, ListedOffer>>.Empty;

    private ImmutableSortedDictionary<Address, int> PerProvider { get; init; } =
        ImmutableSortedDictionary<Address, int>.Empty;

    /// <summary>Every offer, by model digest, then provider.</summary>
    public IEnumerable<ListedOffer> All => ByModel.Values.SelectMany(model => model.Values);

    /// <summary>The offers for a model, by provider.</summary>
    public IEnumerable<ListedOffer> For(Bytes32 modelDigest) =>
        ByModel.TryGetValue(modelDigest, out var offers) ? offers.Values : [];

    /// <summary>One provider's offer for a model; null where there is none.</summary>
    public ListedOffer? Find(Address provider, Bytes32 modelDigest) =>
        ByModel.TryGetValue(modelDigest, out var offers) ? offers.GetValueOrDefault(provider) : null;

    /// <summary>
    /// Adds an offer in place of an older one. A repeated offer changes nothing; a lower sequence is refused, and so
    /// are two offers with one sequence.
    /// </summary>
    public Result<OfferBook> Add(VerifiedOffer verified)
    {
        ArgumentNullException.ThrowIfNull(verified);
        var offer = verified.Offer;
        var known = Find(offer.Provider, offer.ModelDigest);
        if (known is not null && offer.Sequence <= known.Offer.Sequence)
        {
            if (verified.Hash == known.Verified.Hash)
            {
                return Put(known with { Verified = verified });
            }

            return offer.Sequence == known.Offer.Sequence
                ? Refuse("offer_equivocal", "Two different offers carry the same sequence number.")
                : Refuse("offer_superseded", $"An offer with the higher sequence {known.Offer.Sequence} is known.");
        }

        var listed = new ListedOffer(verified, 0);
        if (known is not null)
        {
            return Put(listed);
        }

        if (PerProvider.GetValueOrDefault(offer.Provider) >= MaxPerProvider)
        {
            return Refuse("offers_too_many", $"A provider has at most {MaxPerProvider} offers.");
        }

        return Count >= MaxOffers
            ? new Refusal(Fault.Nobody, "book_full", $"The book holds its {MaxOffers} offers.")
            : Put(listed) with
            {
                Count = Count + 1,
                PerProvider = PerProvider.SetItem(
                    offer.Provider, PerProvider.GetValueOrDefault(offer.Provider) + 1),
            };
    }

    /// <summary>
    /// Takes a heartbeat. One that is not newer changes nothing; one that is not the offer's, or was opened too
    /// early, is refused.
    /// </summary>
    /// <param name="provider">Whose.</param>
    /// <param name="modelDigest">Of the offer for which model.</param>
    /// <param name="value">The value that hashes to the offer's anchor.</param>
    /// <param name="now">Unix seconds.</param>
    public Result<OfferBook> Beat(Address provider, Bytes32 modelDigest, Bytes32 value, ulong now)
    {
        if (Find(provider, modelDigest) is not { } listed)
        {
            return Refuse("offer_unknown", "The heartbeat is of no offer in the book.");
        }

        if (Heartbeat.IndexOf(listed.Offer.HeartbeatAnchor, value) is not { } index)
        {
            return Refuse("heartbeat_foreign", "The heartbeat does not hash to the offer's anchor.");
        }

        var elapsed = now > listed.Offer.IssuedAt ? (now - listed.Offer.IssuedAt) / Heartbeat.PeriodSeconds : 0;
        if ((ulong)index > elapsed + 1)
        {
            return Refuse("heartbeat_early", "The heartbeat was opened before its time; compare the clocks.");
        }

        return index > listed.Heartbeat ? Put(listed with { Heartbeat = index }) : this;
    }

    /// <summary>The book without what has expired by now (Unix seconds).</summary>
    public OfferBook Expire(ulong now) =>
        All.Where(listed => listed.Offer.Expiry <= now).ToList()
            .Aggregate(this, (book, listed) => book.Remove(listed));

    /// <summary>The book without a provider's offers, as when it leaves the registry or changes its keys.</summary>
    public OfferBook Without(Address provider) =>
        All.Where(listed => listed.Offer.Provider == provider).ToList()
            .Aggregate(this, (book, listed) => book.Remove(listed));

    private OfferBook Put(ListedOffer listed)
    {
        var offers = ByModel.GetValueOrDefault(
            listed.Offer.ModelDigest, ImmutableSortedDictionary<Address, ListedOffer>.Empty);
        return this with
        {
            ByModel = ByModel.SetItem(listed.Offer.ModelDigest, offers.SetItem(listed.Offer.Provider, listed)),
        };
    }

    private OfferBook Remove(ListedOffer listed)
    {
        var (provider, model) = (listed.Offer.Provider, listed.Offer.ModelDigest);
        var offers = ByModel[model].Remove(provider);
        var left = PerProvider[provider] - 1;
        return this with
        {
            Count = Count - 1,
            ByModel = offers.IsEmpty ? ByModel.Remove(model) : ByModel.SetItem(model, offers),
            PerProvider = left == 0 ? PerProvider.Remove(provider) : PerProvider.SetItem(provider, left),
        };
    }

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);
}
