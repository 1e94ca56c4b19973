using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;
using Souk.Protocol;

namespace Souk.Conformance.X402;

/// <summary>
/// x402's unmodified npm clients buy from a provider of the product, without any gateway, on a chain that has the
/// canonical escrow. Money is read by eth_call and from the ledger's rows.
/// </summary>
public sealed class PlainClientTests : IAsyncLifetime
{
    private const int Answers = 50;
    private const int LosesStateAt = 20;
    private const string Mismatch = "invalid_batch_settlement_evm_cumulative_amount_mismatch";
    private static readonly BigInteger Funds = 5_000_000;
    private readonly PrivateKey _payer = PrivateKey.FromBytes([.. Enumerable.Repeat((byte)9, 32)]);
    private MarketNetwork _network = null!;
    private ChainReader _chain = null!;
    private string _escrow = "";
    private string _currency = "";

    public async ValueTask InitializeAsync()
    {
        _network = await MarketNetwork.StartAsync(new NetworkPlan(IsTapped: true) { IsCanonical = true });
        await _network.Basics.MintAsync(_payer.Address, new((UInt128)Funds));
        _chain = new ChainReader(_network.Basics.Node.Url);
        _escrow = CanonicalContracts.Escrow.ToString();
        _currency = _network.Basics.Network.Currency.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        _chain?.Dispose();
        await _network.DisposeAsync();
    }

    [Fact]
    public async Task Fifty_answers_are_bought_half_of_them_streamed_after_a_lost_state_too_and_the_rest_refunded()
    {
        var provider = _network.Providers[0];
        var done = await NodeScript.RunAsync("x402-client.mjs", new JsonObject
        {
            ["rpc"] = _network.Basics.Node.Url.ToString(),
            ["provider"] = provider.Endpoint,
            ["payerKey"] = "0x" + Convert.ToHexStringLower([.. Enumerable.Repeat((byte)9, 32)]),
            ["model"] = MarketNetwork.Model,
            ["answers"] = Answers,
            ["losesStateAt"] = LosesStateAt,
        });

        var outcomes = done.GetProperty("outcomes").EnumerateArray().ToList();
        Assert.Equal(Answers, outcomes.Count);
        Assert.All(outcomes, AssertServed);
        Assert.Equal(Answers / 2, outcomes.Count(outcome => outcome.GetProperty("streamed").GetBoolean()));
        AssertCorrected(outcomes);
        var deposit = AssertDepositedOnce(outcomes);

        // What usage says of each answer, priced here; what the provider wrote down; what the client was told last.
        var charged = outcomes.Aggregate(BigInteger.Zero, (sum, outcome) => sum + Priced(outcome));
        var rows = LedgerReader.Read(provider.Ledger);
        var channel = rows.First(row => row.Kind == "refund_submitted").Key;
        var receipts = rows.Where(row => row.Kind == "receipt_signed")
            .Select(row => row.Body.GetProperty("receipt").GetProperty("message"))
            .Where(receipt => Text(receipt, "channel_id") == channel).ToList();
        Assert.Equal(Answers, receipts.Count);
        Assert.Equal(charged, receipts.Aggregate(BigInteger.Zero, (sum, one) => sum + Number(one, "charge")));
        Assert.All(receipts, receipt => Assert.Equal("provider", Text(receipt, "key_source")));
        AssertVouchersCameFirst(rows, channel);

        await AssertMoneyAsync(provider, channel, deposit, charged, done);
        TestContext.Current.SendDiagnosticMessage(
            $"{Answers} answers for {charged} of {deposit} deposited, {deposit - charged} refunded.");
        AssertFacilitated(done.GetProperty("facilitated"));
    }

    // A channel that the facilitator's npm client opened and gave back; the deposit's permission serves once.
    private void AssertFacilitated(JsonElement facilitated)
    {
        var kind = Assert.Single(facilitated.GetProperty("supported").GetProperty("kinds").EnumerateArray());
        Assert.Equal(("batch-settlement", "eip155:31337"), (Text(kind, "scheme"), Text(kind, "network")));
        Assert.True(facilitated.GetProperty("verified").GetProperty("isValid").GetBoolean());
        var (settled, refunded) = (facilitated.GetProperty("settled"), facilitated.GetProperty("refunded"));
        Assert.True(settled.GetProperty("success").GetBoolean(), settled.GetRawText());
        Assert.True(refunded.GetProperty("success").GetBoolean(), refunded.GetRawText());
        Assert.Equal(Number(facilitated, "deposit"), Number(settled, "amount"));
        Assert.Equal(Number(facilitated, "deposit"), Number(refunded, "amount"));
        Assert.Equal("0", Text(refunded.GetProperty("extra").GetProperty("channelState"), "balance"));
        var again = facilitated.GetProperty("again");
        Assert.False(again.GetProperty("success").GetBoolean());
        Assert.Equal("invalid_batch_settlement_evm_deposit_simulation_failed", Text(again, "errorReason"));
    }

