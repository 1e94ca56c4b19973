using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Market.Offers;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Offers;

/// <summary>
/// The gateway's own copy of the market. Indexers only say what exists; each offer is believed after its signature and
/// its provider's registry entry, which the gateway reads from the chain itself, off the request path.
/// </summary>
internal sealed partial class MarketView(
    GatewayOptions options, IMarketChain chain, NodeClient nodes, TimeProvider time, ILogger<MarketView> log)
{
    private const int MostPages = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    private const int MostEntriesPerTurn = 200;
    private const int MostAbsent = 100_000;
    private static readonly TimeSpan AbsentFor = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromSeconds(30);
    private readonly OfferTerms _terms = new(chain.Network.SoukDomain, chain.Network.Escrow, chain.Network.Currency);
    private readonly IReadOnlyList<string> _indexers =
        [.. chain.Network.Indexers.Concat(options.Indexers).Distinct(StringComparer.Ordinal)];

    private volatile OfferBook _book = OfferBook.Empty;
    private ImmutableSortedDictionary<Address, RegistryEntry> _entries = ImmutableSortedDictionary<Address,
        RegistryEntry>.Empty;
    private readonly Dictionary<Address, DateTimeOffset> _absent = [];
    private DateTimeOffset _entriesReadAt;

    /// <summary>Chain and registry that offers and receipts are signed for.</summary>
    public SoukDomain Domain => _terms.Domain;

    /// <summary>The offers believed now.</summary>
    public OfferBook Book => _book;

    /// <summary>Indexers that answered at the last turn.</summary>
    public int IndexersReached { get; private set; }

    /// <summary>Completes when the book has changed next.</summary>
    public Task Changed => _changed.Task;

    private TaskCompletionSource _changed = new();

    /// <summary>Asks the indexers at every turn until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RefreshAsync(cancellation);
            await Task.Delay(options.PollEvery, time, cancellation);
        }
    }

    /// <summary>One turn: offers and heartbeats of every indexer, registry entries where needed.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        // All at once and each within a time limit: a slow indexer must not make the others' heartbeats lapse.
        var heard = await Task.WhenAll(_indexers.Select(indexer => HearAsync(indexer, cancellation)));
        IndexersReached = heard.Count(one => one.IsReached);
        List<Signed<Offer>> offers = [.. heard.SelectMany(one => one.Offers)];
        List<HeartbeatValue> beats = [.. heard.SelectMany(one => one.Beats)];
        await ReadEntriesAsync(offers, cancellation);
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        var book = Beat(Add(_book.Expire(now), offers, now), beats, now);
        if (!ReferenceEquals(book, _book))
        {
            _book = book;
            var changed = _changed;
            _changed = new TaskCompletionSource();
            changed.TrySetResult();
        }
    }

    private async Task<Heard> HearAsync(string indexer, CancellationToken cancellation)
    {
        Heard heard = new([], []);
        using var deadline = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            var refusal = await FetchAsync(indexer, heard.Offers, heard.Beats, either.Token);
            if (refusal is not null)
            {
                LogUnreached(indexer, refusal.Message);
            }

            return heard with { IsReached = refusal is null };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            LogUnreached(indexer, "it took too long");
            return heard;
        }
    }

    private async Task<Refusal?> FetchAsync(
        string indexer, List<Signed<Offer>> offers, List<HeartbeatValue> beats, CancellationToken cancellation)
    {
        if (!PeerTarget.ParsePinned(indexer).TryGet(out var target, out var refusal))
        {
            return refusal;
        }

        string? after = null;
        for (var page = 0; page < MostPages; page++)
        {
            var list = await nodes.GetOffersAsync(target, null, after, cancellation);
            if (!list.TryGet(out var got, out refusal))
            {
                return refusal;
            }

            offers.AddRange(got.Offers);
            if ((after = got.Next) is null)
            {
                break;
            }
        }

        var live = await nodes.GetHeartbeatsAsync(target, cancellation);
        if (live.TryGet(out var heard, out refusal))
        {
            beats.AddRange(heard.Heartbeats);
        }

        return refusal;
    }

    private async Task ReadEntriesAsync(List<Signed<Offer>> offers, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var isStale = now - _entriesReadAt >= ReadAgainAfter;
        var listed = offers.Select(offer => offer.Message.Provider).Distinct().Order().ToList();
        List<Address> missing =
        [
            .. listed.Where(provider => isStale && _entries.ContainsKey(provider)),
            .. listed.Where(provider => !_entries.ContainsKey(provider)
                && (!_absent.TryGetValue(provider, out var until) || until <= now)).Take(MostEntriesPerTurn),
        ];
        if (missing.Count == 0)
        {
            return;
        }

        var read = await chain.ProvidersAsync(missing, ReadPoint.Confirmed, cancellation);
        if (!read.TryGet(out var entries, out var refusal))
        {
            LogRegistryUnread(refusal.Message);
            return;
        }

        for (var i = 0; i < missing.Count; i++)
        {
            if (entries.Value[i] is { } entry)
            {
                await TakeAsync(entry, cancellation);
            }
            else
            {
                NoteAbsent(missing[i], now);
            }
        }

        _entriesReadAt = isStale ? now : _entriesReadAt;
    }

    // An indexer may list offers of providers that never registered; each is looked up now and then, not at every turn.
    private void NoteAbsent(Address provider, DateTimeOffset now)
    {
        if (_absent.Count >= MostAbsent)
        {
            _absent.Clear();
        }

        _absent[provider] = now + AbsentFor;
    }

    private async Task TakeAsync(ProviderEntry entry, CancellationToken cancellation)
    {
        var known = _entries.GetValueOrDefault(entry.Provider);
        var fresh = entry.With([entry.Current]);
        if (known is not null && known.KeySets.Count == entry.Current.Number + 1L
            && known.KeySets[^1] == fresh.KeySets[0])
        {
            // A provider can make its history longer than a node gives in one answer: read only what is new of it.
            fresh = fresh with { KeySets = known.KeySets };
        }
        else
        {
            var sets = await chain.KeySetsAsync(entry.Provider, ReadPoint.Confirmed, cancellation);
            if (!sets.TryGet(out var keys, out var refusal) || keys.Value.Count == 0)
            {
                // What was believed under the old keys is over as well, or such a history would keep it alive.
                LogRegistryUnread(refusal?.Message ?? "the provider has no keys");
                _book = _book.Without(entry.Provider);
                _entries = _entries.Remove(entry.Provider);
                return;
            }

            fresh = entry.With(keys.Value);
        }

        if (known is not null && !IsSame(known, fresh))
        {
            // Offers are believed anew under the changed entry.
            _book = _book.Without(entry.Provider);
        }

        _entries = _entries.SetItem(entry.Provider, fresh);
    }

    private OfferBook Add(OfferBook book, List<Signed<Offer>> offers, ulong now)
    {
        foreach (var signed in offers)
        {
            var offer = signed.Message;
            if (book.Find(offer.Provider, offer.ModelDigest) is { } known
                && (known.Offer.Sequence > offer.Sequence || known.Verified.Original.Signature == signed.Signature))
            {
                continue;
            }

            var entry = _entries.GetValueOrDefault(offer.Provider);
            if (!OfferRules.Verify(signed, entry, _terms, TrustTier.Unaudited, now)
                .TryGet(out var verified, out var refusal)
                || !book.Add(verified).TryGet(out var next, out refusal))
            {
                LogDisbelieved(offer.Provider, refusal.Code);
                continue;
            }

            book = next;
        }

        return book;
    }

    private static OfferBook Beat(OfferBook book, List<HeartbeatValue> beats, ulong now)
    {
        var byHash = book.All.ToDictionary(listed => listed.Verified.Hash);
        foreach (var beat in beats)
        {
            if (byHash.TryGetValue(beat.OfferHash, out var listed)
                && book.Beat(listed.Offer.Provider, listed.Offer.ModelDigest, beat.Value, now)
                    .TryGet(out var next, out _))
            {
                book = next;
            }
        }

        return book;
    }

    private sealed record Heard(List<Signed<Offer>> Offers, List<HeartbeatValue> Beats)
    {
        public bool IsReached { get; init; }
    }

    private static bool IsSame(RegistryEntry a, RegistryEntry b) =>
        a.IsActive == b.IsActive && a.KeySets.SequenceEqual(b.KeySets) && a.Endpoint == b.Endpoint && a.Stake == b.Stake
        && a.Court == b.Court;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Indexer {Indexer} did not answer well: {Reason}")]
    private partial void LogUnreached(string indexer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The registry could not be read: {Reason}")]
    private partial void LogRegistryUnread(string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "An offer of {Provider} is not believed: {Code}")]
    private partial void LogDisbelieved(Address provider, string code);
}
