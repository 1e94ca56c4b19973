using System.Collections.Immutable;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>
/// The gateway's side of promised money: API keys with their budgets, channels, and requests whose receipt is still
/// to come. Finished requests are not kept here; <see cref="ILedger.FindAsync"/> by request id has them.
/// </summary>
public sealed record CustomerBook : IBook<CustomerBook>
{
    /// <summary>For how many days what was used is kept in memory; the ledger keeps all of it.</summary>
    public const int UseDays = 400;

    private const ulong DaySeconds = 86_400;

    /// <inheritdoc/>
    public static CustomerBook Empty { get; } = new();

    /// <summary>API keys by the hash of the key.</summary>
    public ImmutableSortedDictionary<Bytes32, ApiKeyAccount> ApiKeys { get; private init; } =
        ImmutableSortedDictionary<Bytes32, ApiKeyAccount>.Empty;

    /// <summary>Channels by id, closed ones included.</summary>
    public ImmutableSortedDictionary<Bytes32, CustomerChannel> Channels { get; private init; } =
        ImmutableSortedDictionary<Bytes32, CustomerChannel>.Empty;

    /// <summary>Budget reservations by app request.</summary>
    public ImmutableDictionary<RequestId, Reservation> Reservations { get; private init; } =
        ImmutableDictionary<RequestId, Reservation>.Empty;

    /// <summary>What was used by day, key and model, of the last <see cref="UseDays"/> days.</summary>
    public ImmutableSortedDictionary<UseKey, KeyUse> Uses { get; private init; } =
        ImmutableSortedDictionary<UseKey, KeyUse>.Empty;

    /// <summary>Requests that were sent and have neither receipt nor refusal.</summary>
    public ImmutableDictionary<RequestId, CustomerRequest> Outstanding { get; private init; } =
        ImmutableDictionary<RequestId, CustomerRequest>.Empty;

    /// <summary>By channel, the request to a plain x402 server whose cost is not known yet.</summary>
    public ImmutableSortedDictionary<Bytes32, Purchase> Purchases { get; private init; } =
        ImmutableSortedDictionary<Bytes32, Purchase>.Empty;

    /// <summary>Offers that price the outstanding requests, by hash.</summary>
    public ImmutableSortedDictionary<Bytes32, Signed<Offer>> Offers { get; private init; } =
        ImmutableSortedDictionary<Bytes32, Signed<Offer>>.Empty;

    /// <summary>The names of requests that are done once.</summary>
    public NameBook Names { get; private init; } = NameBook.Empty;

    /// <summary>Draws on the vault that were signed, by nonce.</summary>
    public ImmutableSortedDictionary<Bytes32, DrawSigned> Draws { get; private init; } =
        ImmutableSortedDictionary<Bytes32, DrawSigned>.Empty;

    /// <summary>Everything ever booked as lost.</summary>
    public Amount Losses { get; private init; }

    /// <summary>What all providers together could claim beyond what their receipts explain.</summary>
    public Amount Exposure => Sum(Channels.Values);

    /// <summary>What one provider could claim beyond what its receipts explain.</summary>
    public Amount ExposureTo(Address provider) =>
        Sum(Channels.Values.Where(channel => channel.Provider == provider));

    /// <summary>Outstanding requests by channel, then index: an order that does not depend on hashing.</summary>
    public IReadOnlyList<CustomerRequest> Unexplained() =>
        [.. Outstanding.Values.OrderBy(request => request.Sent.ChannelId).ThenBy(request => request.Sent.Index)];

