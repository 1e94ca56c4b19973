using Souk.Chain;
using Souk.Gateway;
using Souk.Gateway.Keys;
using Souk.Indexer;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Provider;
using Souk.Testbed.Chain;
using Souk.Testbed.Engines;
using Souk.Testbed.Stores;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Testbed.Market;

/// <summary>
/// A whole market on one thread: provider, indexer and gateway as the product composes them, on a simulated clock,
/// network,
/// chain, disk and engine.
/// </summary>
public sealed class MarketHarness : IDisposable
{
    /// <summary>The public name of the model.</summary>
    public const string ModelName = "tiny";

    /// <summary>The owner's token at the admin door.</summary>
    public const string AdminToken = "the owner's token";

    private static readonly TimeSpan SyncTime = TimeSpan.FromMilliseconds(2);
    private static readonly PeerTarget Front = new(new Uri("http://127.0.0.1:7000"), null);
    private static readonly PeerTarget Back = new(new Uri("http://127.0.0.1:7010"), null);
    private static readonly Uri IndexerUri = new("http://127.0.0.1:7001");
    private readonly RunningNode _provider = new();
    private readonly RunningNode _gateway = new();
    private readonly RunningNode _indexer = new();
    private ILedger? _providerLedger;
    private ILedger? _gatewayLedger;

    // A process that starts again draws other random numbers than before.
    private int _starts;

    private MarketHarness(MarketOptions options)
    {
        Options = options;
        Scheduler = new SimulatedScheduler(options.Seed, options.Interleaves);
        Scheduler.JumpWallClock(options.StartsAfter);
        (GatewayClock, ProviderClock) = (new ShiftedClock(Scheduler.Time), new ShiftedClock(Scheduler.Time));
        Logs = new KeptLogs(Scheduler);
        Keys = new MarketKeys(Scheduler.Randomness.Fork("keys"));
        Network = new SimulatedNetwork(Scheduler, options.Faults);
        Chain = new SimulatedChain(Scheduler, NetworkOf(options));
        Engine = new SimulatedEngine(TinyModel.Make("tiny-1", options.Counting, options.Features), Scheduler.Time);
    }

    public MarketOptions Options { get; }

    public SimulatedScheduler Scheduler { get; }

    public KeptLogs Logs { get; }

    public MarketKeys Keys { get; }

    public SimulatedNetwork Network { get; }

    public SimulatedChain Chain { get; }

    public SimulatedEngine Engine { get; }

    public MemoryStore ProviderDisk { get; } = new();

    public MemoryStore GatewayDisk { get; } = new();

    public Address Vault { get; private set; }

    public ProviderNode Provider { get; private set; } = null!;

    public IndexerNode Indexer { get; private set; } = null!;

    public GatewayNode Gateway { get; private set; } = null!;

    /// <summary>The first API key, and its app.</summary>
    public NewApiKey Key { get; private set; } = null!;

    public AppClient App { get; private set; } = null!;

    public TimeProvider Time => Scheduler.Time;

    /// <summary>What the roles believe of the time; set one wrong and it believes something else.</summary>
    public ShiftedClock GatewayClock { get; }

    public ShiftedClock ProviderClock { get; }

    public ulong Now => (ulong)Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Where the provider answers, and its certificate.</summary>
    public PeerTarget ProviderTarget { get; } =
        new(new Uri("https://provider.example:7443"), Sha.Hash("the provider's certificate"u8));

    /// <summary>The provider's place on the network, to cut it off.</summary>
    public SimulatedListener ProviderListener => _provider.Listener!;

    public SimulatedListener IndexerListener => _indexer.Listener!;

    /// <summary>Runs a scenario to its end. A failure carries the seed, the last events and the last logs.</summary>
    public static Bytes32 Run(MarketOptions options, Func<MarketHarness, Task> scenario)
    {
        using var market = new MarketHarness(options);
        try
        {
            market.Scheduler.Run(async () =>
            {
                await market.StartAsync();
                await scenario(market);
                await market.StopAsync();
            });
            return market.Scheduler.Trace.Hash;
        }
        catch (Exception failure)
        {
            var events = market.Scheduler.Trace.LastEvents.TakeLast(40);
            throw new MarketFailedException(
                $"{failure.Message}\nSeed {options.Seed}, at {market.Scheduler.Elapsed:c}. Last events:\n"
                + $"{string.Join('\n', events)}\nLast logs:\n{string.Join('\n', market.Logs.Lines.TakeLast(40))}",
                failure);
        }
    }

