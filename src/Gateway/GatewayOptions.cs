using Souk.Gateway.Front;
using Souk.Gateway.X402;
using Souk.Market.Budgets;
using Souk.Market.Offers;
using Souk.Market.Pricing;
using Souk.Protocol;

namespace Souk.Gateway;

/// <summary>Settings of a gateway. Bound once, checked by <see cref="Problems"/> before anything starts.</summary>
public sealed class GatewayOptions
{
    /// <summary>The customer's vault: payer of every channel.</summary>
    public required Address Vault { get; init; }

    /// <summary>Signs draws and vouchers; one of the vault's hot keys.</summary>
    public required PrivateKey HotKey { get; init; }

    /// <summary>Pays the gas of withdrawals, which the hot key then only signs. Null: the hot key sends them itself,
    /// and without gas money channels that are of no more use stay open.</summary>
    public PrivateKey? GasKey { get; init; }

    /// <summary>Base URLs of indexers, beside those of the network file.</summary>
    public IReadOnlyList<string> Indexers { get; init; } = [];

    /// <summary>Resolves public model names. Null: only <c>provider/digest</c> works.</summary>
    public Signed<CatalogueDocument>? Catalogue { get; init; }

    /// <summary>Who must have signed the catalogue.</summary>
    public Address? CatalogueSigner { get; init; }

    /// <summary>SHA-256 of the token that the admin API asks for. Null: no admin API.</summary>
    public Bytes32? AdminTokenHash { get; init; }

    /// <summary>Host names (without port) under which the admin API answers; another is a rebinding attempt.</summary>
    public IReadOnlyList<string> AdminHosts { get; init; } = ["127.0.0.1", "localhost", "[::1]"];

    /// <summary>Origins of web pages that may use the front door (CORS), for example <c>https://app.example</c>;
    /// <c>*</c> allows any. Default none. The admin API allows none ever.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>What a new channel is funded with, in smallest units; at least the offer's minimum. It bounds what one
    /// request can cost, and is locked for the withdraw delay at worst. Default 1,000,000.</summary>
    public Amount ChannelDeposit { get; init; } = new(1_000_000);

    /// <summary>Plain x402 servers to buy from beside the market's providers, whose receivers the vault's owner has
    /// listed. Default none.</summary>
    public IReadOnlyList<X402Seller> Sellers { get; init; } = [];

    /// <summary>Idle channels that are kept ready per offer, so that requests do not wait for the chain. Default
    /// 2.</summary>
    public int WarmChannels { get; init; } = 2;

    /// <summary>Most open channels per provider; each can lock a deposit and risk a slice. Default 16.</summary>
    public int MostChannelsPerProvider { get; init; } = 16;

    /// <summary>How long a request waits for a channel to become idle before it is answered 503. Default 20
    /// s.</summary>
    public TimeSpan ChannelWait { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Output tokens that one voucher covers: what is risked per channel. Default 512.</summary>
    public ulong SliceTokens { get; init; } = SlicePlan.DefaultSliceTokens;

    /// <summary>Most that may be at risk at once, with one provider and in all. Default 10 and 100 whole units of a
    /// currency with six decimals.</summary>
    public ExposureCaps Caps { get; init; } = new(new Amount(10_000_000), new Amount(100_000_000));

    /// <summary>Least trust tier of an offer. Default <see cref="TrustTier.New"/>.</summary>
    public TrustTier LeastTier { get; init; } = TrustTier.New;

    /// <summary>How often indexers are asked. Default 3 s; heartbeats lapse after 30 s.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a receipt may be missing once its provider answers again, before the channel freezes. Default
    /// 60 s.</summary>
    public TimeSpan ReceiptPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an answer may stream, so that a provider cannot hold a channel for ever. Default 1
    /// h.</summary>
    public TimeSpan LongestAnswer { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long an unstreamed answer whose stream broke waits for its receipt before the app gets an error
    /// that costs nothing. Default 5 s.</summary>
    public TimeSpan BrokenAnswerWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Everything that is wrong with these settings, each with what to do; empty when all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        Check(!Vault.IsZero, "There is no vault; make and fund one first.");
        Check(!ChannelDeposit.IsZero, "The channel deposit is zero; channels would be empty.");
        Check(WarmChannels is >= 0 and <= 64, "Warm channels are outside 0 to 64.");
        Check(MostChannelsPerProvider >= Math.Max(1, WarmChannels), "Fewer channels are allowed than are kept warm.");
        Check(SliceTokens is >= 1 and <= 1 << 20, "The slice is outside 1 to 1,048,576 tokens.");
        Check(PollEvery > TimeSpan.Zero && ChannelWait >= TimeSpan.Zero, "A waiting time is negative.");
        Check(
            Catalogue is null || CatalogueSigner is not null,
            "There is a catalogue, but nobody says who must have signed it.");
        Check(
            AllowedOrigins.All(Cors.IsOrigin),
            "An allowed origin is not scheme://host[:port], as browsers send it, or '*'.");
        Check(
            Sellers.DistinctBy(seller => seller.Name, StringComparer.Ordinal).Count() == Sellers.Count,
            "Two x402 servers sell a model of the same name.");
        return problems;

        void Check(bool isFine, string problem)
        {
            if (!isFine)
            {
                problems.Add(problem);
            }
        }
    }
}
