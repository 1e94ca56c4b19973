using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;
using Souk.Gateway.X402;
using Souk.Protocol;

namespace Souk.Conformance.X402;

/// <summary>The gateway buys from x402's unmodified reference server, by vouchers on a channel that its vault funded.
/// Money is read by eth_call and from the ledger's rows.</summary>
public sealed class ExpressSellerTests : IAsyncLifetime
{
    private const string Model = "x402/demo";
    private readonly PrivateKey _payTo = PrivateKey.FromBytes(Bytes(1));
    private readonly PrivateKey _authorizer = PrivateKey.FromBytes(Bytes(2));
    private readonly PrivateKey _relayer = PrivateKey.FromBytes(Bytes(3));
    private MarketNetwork _network = null!;
    private ExpressSeller _seller = null!;
    private ChainReader _chain = null!;
    private string _key = "";

    public async ValueTask InitializeAsync()
    {
        var port = Places.OnePort();
        var seller = MarketBasics.Must(
            X402Seller.Create("demo", $"http://127.0.0.1:{port}/v1", new Amount(ExpressSeller.Price)));
        _network = await MarketNetwork.StartAsync(new NetworkPlan { IsCanonical = true, Sellers = [seller] });
        await _network.Basics.GiveGasAsync(_relayer.Address);
        await _network.Basics.ListReceiverAsync(_payTo.Address);
        _key = await _network.KeyAsync("app");
        _seller = await ExpressSeller.StartAsync(
            _network, port, _payTo.Address, _relayer, _authorizer, await _network.KeyAsync("upstream"));
        _chain = new ChainReader(_network.Basics.Node.Url);
    }

    public async ValueTask DisposeAsync()
    {
        _chain?.Dispose();
        if (_seller is not null)
        {
            await _seller.DisposeAsync();
        }

        await _network.DisposeAsync();
    }

    [Fact]
    public async Task Twenty_answers_are_paid_on_one_channel_claimed_settled_and_the_rest_refunded()
    {
        Assert.Contains(Model, await NodeSdk.ModelsAsync(_network.BaseUrl, _key));
        List<SdkOutcome> outcomes =
        [
            .. await NodeSdk.RunAsync(_network.BaseUrl, _key, Jobs(0, 10)),
            .. await DotNetSdk.RunAsync(_network.BaseUrl, _key, [.. Jobs(10, 10, false)]),
        ];
        Assert.All(outcomes, outcome => Assert.Null(outcome.Error));
        Assert.Equal(20, outcomes.Count);
        Assert.All(outcomes, outcome => Assert.NotEqual("", Assert.Single(outcome.Texts)));
        Assert.All(outcomes, outcome => Assert.Equal(
            ExpressSeller.PerToken * (outcome.Prompt + outcome.Completion), outcome.Cost));
        var paid = outcomes.Aggregate(BigInteger.Zero, (sum, outcome) => sum + outcome.Cost);

        var rows = LedgerReader.Read(_network.GatewayLedger);
        var channel = Text(Assert.Single(rows, row => row.Kind == "seller_taken").Body, "channel_id");
        Assert.Equal(20, rows.Count(row => row.Kind == "purchase_sent"));
        Assert.Equal(paid, Sum(rows.Where(row => row.Kind == "purchase_charged"), "charge"));
        AssertVouchersCameFirst(rows, channel);
        AssertBilled(rows, paid);

        await _seller.ClaimAndSettleAsync();
        var (escrow, currency) = (CanonicalContracts.Escrow.ToString(), _network.Basics.Network.Currency.ToString());
        var (balance, claimed) = await _chain.ChannelAsync(escrow, channel);
        Assert.Equal(paid, claimed);
        Assert.Equal((paid, paid), await _chain.ReceiverAsync(escrow, _payTo.Address.ToString(), currency));
        Assert.Equal(paid, await _chain.CurrencyAsync(currency, _payTo.Address.ToString()));

        var vault = _network.Basics.Vault.ToString();
        var before = await _chain.CurrencyAsync(currency, vault);
        await _network.Admin.PostAsync($"/admin/v1/channels/{channel}/withdraw");
        Assert.Equal((paid, paid), await _chain.ChannelAsync(escrow, channel));
        Assert.Equal(before + balance - paid, await _chain.CurrencyAsync(currency, vault));
    }

