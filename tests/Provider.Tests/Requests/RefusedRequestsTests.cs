using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Requests;

/// <summary>Each request that a provider must not serve: its own code, and no money or index moves.</summary>
public sealed class RefusedRequestsTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_voucher_by_another_key_is_refused() => Refuses(
        "voucher_signer_mismatch", 400, (market, request) => request with
        {
            Voucher = Voucher.Sign(
                market.Keys.Stranger, market.Chain.Network.EscrowDomain, request.Voucher.ChannelId,
                request.Voucher.MaxClaimable),
        });

    [Fact]
    public void A_voucher_for_another_chain_is_refused() => Refuses(
        "voucher_signer_mismatch", 400, (market, request) => request with
        {
            Voucher = Voucher.Sign(
                market.Keys.Hot, market.Chain.Network.EscrowDomain with { ChainId = 1 }, request.Voucher.ChannelId,
                request.Voucher.MaxClaimable),
        });

    [Fact]
    public void A_voucher_of_another_channel_is_refused() => Refuses(
        "voucher_channel_mismatch", 400, (market, request) => request with
        {
            Voucher = Voucher.Sign(
                market.Keys.Hot, market.Chain.Network.EscrowDomain, Sha.Hash("elsewhere"u8),
                    request.Voucher.MaxClaimable),
        });

    [Fact]
    public void A_voucher_above_the_deposit_is_refused() => Refuses(
        "voucher_above_deposit", 402, (market, request) => request with
        {
            Voucher = Voucher.Sign(
                market.Keys.Hot, market.Chain.Network.EscrowDomain, request.Voucher.ChannelId, new(20_001)),
        });

    [Fact]
    public void A_voucher_below_the_first_slice_is_refused() => Refuses(
        "voucher_below_slice", 402, (market, request) => request with
        {
            // The prompt has 14 tokens at 2, the least slice 8 at 6: one unit less is too little.
            Voucher = Voucher.Sign(
                market.Keys.Hot, market.Chain.Network.EscrowDomain, request.Voucher.ChannelId,
                new((14 * 2) + (8 * 6) - 1)),
        });

    [Fact]
    public void An_unknown_offer_is_refused() => Refuses(
        "offer_unknown", 400, (_, request) => request with { OfferHash = Sha.Hash("no offer"u8) });

    [Fact]
    public void A_channel_that_nobody_opened_is_refused() => Refuses(
        "channel_unknown", 402, (_, request) => request with
        {
            Channel = request.Channel with { Salt = Sha.Hash("never opened"u8) },
        });

    [Fact]
    public void An_index_beyond_the_nonce_chain_is_refused() => Refuses(
        "nonce_chain_spent", 400, (_, request) => request with { Index = 4097 });

    [Fact]
    public void A_continuation_is_refused() => Refuses(
        "continuation_unsupported", 400, (_, request) => request with
        {
            Continuation = new Continuation(SamplingKey.FromSeed(1), 0, 1),
        });

    [Fact]
    public void An_expired_offer_is_refused() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 64);
        await market.WaitAsync(601);

        await ExpectAsync(market, buyer, request, body, "offer_expired", 400);
    });

    [Theory]
    [InlineData("{", "invalid_request")]
    [InlineData("[]", null)]
    [InlineData("{\"model\":1,\"messages\":[]}", null)]
    public void A_body_that_is_no_chat_request_is_refused(string text, string? code) =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            var request = await buyer.NextAsync(channel, buyer.Body(), 64);

            var reply = await buyer.SendAsync(request, System.Text.Encoding.UTF8.GetBytes(text));

            Assert.Equal(400, reply.Reply.Status);
            Assert.Equal(Fault.Ours, reply.Reply.Error!.Fault);
            Assert.True(code is null || code == reply.Code, reply.Code);
            Assert.Equal(0UL, (await market.ProviderBookAsync()).Channels[channel.Id].Index);
        });

    [Fact]
    public void A_prompt_that_fills_the_context_is_refused() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body(json => json["messages"]![0]!["content"] = new string('x', 2045));
        var request = await buyer.NextAsync(channel, body, 64);

        await ExpectAsync(market, buyer, request, body, "context_length_exceeded", 400);
    });

    [Fact]
    public void A_request_without_the_headers_is_told_what_is_missing() => MarketHarness.Run(Options, async market =>
    {
        await using var reply = await market.Network.ClientFor("anyone").SendAsync(
            market.ProviderTarget, WireRequest.Json("POST", NodePaths.ChatCompletions, "{}"u8.ToArray()),
            CancellationToken.None);

        Assert.Equal(402, reply.Status);
        var error = WireError.Parse(402, await reply.ReadAllAsync(4096, CancellationToken.None));
        Assert.Contains(SoukHeaders.RequestId, error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_repeated_id_a_spent_index_and_a_lower_voucher_are_refused() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var first = await buyer.NextAsync(channel, body, 12);
        channel.Base = (await buyer.SendAsync(first, body)).Receipt!.Message.Cumulative;
        var second = await buyer.NextAsync(channel, body, 64);

        await ExpectAsync(market, buyer, first, body, "request_repeated", 409);
        await ExpectAsync(market, buyer, second with { Id = first.Id }, body, "request_repeated", 409);
        await ExpectAsync(market, buyer, second with { Index = first.Index }, body, "index_spent", 409);
        await ExpectAsync(market, buyer, (await buyer.NextAsync(channel, body, 64)) with
        {
            Voucher = buyer.Voucher(channel, first.Voucher.MaxClaimable - new Amount(1)),
        }, body, "voucher_lower", 400);
        // What was paid for before is not paid for again.
        var third = await buyer.NextAsync(channel, body, 64);
        await ExpectAsync(market, buyer, third with { Voucher = first.Voucher }, body, "voucher_below_slice", 402);
    });

    [Fact]
    public void A_busy_channel_takes_no_second_request() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var first = buyer.SendAsync(await buyer.NextAsync(channel, body, 64), body);
        await market.UntilAsync(() => market.Engine.Running == 1, "the first runs");

        await ExpectAsync(market, buyer, await buyer.NextAsync(channel, body, 64), body, "channel_busy", 409);
        Assert.Equal("stop", (await first).Receipt!.Message.FinishReason);
    });

    /// <summary>Its customer was told that nothing is charged, and goes on from the same base.</summary>
    [Fact]
    public void A_copy_of_a_refused_request_is_not_served_later() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var first = buyer.SendAsync(await buyer.NextAsync(channel, body, 64), body);
        await market.UntilAsync(() => market.Engine.Running == 1, "the first runs");
        var refused = await buyer.NextAsync(channel, body, 64);
        await ExpectAsync(market, buyer, refused, body, "channel_busy", 409);
        channel.Base = (await first).Receipt!.Message.Cumulative;

        var covering = refused with { Voucher = (await buyer.NextAsync(channel, body, 64)).Voucher };
        await ExpectAsync(market, buyer, covering, body, "request_repeated", 409);

        Assert.NotNull((await buyer.BuyAsync(channel)).Receipt);
    });

    [Fact]
    public void A_full_provider_charges_nothing_and_says_so_by_a_receipt() =>
        MarketHarness.Run(Options with { Concurrency = 1 }, async market =>
        {
            var buyer = new Buyer(market);
            var (one, other) = (await buyer.OpenAsync(), await buyer.OpenAsync());
            var body = buyer.Body();
            var first = buyer.SendAsync(await buyer.NextAsync(one, body, 64), body);
            await market.UntilAsync(() => market.Engine.Running == 1, "the first runs");

            var second = await buyer.SendAsync(await buyer.NextAsync(other, body, 64), body);

            Assert.Equal(503, second.Reply.Status);
            Assert.Equal("busy", second.Code);
            Assert.Equal(Amount.Zero, second.Receipt!.Message.Charge);
            await first;
        });

    [Fact]
    public void Nothing_is_sold_on_a_stale_head() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Chain.IsHalted = true;
        await market.WaitAsync(63);
        var body = buyer.Body();

        await ExpectAsync(market, buyer, await buyer.NextAsync(channel, body, 64), body, "head_stale", 503);
        market.Chain.IsHalted = false;
        await market.WaitAsync(4);
        Assert.NotNull((await buyer.BuyAsync(channel)).Receipt);
    });

    [Fact]
    public void Nothing_is_sold_on_a_withdrawing_channel() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        await market.Chain.Account(market.Keys.Hot).SubmitAsync(
            new Chain.VaultInitiateWithdraw(market.Vault, channel.Config, new(1)), CancellationToken.None);
        await market.WaitAsync(1);
        var body = buyer.Body();

        await ExpectAsync(market, buyer, await buyer.NextAsync(channel, body, 64), body, "withdrawal_pending", 400);
    });

    private static void Refuses(
        string code, int status, Func<MarketHarness, PaidRequest, PaidRequest> spoil) =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            var body = buyer.Body();
            var good = await buyer.NextAsync(channel, body, 64);

            await ExpectAsync(market, buyer, spoil(market, good), body, code, status);

            // The same request, unspoilt, is served: it was refused for what the name says.
            var bought = await buyer.SendAsync(good with { Id = (await buyer.NextAsync(channel, body, 64)).Id }, body);
            Assert.Equal("stop", bought.Receipt!.Message.FinishReason);
        });

    private static async Task ExpectAsync(
        MarketHarness market, Buyer buyer, PaidRequest request, byte[] body, string code, int status)
    {
        var before = await market.ProviderBookAsync();
        var money = await MoneySeen.OfAsync(market);
        var generated = market.Engine.Generated;

        var bought = await buyer.SendAsync(request, body);

        Assert.Equal((code, status), (bought.Code, bought.Reply.Status));
        Assert.Null(bought.Receipt);
        var after = await market.ProviderBookAsync();
        Assert.Equal(before.Channels.Values.Select(seen => (seen.Base, seen.Ceiling, seen.Index)),
            after.Channels.Values.Select(seen => (seen.Base, seen.Ceiling, seen.Index)));
        Assert.Equal(before.Requests.Count, after.Requests.Count);
        if (market.Engine.Running == 0)
        {
            Assert.Equal(money, await MoneySeen.OfAsync(market));
            Assert.Equal(generated, market.Engine.Generated);
        }
    }
}
