using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Provider.Claims;
using Souk.Wire;

namespace Souk.Provider.Watch;

/// <summary>What a watchtower is made of.</summary>
public sealed record WatchParts(ILedger Ledger, IMarketChain Chain, TimeProvider Time, ILoggerFactory Logs);

/// <summary>A provider that is watched for.</summary>
/// <param name="Authorizer">The key that signs its claims.</param>
/// <param name="SilentSeconds">Since it was last heard of, or since the start.</param>
/// <param name="Protected">What held claims would still bring.</param>
/// <param name="Unprotected">What it has earned beyond that, by its own word; null before it said so.</param>
public sealed record WatchedProvider(
    Address Authorizer, ulong SilentSeconds, Amount Protected, Amount? Unprotected);

/// <summary>How a watchtower stands, for status pages. Amounts are smallest units.</summary>
/// <param name="Channels">Channels whose claims are held.</param>
/// <param name="Providers">Whom they belong to.</param>
/// <param name="Withdrawals">Withdrawals that would take money which is not claimed.</param>
/// <param name="Claimed">What was claimed since the start.</param>
/// <param name="SetAside">Claims that would revert.</param>
/// <param name="Held">What kept the last turn from its work; null where nothing did.</param>
/// <param name="MarginSeconds">Seconds before a deadline from which fees are raised.</param>
/// <param name="HeadNumber">The newest block seen.</param>
public sealed record WatchStatus(
    int Channels, IReadOnlyList<WatchedProvider> Providers, IReadOnlyList<GuardedWithdrawal> Withdrawals,
    Amount Claimed, IReadOnlyList<SetAsideRow> SetAside, Refusal? Held, ulong MarginSeconds, ulong HeadNumber);

/// <summary>
/// A watchtower: holds signed claims for providers, and claims for one that is down while a customer withdraws. It
/// keeps no secret that could take money: a claim only pays its channel's receiver. Start it, put <see cref="Handler"/>
/// behind a server, and run it until cancelled.
/// </summary>
public sealed class WatchNode
{
    private const int MostEndedAtOnce = 256;
    private readonly WatchOptions _options;
    private readonly TimeProvider _time;
    private readonly Journal<WatchBook> _journal;
    private readonly GuardDesk _desk;
    private readonly GuardedChannels _channels;
    private readonly GuardClaims _claims;
    private readonly SortedDictionary<Bytes32, long> _spentSince = [];
    private volatile Refusal? _held;

    private WatchNode(WatchOptions options, WatchParts parts, Journal<WatchBook> journal)
    {
        (_options, _time, _journal) = (options, parts.Time, journal);
        var (chain, time) = (parts.Chain, parts.Time);
        _desk = new GuardDesk(options, chain.Network, journal, time);
        _channels = new GuardedChannels(chain, journal, time, parts.Logs.CreateLogger<GuardedChannels>());
        _claims = new GuardClaims(
            options, chain, journal, _channels, _desk, time, parts.Logs.CreateLogger<GuardClaims>());
        _desk.Taken += _channels.Mark;
        Handler = new WatchHandler(_desk);
    }

    /// <summary>The node link's surface: providers hand in their claims here.</summary>
    public IWireHandler Handler { get; }

    /// <summary>Amounts and counts of now.</summary>
    public WatchStatus Status
    {
        get
        {
            var held = _journal.Durable.Held;
            return new WatchStatus(
                held.Count, [.. _options.Authorizers.Distinct().Order().Select(Describe)], _claims.Withdrawals(),
                _claims.Claimed, _claims.SetAside, _held, _claims.MarginSeconds, _channels.Newest.Number);
        }
    }

    /// <summary>Opens the book. The chain need not answer yet: what is held is watched once it does.</summary>
    /// <exception cref="ArgumentException">The options are wrong; every mistake is named.</exception>
    /// <exception cref="LedgerException">The ledger cannot be read.</exception>
    public static async Task<WatchNode> StartAsync(
        WatchOptions options, WatchParts parts, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parts);
        if (options.Problems() is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join(" ", problems), nameof(options));
        }

        var journal = await Journal.OpenAsync<WatchBook>(parts.Ledger, cancellation);
        var node = new WatchNode(options, parts, journal);
        node._channels.MarkAll();
        return node;
    }

    /// <summary>Follows the chain and claims, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        RoleLoops.RunAsync([_channels.FollowAsync, TurnAsync], cancellation);

    private async Task TurnAsync(CancellationToken cancellation)
    {
        var readAllAt = _time.GetTimestamp();
        while (true)
        {
            await _channels.News.WaitAsync(_options.Every, _time, cancellation).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            cancellation.ThrowIfCancellationRequested();
            if (_time.GetElapsedTime(readAllAt) >= _options.ReadAllEvery)
            {
                readAllAt = _time.GetTimestamp();
                _channels.MarkAll();
            }

            var unread = await _channels.ReadAsync(cancellation);
            _held = await _claims.ClaimAsync(cancellation) ?? unread;
            await EndAsync();
            if (_held is not null)
            {
                // News that could not be read stays news; without a pause it would be asked for again at once.
                await Task.Delay(_options.Every, _time, cancellation);
            }
        }
    }

    // A claim is let go long after all of it was claimed, which no reorganisation reaches.
    private async Task EndAsync()
    {
        List<LedgerEvent> ended = [];
        foreach (var held in _journal.Durable.Held.Values)
        {
            if (_channels.State(held.ChannelId) is not { } state || state.Claimed < held.Total)
            {
                _spentSince.Remove(held.ChannelId);
            }
            else if (!_spentSince.TryGetValue(held.ChannelId, out var since))
            {
                _spentSince.Add(held.ChannelId, _time.GetTimestamp());
            }
            else if (_time.GetElapsedTime(since) >= _options.LetGoAfter && ended.Count < MostEndedAtOnce)
            {
                ended.Add(new GuardEnded(
                    held.ChannelId, state.Claimed, (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds()));
            }
        }

        if (ended.Count > 0)
        {
            // One that was raised meanwhile stays.
            await _journal.RecordAsync(book => (LedgerEvent[])[.. ended.OfType<GuardEnded>()
                .Where(row => book.Held.ContainsKey(row.ChannelId) && book.Total(row.ChannelId) <= row.Claimed)]);
            foreach (var row in ended.OfType<GuardEnded>())
            {
                _spentSince.Remove(row.ChannelId);
                _channels.Forget(row.ChannelId);
            }
        }
    }

    private WatchedProvider Describe(Address authorizer)
    {
        var value = _journal.Durable.Held.Values.Where(held => held.Config.ReceiverAuthorizer == authorizer)
            .Aggregate(Amount.Zero, (sum, held) => sum + _claims.Value(held));
        var heard = _desk.Of(authorizer);
        return new WatchedProvider(
            authorizer, (ulong)heard.Silence.TotalSeconds, value,
            heard.Unclaimed is { } told ? Amount.SubtractToZero(told, value) : null);
    }
}