    [Fact]
    public async Task A_lost_reply_costs_the_app_nothing_and_the_channel_goes_on_where_the_server_proves_it_is()
    {
        var first = Assert.Single(await NodeSdk.RunAsync(_network.BaseUrl, _key, Jobs(0, 1)));
        Assert.Null(first.Error);
        await _seller.LoseAsync(2);
        var lost = await NodeSdk.RunAsync(_network.BaseUrl, _key, Jobs(2, 2));
        Assert.All(lost, outcome => Assert.Equal(502, outcome.Error!.Status));
        var after = await NodeSdk.RunAsync(_network.BaseUrl, _key, Jobs(4, 2));
        Assert.All(after, outcome => Assert.Null(outcome.Error));

        var rows = LedgerReader.Read(_network.GatewayLedger);
        Assert.Equal(2, rows.Count(row => row.Kind == "purchase_lost"));
        var charges = rows.Where(row => row.Kind == "purchase_charged").ToList();
        Assert.Equal(
            ["response", "corrective", "corrective", "response", "response"],
            charges.Select(row => Text(row.Body, "source")));
        var remembered = Assert.Single(await _seller.ChannelsAsync());
        Assert.Equal(Text(charges[^1].Body, "cumulative"), Text(remembered, "chargedCumulativeAmount"));
        Assert.Equal(Text(charges[^1].Body, "channel_id"), Text(remembered, "channelId"));
        AssertBilled(rows, first.Cost + after[0].Cost + after[1].Cost);

        // The server is owed the lost ones all the same, and gets no more than it proved.
        await _seller.ClaimAndSettleAsync();
        var (_, claimed) = await _chain.ChannelAsync(
            CanonicalContracts.Escrow.ToString(), Text(remembered, "channelId"));
        Assert.Equal(Sum(charges, "charge"), claimed);
        Assert.DoesNotContain(LedgerReader.Read(_network.GatewayLedger), row => row.Kind == "loss_booked");
    }

    // Every other one streamed, unless told otherwise.
    private static IEnumerable<SdkJob> Jobs(int from, int count, bool isMixed = true) =>
        Enumerable.Range(from, count).Select(number => SdkJob.Ask(
            $"{number}", $"What is {number} plus {number + 7}?", isMixed && number % 2 == 1, more =>
        {
            more["model"] = Model;
            more["max_tokens"] = 24;
        }));

    // Before each purchase its voucher, over exactly what was charged by then and the price.
    private static void AssertVouchersCameFirst(IReadOnlyList<RawRow> rows, string channel)
    {
        var (charged, signed) = (BigInteger.Zero, BigInteger.Zero);
        foreach (var row in rows.Where(row => row.Body.GetRawText().Contains(channel, StringComparison.Ordinal)))
        {
            switch (row.Kind)
            {
                case "voucher_issued":
                    signed = Number(row.Body.GetProperty("voucher"), "max_claimable");
                    Assert.Equal(charged + ExpressSeller.Price, signed);
                    break;
                case "purchase_sent":
                    Assert.Equal(charged + ExpressSeller.Price, signed);
                    break;
                case "purchase_charged":
                    charged = Number(row.Body, "cumulative");
                    Assert.True(charged <= signed);
                    break;
            }
        }

        Assert.True(charged > 0);
    }

    // What the app's key was billed: its requests are those for the seller's model.
    private static void AssertBilled(IReadOnlyList<RawRow> rows, BigInteger paid)
    {
        var bought = rows.Where(row => row.Kind == "purchase_sent").Select(row => Text(row.Body, "app_request"))
            .ToHashSet();
        Assert.Equal(paid, Sum(
            rows.Where(row => row.Kind == "budget_charged" && bought.Contains(Text(row.Body, "app_request"))),
            "charged"));
    }

    private static BigInteger Sum(IEnumerable<RawRow> rows, string name) =>
        rows.Aggregate(BigInteger.Zero, (sum, row) => sum + Number(row.Body, name));

    private static BigInteger Number(JsonElement body, string name) =>
        BigInteger.Parse(Text(body, name), CultureInfo.InvariantCulture);

    private static string Text(JsonElement body, string name) => body.GetProperty(name).GetString()!;

    private static byte[] Bytes(byte last)
    {
        var bytes = new byte[32];
        (bytes[0], bytes[31]) = (0x51, last);
        return bytes;
    }
}
