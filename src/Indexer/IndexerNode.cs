using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Market.Offers;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Indexer;

/// <summary>What an indexer is made of.</summary>
public sealed record IndexerParts(IMarketChain Chain, IWireClient Wire, TimeProvider Time, ILoggerFactory Logs);

/// <summary>
/// Answers "who can serve this?". Takes signed offers of registered providers, follows their heartbeats, and passes
/// both on. It keeps nothing: providers announce again, and whoever reads here checks everything anew.
/// </summary>
public sealed partial class IndexerNode : IDisposable
{
    private const int MostReads = 8;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private readonly IndexerOptions _options;
    private readonly IMarketChain _chain;
    private readonly NodeClient _nodes;
    private readonly TimeProvider _time;
    private readonly ILogger<IndexerNode> _log;
    private readonly OfferTerms _terms;
    // Waited for without a token, so that the wait ends on the caller's context; its holders heed the cancellation.
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly AnnouncementRate _rate;
    private readonly UnknownProviders _unknown;
    private int _reads;
    private volatile OfferBook _book = OfferBook.Empty;
    private volatile ImmutableSortedDictionary<Address, RegistryEntry> _entries =
        ImmutableSortedDictionary<Address, RegistryEntry>.Empty;
    private ImmutableSortedDictionary<Bytes32, Bytes32> _beats = ImmutableSortedDictionary<Bytes32, Bytes32>.Empty;

    private IndexerNode(IndexerOptions options, IndexerParts parts)
    {
        (_options, _chain, _time) = (options, parts.Chain, parts.Time);
        _nodes = new NodeClient(parts.Wire, parts.Time) { CallTimeout = TimeSpan.FromSeconds(5) };
        _log = parts.Logs.CreateLogger<IndexerNode>();
        _terms = new OfferTerms(_chain.Network.SoukDomain, _chain.Network.Escrow, _chain.Network.Currency);
        _rate = new AnnouncementRate(options.AnnouncementsPerMinute, parts.Time);
        _unknown = new UnknownProviders(parts.Time);
        Handler = new IndexerHandler(this, _rate);
    }

    /// <summary>The node link's surface.</summary>
    public IWireHandler Handler { get; }

    /// <summary>Chain and registry that offers are signed for.</summary>
    public SoukDomain Domain => _terms.Domain;

    /// <summary>The offers known now.</summary>
    public OfferBook Book => _book;

    /// <summary>The newest heartbeat value of each offer.</summary>
    public ImmutableSortedDictionary<Bytes32, Bytes32> Heartbeats => _beats;

