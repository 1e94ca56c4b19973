using System.Collections.Immutable;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Selling;

/// <summary>
/// The provider's side of promised money: channels with their vouchers and earnings, requests, receipts for a day,
/// and the offers that are honoured.
/// </summary>
public sealed record ProviderBook : IBook<ProviderBook>
{
    /// <summary>How long a receipt is served after its request ended, in milliseconds: 24 hours.</summary>
    public const ulong ReceiptKeptMs = 86_400_000;

    /// <inheritdoc/>
    public static ProviderBook Empty { get; } = new();

    /// <summary>Channels by id.</summary>
    public ImmutableSortedDictionary<Bytes32, ProviderChannel> Channels { get; private init; } =
        ImmutableSortedDictionary<Bytes32, ProviderChannel>.Empty;

    /// <summary>Requests by id: open ones, and ended ones until a day later.</summary>
    public ImmutableDictionary<RequestId, ProviderRequest> Requests { get; private init; } =
        ImmutableDictionary<RequestId, ProviderRequest>.Empty;

    /// <summary>Offers by hash, until a day after they expired.</summary>
    public ImmutableSortedDictionary<Bytes32, Signed<Offer>> Offers { get; private init; } =
        ImmutableSortedDictionary<Bytes32, Signed<Offer>>.Empty;

    /// <summary>The highest sequence number of an offer, by model digest; the next offer's is higher.</summary>
    public ImmutableSortedDictionary<Bytes32, ulong> OfferSequences { get; private init; } =
        ImmutableSortedDictionary<Bytes32, ulong>.Empty;

    /// <summary>Claims under way, by id.</summary>
    public ImmutableSortedDictionary<Bytes32, PendingClaim> Claims { get; private init; } =
        ImmutableSortedDictionary<Bytes32, PendingClaim>.Empty;

    /// <summary>When the latest claims were mined and how long that took, oldest first, both in Unix milliseconds;
    /// at most 16.</summary>
    public ImmutableList<(ulong AtMs, ulong TookMs)> ClaimTimes { get; private init; } = [];

    /// <summary>Since when there has been an attempt to claim, without one that was mined; null where none is under
    /// way.</summary>
    public ulong? TryingSinceMs { get; private init; }

    /// <summary>Receivers for whom was claimed what was not paid out yet, and since when, in Unix
    /// milliseconds.</summary>
    public ImmutableSortedDictionary<Address, ulong> OwedSinceMs { get; private init; } =
        ImmutableSortedDictionary<Address, ulong>.Empty;

    /// <summary>Everything that receipts have ever charged.</summary>
    public Amount Earned { get; private init; }

    /// <summary>Everything ever booked as lost.</summary>
    public Amount Losses { get; private init; }

    /// <summary>Everything that was paid out to receivers.</summary>
    public Amount PaidOut { get; private init; }

    /// <summary>Requests without receipt, by channel, then index; after a crash each needs its receipt.</summary>
    public IReadOnlyList<ProviderRequest> Open() =>
        [.. Requests.Values
            .Where(request => request.IsOpen)
            .OrderBy(request => request.Admitted.ChannelId)
            .ThenBy(request => request.Admitted.Index)];

    /// <inheritdoc/>
    public ProviderBook Apply(LedgerEvent happened) => happened switch
    {
        OfferIssued row => ProviderEvents.Apply(this, row),
        ChannelSeen row => ProviderEvents.Apply(this, row),
        AcceptanceSigned row => ProviderEvents.Apply(this, row),
        VoucherAccepted row => ProviderEvents.Apply(this, row),
        RequestAdmitted row => ProviderEvents.Apply(this, row),
        PrefillBegun row => ProviderEvents.Apply(this, row),
        DeliveryCounted row => ProviderEvents.Apply(this, row),
        ReceiptSigned row => ProviderEvents.Apply(this, row),
        ClaimSubmitted row => ClaimEvents.Apply(this, row),
        ClaimMined row => ClaimEvents.Apply(this, row),
        ClaimFailed row => ClaimEvents.Apply(this, row),
        Settled row => this with { PaidOut = PaidOut + row.Amount, OwedSinceMs = OwedSinceMs.Remove(row.Receiver) },
        RefundSubmitted row => RefundEvents.Apply(this, row),
        RefundEnded row => RefundEvents.Apply(this, row),
        LossBooked row => ProviderEvents.Apply(this, row),
        ProviderChannelMended row => ProviderMending.Apply(this, row),
        LedgerRepaired => ProviderMending.Doubted(this),
        _ => throw new InvalidOperationException($"{happened.GetType().Name} is no event of a provider."),
    };

    /// <summary>
    /// Drops receipts and offers that are more than a day old. Channels and earnings stay, and so does the offer of a
    /// request that has no receipt yet.
    /// </summary>
    public ProviderBook Forget(ulong nowMs)
    {
        if (nowMs < ReceiptKeptMs)
        {
            return this;
        }

        var before = nowMs - ReceiptKeptMs;
        var inUse = Open().Select(request => request.Admitted.OfferHash).ToHashSet();
        return this with
        {
            Requests = Requests.RemoveRange(Requests
                .Where(request => !request.Value.IsOpen && request.Value.EndedAtMs < before)
                .Select(request => request.Key)),
            Offers = Offers.RemoveRange(Offers
                .Where(offer => offer.Value.Message.Expiry < before / 1000 && !inUse.Contains(offer.Key))
                .Select(offer => offer.Key)),
        };
    }

    internal ProviderBook With(ProviderChannel channel) =>
        this with { Channels = Channels.SetItem(channel.Id, channel) };

    internal ProviderBook With(ProviderRequest request) =>
        this with { Requests = Requests.SetItem(request.Admitted.Request, request) };

    internal ProviderBook With(ImmutableSortedDictionary<Bytes32, PendingClaim> claims) =>
        this with { Claims = claims };

    internal ProviderBook Without(RequestId? request) =>
        request is { } id ? this with { Requests = Requests.Remove(id) } : this;

    internal ProviderBook WithOffer(OfferIssued row) => this with
    {
        Offers = Offers.SetItem(row.OfferHash, row.Offer),
        OfferSequences = OfferSequences.SetItem(row.Offer.Message.ModelDigest, row.Offer.Message.Sequence),
    };

    internal ProviderBook WithTrying(ulong? sinceMs) => this with { TryingSinceMs = sinceMs };

    internal ProviderBook WithMeasured(ulong atMs)
    {
        const int Kept = 16;
        var took = TryingSinceMs is { } since && since < atMs ? atMs - since : 0;
        return this with { ClaimTimes = [.. ClaimTimes.TakeLast(Kept - 1), (atMs, took)] };
    }

    internal ProviderBook WithOwed(Address receiver, ulong sinceMs) =>
        OwedSinceMs.ContainsKey(receiver) ? this : this with { OwedSinceMs = OwedSinceMs.Add(receiver, sinceMs) };

    internal ProviderBook WithEarned(Amount charge) => this with { Earned = Earned + charge };

    internal ProviderBook WithLoss(Amount amount) => this with { Losses = Losses + amount };

    internal ProviderChannel Channel(Bytes32 id) =>
        Channels.GetValueOrDefault(id) ?? throw new InvalidOperationException($"There is no channel {id}.");
}
