using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.Paid;
using Souk.Wire.X402;

namespace Souk.Provider.Tests.X402;

/// <summary>What plain x402 clients buy, and what they are charged. Prices are 2 for input and 6 for output.</summary>
public sealed class PlainSalesTests
{
    private const ulong Prompt = 14;
    private static readonly MarketOptions Options = new() { WarmChannels = 0, Confirmations = 1 };

    [Fact]
    public void An_unpaid_request_is_told_its_worst_case() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);

        var asked = await client.AskAsync(PlainClient.Body(maxTokens: 10));

        Assert.Equal(402, asked.Status);
        var terms = asked.Terms;
        Assert.Equal(new Amount((Prompt * 2) + (10 * 6)), terms.Amount);
        Assert.Equal(market.Keys.Payout.Address, terms.PayTo);
        Assert.Equal(market.Keys.Authorizer.Address, terms.Extra.ReceiverAuthorizer);
        Assert.Equal((900u, "Simulated Dollar", "1"),
            (terms.Extra.WithdrawDelay, terms.Extra.CurrencyName, terms.Extra.CurrencyVersion));
        Assert.Equal(new Amount(1_000), terms.Extra.MinDeposit);
        Assert.Equal("https://provider.example:7443/v1/chat/completions", asked.Required!.Resource.Url);
    });

    [Fact]
    public void A_deposit_opens_a_channel_and_buys_the_first_answer() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);

        var answer = await client.OpenAsync(PlainClient.Body(maxTokens: 10));

        Assert.Equal(200, answer.Status);
        Assert.False(string.IsNullOrEmpty((string?)answer.Json["choices"]![0]!["message"]!["content"]));
        var usage = answer.Json["usage"]!;
        var charge = new Amount((2 * (ulong)usage["prompt_tokens"]!) + (6 * (ulong)usage["completion_tokens"]!));
        var settled = answer.Settled!;
        Assert.True(settled.Success);
        Assert.Equal((new Amount(20_000), charge), (settled.Amount, settled.Charged));
        Assert.NotNull(settled.Transaction);
        Assert.Equal((new Amount(20_000), charge), (settled.ChannelState!.Balance, settled.ChannelState.Charged));
        Assert.Equal(new Amount(20_000), market.Chain.Channel(client.ChannelId).Balance);
        var receipt = ReceiptText.FromHeader(answer.Headers[SoukHeaders.Receipt]!).Value;
        Assert.Equal(market.Keys.Node.Address, receipt.Signer(market.Chain.Network.SoukDomain));
        Assert.Equal((charge, KeySources.Provider), (receipt.Message.Charge, receipt.Message.KeySource));
    });

    [Fact]
    public void Vouchers_pay_for_what_follows_and_less_than_the_ceiling_is_charged() =>
        MarketHarness.Run(Options, async market =>
        {
            var client = new PlainClient(market);
            var charged = (await client.OpenAsync(PlainClient.Body())).Settled!.ChannelState!.Charged!.Value;
            for (var i = 0; i < 5; i++)
            {
                var answer = await client.BuyAsync(PlainClient.Body(maxTokens: 60 - (10 * i)), charged);

                Assert.Equal(200, answer.Status);
                Assert.Null(answer.Settled!.Transaction);
                Assert.Null(answer.Settled.Amount);
                charged += answer.Settled.Charged!.Value;
                Assert.Equal(charged, answer.Settled.ChannelState!.Charged);
            }

            var book = await market.ProviderBookAsync();
            Assert.Equal(charged, book.Channels[client.ChannelId].Base);
            Assert.Equal(charged, book.Earned);
        });

    [Fact]
    public void A_stream_opens_with_charged_0_and_the_next_request_is_corrected() =>
        MarketHarness.Run(Options, async market =>
        {
            var client = new PlainClient(market);
            var charged = (await client.OpenAsync(PlainClient.Body())).Settled!.ChannelState!.Charged!.Value;

            var stream = await client.BuyAsync(PlainClient.Body(isStream: true), charged);

            Assert.StartsWith("text/event-stream", stream.Headers["content-type"], StringComparison.Ordinal);
            Assert.Equal((Amount.Zero, charged), (stream.Settled!.Charged, stream.Settled.ChannelState!.Charged));
            Assert.EndsWith("data: [DONE]\n\n", stream.Text, StringComparison.Ordinal);
            Assert.Contains("\"content\":", stream.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"usage\"", stream.Text, StringComparison.Ordinal);
            var receipt = ReceiptText.FromComment(System.Text.Encoding.ASCII.GetBytes(
                stream.Text.Split("\n\n").Single(part => part.StartsWith(": souk-receipt", default))[2..])).Value;

            var refused = await client.BuyAsync(PlainClient.Body(), charged);

            Assert.Equal((402, X402Errors.CumulativeMismatch), (refused.Status, refused.Required!.Error));
            var extra = refused.Terms.Extra;
            Assert.Equal(charged + receipt.Message.Charge, extra.ChannelState!.Charged);
            var proof = new Voucher(client.ChannelId, extra.VoucherState!.SignedMaxClaimable,
                extra.VoucherState.Signature);
            Assert.Equal(client.Key.Address, proof.Signer(client.Escrow));
            Assert.True(extra.ChannelState.Charged <= proof.MaxClaimable);
            Assert.Equal(200, (await client.BuyAsync(PlainClient.Body(), extra.ChannelState.Charged!.Value)).Status);
        });

    [Fact]
    public void Usage_comes_with_a_stream_that_asks_for_it() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);

        var stream = await client.OpenAsync(PlainClient.Body(isStream: true, change: body =>
            body["stream_options"] = new System.Text.Json.Nodes.JsonObject { ["include_usage"] = true }));

        Assert.Contains("\"usage\":{\"prompt_tokens\":14", stream.Text, StringComparison.Ordinal);
    });

    [Fact]
    public void Older_completions_are_sold_too() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        var body = "{\"model\":\"tiny-1\",\"prompt\":\"Hello there\",\"max_tokens\":12}"u8.ToArray();

        var answer = await client.OpenAsync(body, path: "/v1/completions");

        Assert.Equal(200, answer.Status);
        Assert.Equal("text_completion", (string?)answer.Json["object"]);
        Assert.False(string.IsNullOrEmpty((string?)answer.Json["choices"]![0]!["text"]));
        Assert.False(answer.Settled!.Charged!.Value.IsZero);
    });

    [Fact]
    public void Embeddings_are_sold_too() =>
        MarketHarness.Run(Options with { Features = ["embeddings"], AwaitsChannels = false }, async market =>
        {
            var client = new PlainClient(market);
            var body = "{\"model\":\"tiny-1\",\"input\":[\"Hello there\",\"you\"]}"u8.ToArray();

            var answer = await client.OpenAsync(body, path: "/v1/embeddings");

            Assert.Equal(200, answer.Status);
            Assert.Equal(2, answer.Json["data"]!.AsArray().Count);
            Assert.Equal(new Amount(2 * (ulong)answer.Json["usage"]!["prompt_tokens"]!), answer.Settled!.Charged);
        });

    [Fact]
    public void A_refund_gives_back_all_that_was_not_charged() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        var charged = (await client.OpenAsync(PlainClient.Body())).Settled!.Charged!.Value;
        var before = client.Balance;

        var refund = await client.RefundAsync(client.Refund(charged));

        Assert.Equal(200, refund.Status);
        Assert.Equal(new Amount(20_000) - charged, refund.Settled!.Amount);
        Assert.Equal(before + new Amount(20_000) - charged, client.Balance);
        Assert.Equal(charged, refund.Settled.ChannelState!.Balance);
        Assert.Equal((UInt128)1, refund.Settled.ChannelState.RefundNonce);
        var report = (await market.Provider.ClaimNowAsync(default)).Value;
        Assert.Equal(charged, report.Paid);
        Assert.Equal(charged, market.Chain.BalanceOf(market.Keys.Payout.Address));
    });

    [Fact]
    public void A_part_of_the_rest_can_be_refunded_and_the_channel_goes_on() =>
        MarketHarness.Run(Options, async market =>
        {
            var client = new PlainClient(market);
            var charged = (await client.OpenAsync(PlainClient.Body())).Settled!.Charged!.Value;

            var refund = await client.RefundAsync(client.Refund(charged, new(5_000)));

            Assert.Equal(new Amount(15_000), refund.Settled!.ChannelState!.Balance);
            Assert.Equal(200, (await client.BuyAsync(PlainClient.Body(), charged)).Status);
        });

    [Fact]
    public void A_channel_is_topped_up_by_a_second_deposit() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        var charged = (await client.OpenAsync(PlainClient.Body(), deposit: 1_000)).Settled!.Charged!.Value;
        var body = PlainClient.Body(maxTokens: 200);
        var terms = await client.TermsAsync(body);
        Assert.Equal(X402Errors.CumulativeExceedsBalance,
            (await client.PayAsync(body, terms, client.Pay(charged + terms.Amount))).Required!.Error);

        var answer = await client.PayAsync(body, terms, client.Deposit(new(3_000), charged + terms.Amount));

        Assert.Equal(200, answer.Status);
        Assert.Equal(new Amount(4_000), answer.Settled!.ChannelState!.Balance);
    });

    [Fact]
    public void A_deposit_waits_for_the_confirmations_that_its_price_needs() =>
        MarketHarness.Run(Options with { Confirmations = 4 }, async market =>
        {
            var client = new PlainClient(market);

            // The slice of 64 tokens that is credited without confirmations is less than this.
            var answer = await client.OpenAsync(PlainClient.Body(maxTokens: 200));

            Assert.Equal(200, answer.Status);
            var book = await market.ProviderBookAsync();
            Assert.Equal(new Amount(20_000), book.Channels[client.ChannelId].ConfirmedDeposit);
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_client_of_a_provider_that_lost_its_ledger_goes_on_from_what_was_claimed(bool keepsOlderCopy) =>
        MarketHarness.Run(Options, async market =>
        {
            var client = new PlainClient(market);
            var first = (await client.OpenAsync(PlainClient.Body())).Settled!.Charged!.Value;
            var older = (int)market.ProviderDisk.RowCount;
            var charged = (await client.BuyAsync(PlainClient.Body(), first)).Settled!.ChannelState!.Charged!.Value;
            _ = (await market.Provider.ClaimNowAsync(default)).Value;
            await market.CrashProviderAsync();
            market.ProviderDisk.Restore(keepsOlderCopy ? older : 0);
            await market.StartProviderAsync();

            var answer = await client.BuyAsync(PlainClient.Body(), charged);

            Assert.Equal(200, answer.Status);
            Assert.Equal(charged + answer.Settled!.Charged!.Value, answer.Settled.ChannelState!.Charged);
        });

    [Fact]
    public void A_refund_that_a_crash_interrupted_is_made_once_and_nothing_is_sold_before() =>
        MarketHarness.Run(Options, async market =>
        {
            var client = new PlainClient(market);
            var charged = (await client.OpenAsync(PlainClient.Body())).Settled!.Charged!.Value;
            await market.CrashProviderAsync();
            // What its earlier life wrote down last, and died before it sent it.
            await using (var ledger = market.ProviderDisk.Open(market.Time, TimeSpan.Zero))
            {
                var journal = await Journal.OpenAsync<ProviderBook>(ledger, default);
                await journal.RecordAsync(new RefundSubmitted(client.ChannelId, new Amount(20_000) - charged, 0, 1));
            }

            await market.StartProviderAsync();
            Assert.Equal(X402Errors.Busy, (await client.BuyAsync(PlainClient.Body(), charged)).Required!.Error);

            await market.UntilAsync(
                () => market.Chain.Channel(client.ChannelId).Balance == charged, "the refund is on the chain");
            await market.WaitAsync(10);

            Assert.Equal((UInt128)1, market.Chain.Channel(client.ChannelId).RefundNonce);
            Assert.Null((await market.ProviderBookAsync()).Channels[client.ChannelId].Refunding);
            Assert.Equal(X402Errors.CumulativeExceedsBalance,
                (await client.BuyAsync(PlainClient.Body(), charged)).Required!.Error);
        });
}
