using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Selling;
using Souk.Market.Claims;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Provider.Claims;
using Souk.Provider.Offers;
using Souk.Provider.Requests;
using Souk.Provider.Watch;
using Souk.Provider.X402;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider;

/// <summary>What a provider is made of; everything that could differ between a real and a simulated network.</summary>
public sealed record ProviderParts(
    ILedger Ledger, IMarketChain Chain, IWireClient Wire, TimeProvider Time, Randomness Randomness,
        ILoggerFactory Logs);

/// <summary>How a provider stands, for status pages. Amounts are smallest units; <paramref name="Unprotected"/> is what
/// no watchtower could claim, null where there is none.</summary>
public sealed record ProviderStatus(
    int Offers, int Channels, int Running, Amount Earned, Amount Claimed, Amount Unclaimed, Amount PaidOut,
        Amount Losses,
    Amount Exposure, ulong HeadNumber, ClaimStatus Claiming, Amount? Unprotected);

/// <summary>How claiming stands.</summary>
/// <param name="Outlook">What the next claim waits for; null before the price of gas is known, or where there is
/// nothing to claim.</param>
/// <param name="Held">What kept the last turn from claiming; null where nothing did.</param>
/// <param name="SetAside">Channels whose claims would revert.</param>
/// <param name="MarginSeconds">How long before a withdrawal matures a claim has to be on its way.</param>
public sealed record ClaimStatus(
    ClaimOutlook? Outlook, Refusal? Held, IReadOnlyList<SetAsideRow> SetAside, ulong MarginSeconds);

/// <summary>What a claim brought: transactions that claimed, the last one that paid out, and how much in all.</summary>
public sealed record ClaimReport(IReadOnlyList<Bytes32> Claims, Bytes32? Settlement, Amount Paid)
{
    /// <summary>Channels whose claims would revert.</summary>
    public IReadOnlyList<SetAsideRow> SetAside { get; init; } = [];
}

/// <summary>
/// Sells: announces offers, serves paid requests, signs receipts, claims vouchers. Start it, put <see cref="Handler"/>
/// behind a server, and run it until cancelled.
/// </summary>
public sealed class ProviderNode : IDisposable
{
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(10);
    private readonly TimeProvider _time;
    private readonly Journal<ProviderBook> _journal;
    private readonly ChainWatch _watch;
    private readonly OfferDesk _offers;
    private readonly Announcer _announcer;
    private readonly RequestDesk _requests;
    private readonly Claimer _claimer;
    private readonly DepositRelay _relay;
    private readonly TowerLinks _towers;
    private readonly Refunds _refunds;

    private ProviderNode(ProviderOptions options, ProviderParts parts, Journal<ProviderBook> journal)
    {
        (_journal, _time) = (journal, parts.Time);
        var (chain, time) = (parts.Chain, parts.Time);
        var nonces = new NonceChains(options.NonceSecret ?? NonceChains.RootOf(options.AuthorizerKey));
        _watch = new ChainWatch(chain, journal, time, parts.Logs.CreateLogger<ChainWatch>());
        _offers = new OfferDesk(options, chain, journal, time, parts.Randomness);
        _announcer = new Announcer(
            options, _offers, new NodeClient(parts.Wire, time), time, parts.Logs.CreateLogger<Announcer>());
        var admission = new Admission(options, chain, journal, _watch, _offers, nonces, time);
        _requests = new RequestDesk(
            admission, new ReceiptDesk(options, chain, journal, time), journal, _watch, time,
            parts.Logs.CreateLogger<RequestDesk>());
        _claimer = new Claimer(options, chain, journal, _watch, time, parts.Logs);
        _towers = new TowerLinks(
            options, chain.Network.EscrowDomain, journal, new NodeClient(parts.Wire, time), time,
            parts.Logs.CreateLogger<TowerLinks>());
        _relay = new DepositRelay(options, chain, time);
        var channels = new ChannelDesk(options, chain, journal, _watch, nonces, _relay, time);
        var states = new ChannelStates(chain, journal);
        _refunds = new Refunds(options, chain, journal, _watch, states, time, parts.Logs.CreateLogger<Refunds>());
        var (terms, prices) = (new Terms(options, chain), new PriceDesk(options, _offers, time));
        var deposits = new Deposits(options, chain, _relay, time);
        var plain = new PlainDesk(
            chain, journal, _watch, admission, _requests, terms, prices, states, deposits, _refunds, parts.Randomness,
            time);
        var facilitator = new FacilitatorDesk(
            options, chain, journal, _watch, terms, prices, states, deposits, _refunds);
        Handler = new ProviderHandler(
            _requests, channels, _offers, new PlainDoor(plain, facilitator, _offers), time);
    }