    /// <summary>Makes a node.</summary>
    /// <exception cref="ArgumentException">The options are wrong; every mistake is named.</exception>
    public static IndexerNode Create(IndexerOptions options, IndexerParts parts)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parts);
        return options.Problems() is { Count: > 0 } problems
            ? throw new ArgumentException(string.Join(" ", problems), nameof(options))
            : new IndexerNode(options, parts);
    }

    /// <summary>Takes an announced offer, if its provider is registered and signed it.</summary>
    /// <returns>Null where it was taken; otherwise why not.</returns>
    public async Task<Refusal?> TakeAsync(Signed<Offer> offer, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(offer);
        var provider = offer.Message.Provider;
        // All that needs no answer of the chain comes first, and the chain is asked outside the lock: a stranger's
        // offers must not hold up those of registered providers.
        if (OfferRules.CheckAlone(offer.Message, _terms, Now()) is { } flaw)
        {
            return flaw;
        }

        if (!_entries.ContainsKey(provider) && await MeetAsync(provider, cancellation) is { } unread)
        {
            return unread;
        }

        await _writing.WaitAsync(CancellationToken.None);
        try
        {
            var entry = _entries.GetValueOrDefault(provider);
            if (!OfferRules.Verify(offer, entry, _terms, TrustTier.Unaudited, Now())
                .TryGet(out var verified, out var refusal)
                || !_book.Add(verified).TryGet(out var book, out refusal))
            {
                return refusal;
            }

            _book = book;
            // The anchor itself is heartbeat 0: it keeps a fresh offer alive until its first heartbeat is asked for.
            if (!_beats.ContainsKey(verified.Hash))
            {
                _beats = _beats.SetItem(verified.Hash, verified.Offer.HeartbeatAnchor);
            }

            return null;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Follows heartbeats and registry entries until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var (beatAt, readAt) = (_time.GetUtcNow(), _time.GetUtcNow() + _options.ReadEntriesEvery);
        while (true)
        {
            if (_time.GetUtcNow() >= beatAt)
            {
                beatAt = _time.GetUtcNow() + _options.BeatEvery;
                await BeatAsync(cancellation);
            }

            if (_time.GetUtcNow() >= readAt)
            {
                readAt = _time.GetUtcNow() + _options.ReadEntriesEvery;
                await ReadEntriesAsync(cancellation);
            }

            await Task.Delay(Turn, _time, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writing.Dispose();

    private async Task BeatAsync(CancellationToken cancellation)
    {
        var endpoints = _book.All.Where(listed => listed.Offer.Concurrency > 0)
            .GroupBy(listed => listed.Offer.Endpoint, StringComparer.Ordinal)
            .Select(group => group.MaxBy(listed => listed.Offer.IssuedAt)!.Offer).ToList();
        foreach (var heard in await Task.WhenAll(endpoints.Select(offer => HearAsync(offer, cancellation))))
        {
            await _writing.WaitAsync(CancellationToken.None);
            try
            {
                Beat(heard);
            }
            finally
            {
                _writing.Release();
            }
        }
    }

    private async Task<IReadOnlyList<HeartbeatValue>> HearAsync(Offer offer, CancellationToken cancellation)
    {
        Bytes32? pin = offer.SpkiHash.IsZero ? null : offer.SpkiHash;
        if (!PeerTarget.Parse(offer.Endpoint, pin).TryGet(out var target, out var refusal)
            || !(await _nodes.GetHeartbeatsAsync(target, cancellation)).TryGet(out var list, out refusal))
        {
            LogSilent(offer.Provider, refusal.Message);
            return [];
        }

        return list.Heartbeats;
    }

    private void Beat(IReadOnlyList<HeartbeatValue> heard)
    {
        var now = Now();
        var book = _book.Expire(now);
        var known = book.All.ToDictionary(listed => listed.Verified.Hash);
        foreach (var beat in heard)
        {
            if (known.TryGetValue(beat.OfferHash, out var listed)
                && book.Beat(listed.Offer.Provider, listed.Offer.ModelDigest, beat.Value, now)
                    .TryGet(out var next, out _)
                && !ReferenceEquals(next, book))
            {
                book = next;
                _beats = _beats.SetItem(beat.OfferHash, beat.Value);
            }
        }

        _book = book;
        _beats = _beats.RemoveRange(_beats.Keys.Where(hash => !known.ContainsKey(hash)).ToList());
    }

    // The first offer of a provider.
    private async Task<Refusal?> MeetAsync(Address provider, CancellationToken cancellation)
    {
        if (_unknown.Has(provider))
        {
            return Unknown();
        }

        if (Interlocked.Increment(ref _reads) > MostReads)
        {
            Interlocked.Decrement(ref _reads);
            return new Refusal(Fault.Ours, "busy",
                "Too many new providers are being looked up; announce again shortly.");
        }

        try
        {
            return await ReadEntryAsync(provider, cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _reads);
        }
    }

    private async Task ReadEntriesAsync(CancellationToken cancellation)
    {
        foreach (var provider in _entries.Keys.ToList())
        {
            if (await ReadEntryAsync(provider, cancellation) is { } refusal)
            {
                LogUnread(refusal.Message);
            }
        }
    }

    private async Task<Refusal?> ReadEntryAsync(Address provider, CancellationToken cancellation)
    {
        var read = await _chain.ProvidersAsync([provider], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var entries, out var refusal))
        {
            return refusal;
        }

        if (entries.Value[0] is not { } entry)
        {
            _unknown.Add(provider);
            return Unknown();
        }

        var sets = await _chain.KeySetsAsync(provider, ReadPoint.Newest, cancellation);
        if (!sets.TryGet(out var keys, out refusal))
        {
            return refusal;
        }

        if (keys.Value.Count == 0)
        {
            return Unknown();
        }

        await _writing.WaitAsync(CancellationToken.None);
        try
        {
            if (!entry.IsActive)
            {
                _book = _book.Without(provider);
            }

            _entries = _entries.SetItem(provider, entry.With(keys.Value));
            return null;
        }
        finally
        {
            _writing.Release();
        }
    }

    private static Refusal Unknown() =>
        new(Fault.Theirs, "provider_unknown", "The provider is not in the registry; register first.");

    private ulong Now() => (ulong)_time.GetUtcNow().ToUnixTimeSeconds();

    [LoggerMessage(Level = LogLevel.Debug, Message = "No heartbeats from {Provider}: {Reason}")]
    private partial void LogSilent(Address provider, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A registry entry could not be read again: {Reason}")]
    private partial void LogUnread(string reason);
}
