using Souk.Chain;
using Souk.Engines;
using Souk.Gateway.X402;
using Souk.Gateway;
using Souk.Indexer;
using Souk.Protocol;
using Souk.Provider;
using Souk.Wire;

namespace Souk.Testbed.Market;

/// <summary>A market of one provider, one indexer and one gateway. Prices are whole units a token, so that charges
/// can be
/// reckoned by hand: 2 for input, 1 for cached input, 6 for output.</summary>
public sealed record MarketOptions
{
    /// <summary>Fixes everything.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether continuations that are ready at once run in a random order.</summary>
    public bool Interleaves { get; init; }

    /// <summary>What goes wrong on the network.</summary>
    public NetworkFaults Faults { get; init; } = new();

    /// <summary>How long after midnight (UTC) it begins.</summary>
    public TimeSpan StartsAfter { get; init; }

    /// <summary>Smallest units per 1,000,000 tokens.</summary>
    public Prices Prices { get; init; } = new(new(2_000_000), new(1_000_000), new(6_000_000));

    /// <summary>How the model's tokens are counted.</summary>
    public string Counting { get; init; } = CountingKinds.Ids;

    /// <summary>Feature words of the model, sorted; null for the usual. "embeddings" alone makes it embed.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>Least output tokens of a slice.</summary>
    public int SliceLeast { get; init; } = 8;

    /// <summary>Greatest output tokens of a slice.</summary>
    public int SliceGreatest { get; init; } = 64;

    /// <summary>Output tokens of a slice that the gateway asks for.</summary>
    public ulong SliceTokens { get; init; } = 16;

    /// <summary>Places at the provider.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>What a channel is funded with.</summary>
    public Amount ChannelDeposit { get; init; } = new(20_000);

    /// <summary>The provider's least withdraw delay, in seconds.</summary>
    public uint WithdrawDelay { get; init; } = ChannelConfig.MinWithdrawDelay;

    /// <summary>What the vault holds at the start.</summary>
    public Amount VaultFunds { get; init; } = new(1_000_000);

    /// <summary>Most that the gateway may have at risk, with the provider and in all.</summary>
    public Amount MostAtRisk { get; init; } = new(10_000_000);

    /// <summary>Budget of the first API key.</summary>
    public Amount Budget { get; init; } = new(500_000);

    /// <summary>Channels kept ready.</summary>
    public int WarmChannels { get; init; } = 2;

    /// <summary>Most channels with the provider.</summary>
    public int MostChannels { get; init; } = 8;

    /// <summary>Blocks after which money counts fully.</summary>
    public int Confirmations { get; init; } = 2;

    /// <summary>Plain x402 servers that the gateway may buy from.</summary>
    public IReadOnlyList<X402Seller> Sellers { get; init; } = [];

    /// <summary>Origins of web pages that may use the front door.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Worth of 10^18 wei; the default makes a claim of one channel due at 650 units.</summary>
    public Amount GasMoneyPrice { get; init; } = new(1_000_000);

    /// <summary>Stands between the network and the provider: sees every request, and may alter every reply.</summary>
    public Func<IWireHandler, IWireHandler>? Provider { get; init; }

    /// <summary>Stands between the network and the indexer.</summary>
    public Func<IWireHandler, IWireHandler>? Indexer { get; init; }

    /// <summary>Stands between the gateway and the chain.</summary>
    public Func<IMarketChain, IMarketChain>? GatewayChain { get; init; }

    /// <summary>Stands between the provider and the chain.</summary>
    public Func<IMarketChain, IMarketChain>? ProviderChain { get; init; }

    /// <summary>Told once accounts, vault and registry are there and before any role starts.</summary>
    public Action<MarketHarness>? Prepared { get; init; }

    /// <summary>Stands between the provider and all that it is given, at each of its starts.</summary>
    public Func<ProviderParts, ProviderParts>? ProviderParts { get; init; }

    /// <summary>Stands between the gateway and all that it is given, at each of its starts.</summary>
    public Func<GatewayParts, GatewayParts>? GatewayParts { get; init; }

    /// <summary>Stands between the indexer and all that it is given.</summary>
    public Func<IndexerParts, IndexerParts>? IndexerParts { get; init; }

    /// <summary>Stands between the provider and its engine.</summary>
    public Func<IEngine, IEngine>? EngineAround { get; init; }

    /// <summary>The most of the escrow's channels that the vault pays for in a day.</summary>
    public Amount VaultCap { get; init; } = new(10_000_000);

    /// <summary>How long an answer may stream at the gateway.</summary>
    public TimeSpan LongestAnswer { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether the gateway's hot key has gas money of its own; otherwise the stranger's key pays.</summary>
    public bool HotKeyHasGas { get; init; } = true;

    /// <summary>Whether the start waits until the gateway has its channels.</summary>
    public bool AwaitsChannels { get; init; } = true;
}