    /// <summary>The node link's surface.</summary>
    public IWireHandler Handler { get; }

    /// <summary>Amounts and counts of now.</summary>
    public ProviderStatus Status
    {
        get
        {
            var book = _journal.Durable;
            var claimed = book.Channels.Values.Aggregate(Amount.Zero, (sum, channel) => sum + channel.Claimed);
            var unclaimed = book.Channels.Values.Aggregate(Amount.Zero, (sum, channel) => sum + channel.Claimable);
            return new ProviderStatus(
                _offers.Newest.Count, book.Channels.Count, _requests.Running, book.Earned, claimed, unclaimed,
                    book.PaidOut,
                book.Losses, Admission.Exposure(book), _watch.Newest.Number, _claimer.Status,
                _towers.Unprotected());
        }
    }

    /// <summary>
    /// Opens the books, ends with a receipt what a crash left open, reads the chain and issues offers. Nothing is sold
    /// before that. A refusal tells why the provider cannot start.
    /// </summary>
    /// <exception cref="ArgumentException">The options are wrong; every mistake is named.</exception>
    /// <exception cref="LedgerException">The ledger cannot be read.</exception>
    public static async Task<Result<ProviderNode>> StartAsync(
        ProviderOptions options, ProviderParts parts, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parts);
        if (options.Problems() is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join(" ", problems), nameof(options));
        }

        var journal = await Journal.OpenAsync<ProviderBook>(parts.Ledger, cancellation);
        var node = new ProviderNode(options, parts, journal);
        await node._requests.RecoverAsync();
        if (await node._watch.SynchroniseAsync(cancellation) is { } refusal)
        {
            node.Dispose();
            return refusal;
        }

        await node._claimer.ReconcileAsync(cancellation);
        await node._offers.IssueAsync();
        return node;
    }

    /// <summary>Follows the chain, renews and announces offers, and claims, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => RoleLoops.RunAsync(
        [
            _watch.RunAsync,
            _watch.ReadAgainAsync,
            _announcer.RunAsync,
            _claimer.RunAsync,
            .. _towers.Loops,
            _refunds.RunAsync,
            // What need not be answered for any more leaves the memory; the ledger keeps it.
            stop => _journal.ForgetAsync(ForgetEvery, _time, stop),
        ],
        cancellation);

    /// <summary>Claims and settles everything now, whatever the gas; for an orderly stop, or on demand.</summary>
    public Task<Result<ClaimReport>> ClaimNowAsync(CancellationToken cancellation) =>
        _claimer.ClaimAsync(isForced: true, cancellation);

    /// <summary>Claims what is well worth its gas; the last act of an orderly stop.</summary>
    public Task<Result<ClaimReport>> ClaimDueAsync(CancellationToken cancellation) =>
        _claimer.ClaimAsync(isForced: false, cancellation);

    /// <summary>Tells the indexers that nothing more is sold here; for an orderly stop.</summary>
    public Task WithdrawOffersAsync(CancellationToken cancellation) => _announcer.WithdrawAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        _requests.Dispose();
        _claimer.Dispose();
        _watch.Dispose();
        _relay.Dispose();
        _refunds.Dispose();
    }
}