    // The channel holds what was charged and nothing else; the payer has the rest back; then it is claimed and paid
    // out.
    private async Task AssertMoneyAsync(
        RunningProvider provider, string channel, BigInteger deposit, BigInteger charged, JsonElement done)
    {
        var refund = done.GetProperty("refund");
        Assert.True(refund.GetProperty("success").GetBoolean(), refund.GetRawText());
        Assert.Equal(deposit - charged, Number(refund, "amount"));
        Assert.Equal(1, await _chain.StatusAsync(Text(refund, "transaction")));
        Assert.Equal(charged, Number(refund.GetProperty("extra").GetProperty("channelState"),
            "chargedCumulativeAmount"));
        Assert.Equal(Funds - charged, await _chain.CurrencyAsync(_currency, _payer.Address.ToString()));
        var (balance, _) = await _chain.ChannelAsync(_escrow, channel);
        Assert.Equal(charged, balance);

        var claimed = await provider.Node.ClaimNowAsync(default);
        Assert.True(claimed.IsOk, claimed.Refusal?.Message);
        var payout = provider.Keys.Payout.Address.ToString();
        Assert.Equal((charged, charged), await _chain.ChannelAsync(_escrow, channel));
        Assert.Equal((charged, charged), await _chain.ReceiverAsync(_escrow, payout, _currency));
        Assert.Equal(charged, await _chain.CurrencyAsync(_currency, payout));
    }

    private static void AssertServed(JsonElement outcome)
    {
        Assert.NotEqual("", Text(outcome, "text"));
        var replies = outcome.GetProperty("replies").EnumerateArray().ToList();
        Assert.Equal(402, replies[0].GetProperty("status").GetInt32());
        Assert.False(replies[0].GetProperty("paid").GetBoolean());
        Assert.Equal(200, replies[^1].GetProperty("status").GetInt32());
        var extra = replies[^1].GetProperty("settled").GetProperty("extra");
        Assert.Equal(
            outcome.GetProperty("streamed").GetBoolean() ? BigInteger.Zero : Priced(outcome),
            Number(extra, "chargedAmount"));
        Assert.NotEqual(
            outcome.GetProperty("streamed").GetBoolean(), replies[^1].GetProperty("receipt").GetBoolean());
    }

    // A stream's head leaves before its charge, so what follows it is corrected once; so is a client without memory.
    private static void AssertCorrected(List<JsonElement> outcomes)
    {
        for (var i = 0; i < outcomes.Count; i++)
        {
            var corrections = outcomes[i].GetProperty("replies").EnumerateArray()
                .Count(reply => reply.GetProperty("error") is { ValueKind: JsonValueKind.String } error
                    && error.GetString() == Mismatch);
            var isBehind = i > 0 && (outcomes[i - 1].GetProperty("streamed").GetBoolean() || i == LosesStateAt);
            Assert.Equal(isBehind ? 1 : 0, corrections);
        }
    }

    private static BigInteger AssertDepositedOnce(List<JsonElement> outcomes)
    {
        var deposits = outcomes.SelectMany(outcome => outcome.GetProperty("replies").EnumerateArray())
            .Select(reply => reply.GetProperty("settled"))
            .Where(settled => settled.ValueKind == JsonValueKind.Object && Text(settled, "transaction") != "");
        return Number(Assert.Single(deposits), "amount");
    }

    // Each request's work is admitted under a ceiling that was on the disk before it.
    private static void AssertVouchersCameFirst(IReadOnlyList<RawRow> rows, string channel)
    {
        var (ceiling, charged) = (BigInteger.Zero, BigInteger.Zero);
        foreach (var row in rows)
        {
            if (row.Kind == "voucher_accepted"
                && Text(row.Body.GetProperty("voucher"), "channel_id") == channel)
            {
                ceiling = Number(row.Body.GetProperty("voucher"), "max_claimable");
            }
            else if (row.Kind == "receipt_signed"
                && Text(row.Body.GetProperty("receipt").GetProperty("message"), "channel_id") == channel)
            {
                charged += Number(row.Body.GetProperty("receipt").GetProperty("message"), "charge");
                Assert.True(charged <= ceiling);
            }
        }
    }

    // Prices of the network are 1.3, 0.7 and 4.7 units a token; a charge is rounded up once.
    private static BigInteger Priced(JsonElement outcome)
    {
        var usage = outcome.GetProperty("usage");
        var cached = usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
        var fresh = usage.GetProperty("prompt_tokens").GetInt32() - cached;
        var output = usage.GetProperty("completion_tokens").GetInt32();
        return ((13 * fresh) + (7 * cached) + (47 * output) + 9) / 10;
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static BigInteger Number(JsonElement json, string name) =>
        BigInteger.Parse(Text(json, name), CultureInfo.InvariantCulture);
}