    /// <summary>Runs a scenario in a market with the usual options.</summary>
    public static Bytes32 Run(Func<MarketHarness, Task> scenario) => Run(new MarketOptions(), scenario);

    /// <summary>An app with another key, or none.</summary>
    /// <remarks>It waits longer than a node does for its peer, as apps do, so that it hears why an answer
    /// ended.</remarks>
    public AppClient AppWith(string? key) => new(Network.ClientFor("app", TimeSpan.FromMinutes(10)), Front, key);

    /// <summary>The owner, at the admin door.</summary>
    public AppClient Owner(string? token = AdminToken) => new(Network.ClientFor("owner"), Back, token);

    public NodeClient ClientOf(string name) => new(Network.ClientFor(name), Time);

    public Task WaitAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), Time);

    /// <summary>Waits until something holds, for at most a minute of simulated time unless told otherwise.</summary>
    public async Task UntilAsync(Func<bool> holds, string what, double seconds = 60)
    {
        var end = Time.GetUtcNow() + TimeSpan.FromSeconds(seconds);
        while (!holds())
        {
            if (Time.GetUtcNow() > end)
            {
                throw new MarketFailedException($"It did not come to this within {seconds} s: {what}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), Time);
        }
    }

    /// <summary>The provider's book, rebuilt from its ledger.</summary>
    public async Task<ProviderBook> ProviderBookAsync() =>
        (await Journal.OpenAsync<ProviderBook>(_providerLedger!, CancellationToken.None)).Book;

    /// <summary>The ledgers of the lives that run now, for reading.</summary>
    public ILedger ProviderLedger => _providerLedger!;

    public ILedger GatewayLedger => _gatewayLedger!;

    /// <summary>The first API key's account.</summary>
    public ApiKeyAccount Account => Gateway.Book.ApiKeys[Key.Hash];

    /// <summary>Starts or restarts the provider on its disk.</summary>
    public async Task StartProviderAsync(Action<ProviderOptionsDraft>? change = null)
    {
        if (await TryStartProviderAsync(change) is { } refusal)
        {
            throw new MarketFailedException($"The provider does not start: {refusal.Message}");
        }
    }

    /// <summary>As the other; tells why where it cannot start now.</summary>
    public async Task<Refusal?> TryStartProviderAsync(Action<ProviderOptionsDraft>? change = null)
    {
        _providerLedger = new TracedLedger(ProviderDisk.Open(Time, SyncTime), "provider", Scheduler.Trace);
        var draft = new ProviderOptionsDraft { Prices = Options.Prices, WithdrawDelay = Options.WithdrawDelay };
        change?.Invoke(draft);
        var options = new ProviderOptions
        {
            Provider = Keys.ProviderOwner.Address, Payout = Keys.Payout.Address,
            NodeKey = draft.NodeKey ?? Keys.Node, AuthorizerKey = Keys.Authorizer, GasKey = Keys.Gas,
            Endpoint = Endpoint, SpkiHash = () => ProviderTarget.SpkiHash,
            Models =
            [
                new ModelForSale(Options.EngineAround?.Invoke(Engine) ?? Engine, draft.Prices)
                {
                    Concurrency = Options.Concurrency, SliceLeast = Options.SliceLeast,
                        SliceGreatest = Options.SliceGreatest,
                },
            ],
            Indexers = [IndexerUri.ToString()], WithdrawDelay = draft.WithdrawDelay, MinimumDeposit = new(1_000),
            GasMoneyPrice = Options.GasMoneyPrice, MostUnclaimed = draft.MostUnclaimed, ClaimAfter = draft.ClaimAfter,
            Watchtowers = draft.Watchtowers,
        };
        var parts = new ProviderParts(
            _providerLedger, Options.ProviderChain?.Invoke(Chain) ?? Chain, Network.ClientFor("provider"),
                ProviderClock, Scheduler.Randomness.Fork($"provider {++_starts}"),
            Logs.For("provider"));
        parts = Options.ProviderParts?.Invoke(parts) ?? parts;
        if (!(await ProviderNode.StartAsync(options, parts, CancellationToken.None))
            .TryGet(out var started, out var refusal))
        {
            ProviderDisk.Crash();
            return refusal;
        }

        Provider = started;
        var handler = Options.Provider?.Invoke(Provider.Handler) ?? Provider.Handler;
        _provider.Start(
            Network.Listen(ProviderTarget.Endpoint, handler, ProviderTarget.SpkiHash), Provider.RunAsync);
        return null;
    }

    /// <summary>Kills the provider at this instant; of what was not on its disk yet, some appends may
    /// survive.</summary>
    public async Task CrashProviderAsync(int surviving = 0)
    {
        ProviderDisk.Crash(surviving);
        await _provider.StopAsync();
        Provider.Dispose();
    }

    /// <summary>Writes into the book of a gateway that is down, as its own earlier life would have.</summary>
    public async Task RecordForGatewayAsync(params LedgerEvent[] events)
    {
        await using var ledger = GatewayDisk.Open(Time, SyncTime);
        await (await Journal.OpenAsync<CustomerBook>(ledger, CancellationToken.None)).RecordAsync(events);
    }

    /// <summary>Starts or restarts the gateway on its disk.</summary>
    public async Task StartGatewayAsync()
    {
        var ledger = _gatewayLedger = new TracedLedger(GatewayDisk.Open(Time, SyncTime), "gateway", Scheduler.Trace);
        var options = new GatewayOptions
        {
            Vault = Vault, HotKey = Keys.Hot, GasKey = Options.HotKeyHasGas ? null : Keys.Stranger,
            Catalogue = Catalogue(), CatalogueSigner = Keys.CatalogueSigner.Address,
            AdminTokenHash = Sha.Hash(System.Text.Encoding.UTF8.GetBytes(AdminToken)),
            ChannelDeposit = Options.ChannelDeposit, WarmChannels = Options.WarmChannels,
            MostChannelsPerProvider = Options.MostChannels, SliceTokens = Options.SliceTokens,
            Caps = new(Options.MostAtRisk, Options.MostAtRisk),
            LongestAnswer = Options.LongestAnswer,
            AllowedOrigins = Options.AllowedOrigins, Sellers = Options.Sellers,
        };
        var parts = new GatewayParts(
            ledger, Options.GatewayChain?.Invoke(Chain) ?? Chain, Network.ClientFor("gateway"), GatewayClock,
                Scheduler.Randomness.Fork($"gateway {++_starts}"),
                Logs.For("gateway"));
        parts = Options.GatewayParts?.Invoke(parts) ?? parts;
        Gateway = (await GatewayNode.StartAsync(options, parts, CancellationToken.None)).Value;
        _gateway.Start(Network.Listen(Front.Endpoint, Gateway.FrontDoor), Gateway.RunAsync);
        _gateway.Also(Network.Listen(Back.Endpoint, Gateway.AdminDoor));
    }

    /// <summary>Kills the gateway at this instant.</summary>
    public async Task CrashGatewayAsync(int surviving = 0)
    {
        GatewayDisk.Crash(surviving);
        await _gateway.StopAsync();
    }

    /// <summary>Kills the provider where it stands: its loops and answers are not waited for, and whoever gave it its
    /// parts lets none of them do anything any more.</summary>
    public void KillProvider(int surviving = 0)
    {
        ProviderDisk.Crash(surviving);
        _provider.Abandon();
    }

    /// <summary>Kills the gateway in the same way.</summary>
    public void KillGateway(int surviving = 0)
    {
        GatewayDisk.Crash(surviving);
        _gateway.Abandon();
    }

    /// <summary>Loops of roles that ended although nobody stopped them; null where all go on.</summary>
    public Exception? Ended => _provider.Ended ?? _gateway.Ended ?? _indexer.Ended;

    public void Dispose()
    {
        _provider.Dispose();
        _gateway.Dispose();
        _indexer.Dispose();
        Chain.Dispose();
        Scheduler.Dispose();
    }

    private string Endpoint => ProviderTarget.Endpoint.ToString().TrimEnd('/');

    private static NetworkFile NetworkOf(MarketOptions options) => new(
        31337, ["http://127.0.0.1:8545"], At(1), At(2), At(3), At(4), 6, 2, options.Confirmations, 60, null, null,
        [IndexerUri.ToString()], At(5));

    private static Address At(byte number)
    {
        Span<byte> bytes = stackalloc byte[20];
        bytes[19] = number;
        bytes[0] = 0xC0;
        return Address.FromBytes(bytes);
    }

    private Signed<CatalogueDocument> Catalogue() => Signed.Sign(
        new CatalogueDocument(
            "test", 1, Now + 10_000_000, [new CatalogueEntry(ModelName, [Engine.Model.Manifest.Digest])]),
        Keys.CatalogueSigner, Chain.Network.SoukDomain);

    private async Task StartAsync()
    {
        Chain.Endow(Keys.ProviderOwner.Address, new(10_000));
        Chain.Endow(Keys.Gas.Address, Amount.Zero);
        Chain.Endow(Options.HotKeyHasGas ? Keys.Hot.Address : Keys.Stranger.Address, Amount.Zero);
        Chain.Endow(Keys.VaultOwner.Address, Options.VaultFunds);
        var settings = new VaultSettings(
            Keys.VaultOwner.Address,
            new VaultLimits(Options.VaultCap, new(10_000_000), ChannelConfig.MinWithdrawDelay, 2_592_000),
            [new VaultHotKey(Keys.Hot.Address, new(10_000_000))], [Chain.Network.Registry], []);
        Vault = (await Chain.VaultAddressAsync(settings, Bytes32.Zero, CancellationToken.None)).Value;
        var keys = new ProviderKeys(Keys.Payout.Address, Keys.Node.Address, Keys.Authorizer.Address, Keys.Gas.Address);
        var proof = NodeKeyProof.Sign(
            Keys.Node, new SoukDomain(Chain.Network.ChainId, Chain.Network.Registry), Keys.ProviderOwner.Address);
        var owner = Chain.Account(Keys.VaultOwner);
        var outcomes = await Task.WhenAll(
            owner.SubmitAsync(new CreateVault(settings, Bytes32.Zero), CancellationToken.None),
            owner.SubmitAsync(new TransferCurrency(Vault, Options.VaultFunds), CancellationToken.None),
            Chain.Account(Keys.ProviderOwner).SubmitAsync(
                new Register(keys, proof, Endpoint, 600, Address.Zero), CancellationToken.None));
        foreach (var outcome in outcomes)
        {
            _ = outcome.Value;
        }

        await WaitAsync(Chain.Network.BlockTime * Options.Confirmations);
        Options.Prepared?.Invoke(this);
        var parts = new IndexerParts(Chain, Network.ClientFor("indexer"), Time, Logs.For("indexer"));
        Indexer = IndexerNode.Create(new IndexerOptions(), Options.IndexerParts?.Invoke(parts) ?? parts);
        _indexer.Start(
            Network.Listen(IndexerUri, Options.Indexer?.Invoke(Indexer.Handler) ?? Indexer.Handler), Indexer.RunAsync);
        await StartProviderAsync();
        await StartGatewayAsync();
        Key = (await Gateway.CreateKeyAsync("first", Options.Budget, null)).Value;
        App = AppWith(Key.Secret);
        if (Options.AwaitsChannels)
        {
            await UntilAsync(
                () => Gateway.IdleChannels >= Options.WarmChannels && Gateway.Offers > 0,
                    "the gateway has its channels");
        }
    }

    private async Task StopAsync()
    {
        await _gateway.StopAsync();
        await _provider.StopAsync();
        await _indexer.StopAsync();
        Provider.Dispose();
        Indexer.Dispose();
    }
}

/// <summary>Settings of the provider that single scenarios change.</summary>
public sealed class ProviderOptionsDraft
{
    public uint WithdrawDelay { get; set; } = 900;

    public IReadOnlyList<string> Watchtowers { get; set; } = [];

    public TimeSpan ClaimAfter { get; set; } = TimeSpan.FromDays(1);

    public Prices Prices { get; set; } = new(new(2_000_000), new(1_000_000), new(6_000_000));

    public Amount MostUnclaimed { get; set; } = new(UInt128.MaxValue);

    public PrivateKey? NodeKey { get; set; }
}

/// <summary>A scenario failed.</summary>
public sealed class MarketFailedException(string message, Exception? inner = null) : Exception(message, inner);
