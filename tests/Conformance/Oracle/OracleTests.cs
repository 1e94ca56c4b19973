using System.Globalization;
using System.Net.Http.Json;
using System.Numerics;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.Oracle;

/// <summary>
/// Holds what happened on a network against what this test works out by itself: own prompt count, own decoding of what
/// a tap saw on the link, own prices, own reading of ledgers and chain.
/// </summary>
public sealed class OracleTests
{
    private const int RequestsPerSdk = 100;

    [Fact]
    public async Task After_two_hundred_mixed_requests_receipts_ledgers_and_chain_agree_to_the_unit()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan(IsTapped: true));
        var key = await network.KeyAsync("oracle");
        var (byDotNet, byNode) = (Workload.Of(RequestsPerSdk, "d"), Workload.Of(RequestsPerSdk, "n"));
        var ran = await Task.WhenAll(
            DotNetSdk.RunAsync(network.BaseUrl, key, byDotNet.ConvertAll(errand => errand.Job), 3),
            NodeSdk.RunAsync(network.BaseUrl, key, byNode.ConvertAll(errand => errand.Job), 3));
        await network.Admin.SettleDownAsync();

        var prices = await OfferedAsync(network);
        var oracle = new Judgement(network, prices);
        foreach (var (errand, outcome) in byDotNet.Zip(ran[0]).Concat(byNode.Zip(ran[1])))
        {
            oracle.Judge(errand, outcome);
        }

        Assert.True(oracle.Charged > 120, $"only {oracle.Charged} requests were charged");
        Assert.True(oracle.Left > 5, $"only {oracle.Left} apps left in mid-answer");
        oracle.CheckLedgers();
        MarketBasics.Must(await network.Providers[0].Node.ClaimNowAsync(default));
        await CheckChainAsync(network, oracle);
    }

    private static async Task<Tariff> OfferedAsync(MarketNetwork network)
    {
        using var http = new HttpClient();
        var list = await http.GetFromJsonAsync<JsonElement>(network.Providers[0].Endpoint + "/souk/v1/offers");
        var offer = Find(list, "input_price") ?? throw new InvalidOperationException(list.GetRawText());
        return new Tariff(Units(offer, "input_price"), Units(offer, "cached_price"), Units(offer, "output_price"));
    }

    private static JsonElement? Find(JsonElement at, string property) => at.ValueKind switch
    {
        JsonValueKind.Object when at.TryGetProperty(property, out _) => at,
        JsonValueKind.Object =>
            at.EnumerateObject().Select(part => Find(part.Value, property)).FirstOrDefault(found => found is not null),
        JsonValueKind.Array =>
            at.EnumerateArray().Select(part => Find(part, property)).FirstOrDefault(found => found is not null),
        _ => null,
    };

    private static BigInteger Units(JsonElement from, string name) =>
        BigInteger.Parse(from.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);

    private static async Task CheckChainAsync(MarketNetwork network, Judgement oracle)
    {
        using var chain = new ChainReader(network.Basics.Node.Url);
        // A channel may be opened at any time: its draw is in the ledger before its money is on the chain.
        await chain.FixAsync();
        var channels = LedgerReader.Read(network.GatewayLedger).Where(row => row.Kind == "draw_signed")
            .Select(row => row.Key);
        var (escrow, currency) = (network.Basics.Network.Escrow.ToString(), network.Basics.Network.Currency.ToString());
        var payout = network.Providers[0].Keys.Payout.Address.ToString();
        var total = oracle.ByChannel.Values.Aggregate(BigInteger.Zero, static (sum, charge) => sum + charge);
        Assert.Equal((total, total), await chain.ReceiverAsync(escrow, payout, currency));
        Assert.Equal(total, await chain.CurrencyAsync(currency, payout));
        var held = BigInteger.Zero;
        foreach (var channel in channels.Distinct())
        {
            var state = await chain.ChannelAsync(escrow, channel);
            Assert.Equal(oracle.ByChannel.GetValueOrDefault(channel), state.Claimed);
            held += state.Balance;
        }

        Assert.Equal(held - total, await chain.CurrencyAsync(currency, escrow));
        Assert.Equal(MarketBasics.VaultUnits - held,
            await chain.CurrencyAsync(currency, network.Basics.Vault.ToString()));
        var keys = (await network.Admin.GetAsync("/admin/v1/keys")).GetProperty("keys");
        Assert.Equal(oracle.Billed, AdminReader.Units(keys[0].GetProperty("spent").GetString()!));
        Assert.Equal("0", keys[0].GetProperty("reserved")
            .GetString()!.Replace(".000000", "", StringComparison.Ordinal));
    }
}

/// <summary>Prices of an offer, in smallest units per million tokens.</summary>
internal sealed record Tariff(BigInteger Input, BigInteger Cached, BigInteger Output)
{
    public BigInteger Charge(BigInteger input, BigInteger cached, BigInteger output)
    {
        var million = new BigInteger(1_000_000);
        return ((input * Input) + (cached * Cached) + (output * Output) + million - 1) / million;
    }
}
