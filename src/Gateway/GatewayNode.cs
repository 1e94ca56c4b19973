using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Gateway.Admin;
using Souk.Gateway.Channels;
using Souk.Gateway.Chat;
using Souk.Gateway.Front;
using Souk.Gateway.Front.Idempotency;
using Souk.Gateway.Keys;
using Souk.Gateway.Offers;
using Souk.Gateway.Receipts;
using Souk.Gateway.Tokens;
using Souk.Gateway.X402;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway;

/// <summary>What a gateway is made of; everything that could differ between a real and a simulated network.</summary>
public sealed record GatewayParts(
    ILedger Ledger, IMarketChain Chain, IWireClient Wire, TimeProvider Time, Randomness Randomness,
        ILoggerFactory Logs);

/// <summary>
/// Buys: the OpenAI front door of one owner's vault. Start it, put the two doors behind servers of their own, and run
/// it until cancelled.
/// </summary>
public sealed class GatewayNode
{
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(10);
    private readonly TimeProvider _time;
    private readonly Journal<CustomerBook> _journal;
    private readonly MarketView _market;
    private readonly ChannelPlanner _planner;
    private readonly ChannelWatch _watch;
    private readonly ChannelProof _proof;
    private readonly ReceiptChaser _chaser;
    private readonly KeyDesk _keys;
    private readonly SellerCare _care;

    private GatewayNode(GatewayOptions options, GatewayParts parts, Journal<CustomerBook> journal, Catalogue catalogue)
    {
        (_journal, _time) = (journal, parts.Time);
        var (chain, time, randomness) = (parts.Chain, parts.Time, parts.Randomness);
        var nodes = new NodeClient(parts.Wire, time);
        var prompts = new PromptCounter(new EncoderShelf(nodes));
        var traffic = new TrafficRecord(journal.Book.Channels.Count > 0);
        var recent = new RecentCalls();
        var callers = new Callers(time);
        _keys = new KeyDesk(journal, callers, time, randomness);
        _market = new MarketView(options, chain, nodes, time, parts.Logs.CreateLogger<MarketView>());
        _planner = new ChannelPlanner(
            options, chain, journal, _market, new ChannelOpener(options, chain, journal, nodes, time, randomness),
                catalogue,
            time, parts.Logs.CreateLogger<ChannelPlanner>());
        _watch = new ChannelWatch(
            options, chain, journal, _planner, new VaultActs(options, chain, time, randomness), time,
            parts.Logs.CreateLogger<ChannelWatch>());
        _planner.Withdraw = _watch.StartWithdrawalAsync;
        _proof = new ChannelProof(
            chain, journal, _market, _planner, nodes, time, parts.Logs.CreateLogger<ChannelProof>());
        var books = new ReceiptBooks(chain, journal, _planner, time, parts.Logs.CreateLogger<ReceiptBooks>());
        _chaser = new ReceiptChaser(
            options, journal, books, _market, nodes, time, parts.Logs.CreateLogger<ReceiptChaser>());
        var calls = new CallDesk(
            options, chain, journal, _market, catalogue, prompts, _planner, _proof, traffic, time, randomness);
        var stream = new PaidStream(options, chain, journal, nodes, books, _chaser, traffic, time);
        var link = new SellerLink(parts.Wire);
        var purchases = new SellerBooks(
            options, chain, journal, time, randomness, parts.Logs.CreateLogger<SellerBooks>());
        var sellers = new SellerDesk(
            options, chain, journal, link, new SellerChannels(options, chain, journal, time, randomness), purchases,
            time);
        _care = new SellerCare(
            options, chain, journal, sellers, link, purchases, _watch, time, parts.Logs.CreateLogger<SellerCare>());
        _watch.AskBack = _care.RefundAsync;
        var chat = new ChatDesk(
            options, chain, calls, stream, _chaser, books, new MissedTokens(journal, nodes), recent, sellers, time);
        FrontDoor = new FrontDoor(
            _keys, callers, chat, new ModelDesk(options, _market, catalogue, chain, time),
            new Readiness(_market, catalogue, _watch, journal, chain, time), new Cors(options.AllowedOrigins),
            new ReplayDesk(journal, time), () => journal.Stalled, randomness);
        AdminDoor = new AdminDoor(
            options, new KeyAdmin(chain, journal, _keys, time), new UsageReport(chain, journal, time),
            new AdminReports(options, chain, journal, _market, _watch, traffic, recent),
            new AdminActions(options, chain, journal, _watch), randomness);
    }

    /// <summary>What apps reach: the OpenAI API.</summary>
    public IWireHandler FrontDoor { get; }

    /// <summary>What the owner reaches, on a port of its own.</summary>
    public IWireHandler AdminDoor { get; }

    /// <summary>Channels that are ready for a request.</summary>
    public int IdleChannels =>
        _journal.Durable.Channels.Values.Count(channel => channel.State == CustomerChannelState.Idle);

    /// <summary>Offers that are believed now.</summary>
    public int Offers => _market.Book.Count;

    /// <summary>The book as it is on the disk.</summary>
    public CustomerBook Book => _journal.Durable;

    /// <summary>Opens the books. Requests that a stop left open are chased once the node runs.</summary>
    /// <exception cref="ArgumentException">The options are wrong; every mistake is named.</exception>
    /// <exception cref="LedgerException">The ledger cannot be read.</exception>
    public static async Task<Result<GatewayNode>> StartAsync(
        GatewayOptions options, GatewayParts parts, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parts);
        if (options.Problems() is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join(" ", problems), nameof(options));
        }

        var catalogue = new Catalogue(options, parts.Chain.Network.SoukDomain, parts.Time);
        if (!catalogue.IsSound)
        {
            return new Refusal(
                Fault.Theirs, "catalogue_signer",
                    "The catalogue is not signed by the signer that was chosen; check both.");
        }

        var journal = await Journal.OpenAsync<CustomerBook>(parts.Ledger, cancellation);
        await SellerBooks.RecoverAsync(journal, (ulong)parts.Time.GetUtcNow().ToUnixTimeMilliseconds());
        return new GatewayNode(options, parts, journal, catalogue);
    }

    /// <summary>Follows market and chain, plans channels and chases receipts, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => RoleLoops.RunAsync(
        [
            _market.RunAsync,
            _watch.RunAsync,
            _planner.RunAsync,
            _proof.RunAsync,
            _watch.ReadAgainAsync,
            _watch.WithdrawAsync,
            _chaser.RunAsync,
            _care.RunAsync,
            // What need not be answered for any more leaves the memory; the ledger keeps it.
            stop => _journal.ForgetAsync(ForgetEvery, _time, stop),
        ],
        cancellation);

    /// <summary>Makes an API key; for the composition root's first one.</summary>
    public Task<Result<NewApiKey>> CreateKeyAsync(
        string name, Amount budget, ulong? expiresAtMs, KeyLimits? limits = null) =>
        _keys.CreateAsync(new KeySettings(name, budget, expiresAtMs, limits ?? KeyLimits.None));
}