    /// <inheritdoc/>
    public CustomerBook Apply(LedgerEvent happened) => happened switch
    {
        ApiKeyCreated row => BudgetEvents.Apply(this, row),
        ApiKeyChanged row => BudgetEvents.Apply(this, row),
        ApiKeyRevoked row => BudgetEvents.Apply(this, row),
        BudgetReserved row => BudgetEvents.Apply(this, row),
        BudgetCharged row => BudgetEvents.Apply(this, row),
        BudgetReleased row => BudgetEvents.Apply(this, row),
        RequestNamed row => BudgetEvents.Apply(this, row),
        ReplyKept row => With(Names.With(row)),
        DrawSigned row => Drawn(row),
        OfferUsed row => this with { Offers = Offers.SetItem(row.OfferHash, row.Offer) },
        ChannelOpened row => CustomerChannelEvents.Apply(this, row),
        ChannelBalanceSeen row => CustomerChannelEvents.Apply(this, row),
        AcceptanceAdopted row => CustomerChannelEvents.Apply(this, row),
        VoucherIssued row => CustomerChannelEvents.Apply(this, row),
        RequestSent row => CustomerChannelEvents.Apply(this, row),
        ReceiptReceived row => CustomerChannelEvents.Apply(this, row),
        RequestRefused row => CustomerChannelEvents.Apply(this, row),
        ChannelFrozen row => CustomerChannelEvents.Apply(this, row),
        WithdrawalStarted row => CustomerChannelEvents.Apply(this, row),
        WithdrawalFinished row => CustomerChannelEvents.Apply(this, row),
        LossBooked row => CustomerChannelEvents.Apply(this, row),
        SellerTaken row => PurchaseEvents.Apply(this, row),
        PurchaseSent row => PurchaseEvents.Apply(this, row),
        PurchaseCharged row => PurchaseEvents.Apply(this, row),
        PurchaseLost row => PurchaseEvents.Apply(this, row),
        CustomerChannelMended row => CustomerMending.Apply(this, row),
        SpentMended row => CustomerMending.Apply(this, row),
        LedgerRepaired => this,
        _ => throw new InvalidOperationException($"{happened.GetType().Name} is no event of a customer."),
    };

    /// <summary>Drops offers and draws that ended a day ago, save offers that price something outstanding, and what
    /// was used too long ago.</summary>
    public CustomerBook Forget(ulong nowMs)
    {
        var aDayAgo = nowMs / 1000 < DaySeconds ? 0 : (nowMs / 1000) - DaySeconds;
        var inUse = Outstanding.Values.Select(request => request.Sent.OfferHash).ToHashSet();
        var today = UtcDay.Of(nowMs).Number;
        var firstDay = new UtcDay(today < UseDays ? 0 : today - UseDays + 1);
        return this with
        {
            Offers = Offers.RemoveRange(Offers
                .Where(offer => offer.Value.Message.Expiry < aDayAgo && !inUse.Contains(offer.Key))
                .Select(offer => offer.Key)),
            Draws = Draws.RemoveRange(Draws
                .Where(draw => draw.Value.Deadline < aDayAgo)
                .Select(draw => draw.Key)),
            Uses = Uses.RemoveRange(Uses.Keys.TakeWhile(use => use.Day < firstDay)),
            Names = Names.Forget(nowMs),
        };
    }

    internal CustomerBook With(CustomerChannel channel) =>
        this with { Channels = Channels.SetItem(channel.Id, channel) };

    internal CustomerBook With(ApiKeyAccount account) =>
        this with { ApiKeys = ApiKeys.SetItem(account.KeyHash, account) };

    internal CustomerBook With(ImmutableDictionary<RequestId, Reservation> reservations) =>
        this with { Reservations = reservations };

    internal CustomerBook With(ImmutableDictionary<RequestId, CustomerRequest> outstanding) =>
        this with { Outstanding = outstanding };

    internal CustomerBook With(ImmutableSortedDictionary<Bytes32, Purchase> purchases) =>
        this with { Purchases = purchases };

    internal CustomerBook With(UseKey at, KeyUse more) =>
        this with { Uses = Uses.SetItem(at, Uses.GetValueOrDefault(at, KeyUse.Nothing) + more) };

    internal CustomerBook With(NameBook names) => this with { Names = names };

    internal CustomerBook WithLoss(Amount amount) => this with { Losses = Losses + amount };

    internal CustomerChannel Channel(Bytes32 id) =>
        Channels.GetValueOrDefault(id) ?? throw new InvalidOperationException($"There is no channel {id}.");

    private CustomerBook Drawn(DrawSigned row)
    {
        Broken.Unless(!Draws.ContainsKey(row.Nonce), "A draw's nonce is used once.");
        return this with { Draws = Draws.Add(row.Nonce, row) };
    }

    private static Amount Sum(IEnumerable<CustomerChannel> channels) =>
        channels.Aggregate(Amount.Zero, (sum, channel) => sum + channel.AtRisk);
}
