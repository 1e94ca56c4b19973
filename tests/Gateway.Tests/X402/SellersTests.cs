using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.X402;

namespace Souk.Gateway.Tests.X402;

/// <summary>The gateway buys from an honest x402 server, also when replies are lost and the gateway dies.</summary>
public sealed class SellersTests
{
    [Fact]
    public void Answers_are_paid_one_after_another_on_one_channel_below_the_ceiling() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            var replies = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => BuyAsync(market)));

            Assert.All(replies, reply => Assert.Equal((200, ScriptedSeller.Answer), (reply.Status, reply.Content())));
            Assert.All(replies, reply => Assert.Equal("0.0003", reply.Json["usage"]!["cost"]!.ToJsonString()));
            Assert.Equal((1, 1), (seller.MostAtOnce, seller.Unpaid));
            Assert.Equal(
                [1_000, 1_300, 1_600, 1_900, 2_200],
                seller.Seen.Select(payload => (int)payload.Voucher.MaxClaimable.Units));
            var channel = Channel(market);
            Assert.Equal((new Amount(1_500), new Amount(700)), (channel.Base, channel.AtRisk));
            Assert.Equal((new Amount(1_500), Amount.Zero), (market.Account.Spent, market.Account.Reserved));
        });

    [Fact]
    public void A_stream_brings_the_same_answer_in_one_piece() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            await ScriptedSeller.StartAsync(market);
            var reply = await market.App.ChatAsync(body =>
            {
                body["model"] = ScriptedSeller.Name;
                body["stream"] = true;
            });
            Assert.Equal((ScriptedSeller.Answer, "stop"), (reply.Content(), reply.FinishReason()));
            Assert.Equal("[DONE]", reply.Events[^1]);
        });

    [Fact]
    public void The_models_list_names_it_with_its_ceiling_and_a_key_may_be_barred_from_it() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var list = await market.App.SendAsync(Souk.Wire.WireRequest.Get("/v1/models"));
            var entry = list.Json["data"]!.AsArray().Single(model => (string)model!["id"]! == ScriptedSeller.Name)!;
            Assert.Equal("0.001", (string)entry["pricing"]!["request"]!);

            await ScriptedSeller.StartAsync(market);
            var barred = (await market.Gateway.CreateKeyAsync(
                "barred", new Amount(9_000), null, new(Models: [MarketHarness.ModelName]))).Value;
            var reply = await BuyAsync(market, market.AppWith(barred.Secret));
            Assert.Equal((403, "model_not_allowed"), (reply.Status, reply.ErrorCode));
        });

    [Fact]
    public void A_budget_that_the_worst_case_exceeds_buys_nothing() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            var poor = (await market.Gateway.CreateKeyAsync("poor", new Amount(999), null)).Value;
            var reply = await BuyAsync(market, market.AppWith(poor.Secret));
            Assert.Equal((402, "insufficient_quota"), (reply.Status, reply.ErrorCode));
            Assert.Empty(seller.Seen);
        });

    [Fact]
    public void A_lost_reply_is_the_owners_cost_once_the_server_proves_it() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Delivers = () => false;
            var lost = await BuyAsync(market);
            Assert.Equal(502, lost.Status);
            Assert.Equal((Amount.Zero, Amount.Zero), (market.Account.Spent, market.Account.Reserved));
            Assert.Equal((Amount.Zero, new Amount(1_000)), (Channel(market).Base, Channel(market).AtRisk));

            seller.Delivers = () => true;
            Assert.Equal(200, (await BuyAsync(market)).Status);
            Assert.Equal(new Amount(600), Channel(market).Base);
            Assert.Equal(new Amount(300), market.Account.Spent);
            Assert.Empty(market.Gateway.Book.Purchases);
        });

    [Fact]
    public void A_named_request_is_bought_once_although_the_channel_had_to_be_corrected() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Delivers = () => false;
            await BuyAsync(market);
            seller.Delivers = () => true;
            var first = await NamedAsync(market);
            var again = await NamedAsync(market);

            Assert.Equal((200, first.Text), (again.Status, again.Text));
            Assert.Equal(
                (new Amount(600), new Amount(300)), (Channel(market).Base, market.Account.Spent));
        });

    [Fact]
    public void A_request_that_never_arrived_is_found_to_have_cost_nothing() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Instead = (_, _) => throw new OperationCanceledException("It never arrived.");
            Assert.Equal(502, (await BuyAsync(market)).Status);
            seller.Instead = null;
            Assert.Equal(200, (await BuyAsync(market)).Status);
            Assert.Equal(new Amount(300), Channel(market).Base);
        });

    [Theory]
    [InlineData(500, 502)]
    [InlineData(504, 502)]
    [InlineData(408, 502)]
    [InlineData(101, 502)]
    public void A_status_that_says_nothing_of_the_charge_leaves_it_in_doubt(int status, int told) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Instead = Answering(status);
            Assert.Equal(told, (await BuyAsync(market)).Status);
            Assert.Single(market.Gateway.Book.Purchases);
            Assert.Equal((CustomerChannelState.Idle, new Amount(1_000)), (Channel(market).State, Channel(market)
                .AtRisk));
        });

    [Theory]
    [InlineData(400, 400)]
    [InlineData(401, 502)]
    [InlineData(404, 502)]
    [InlineData(422, 422)]
    [InlineData(429, 502)]
    public void A_refusal_costs_nothing_and_says_whose_fault_it_is(int status, int told) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Instead = Answering(status);
            Assert.Equal(told, (await BuyAsync(market)).Status);
            Assert.Empty(market.Gateway.Book.Purchases);
            Assert.Equal((Amount.Zero, Amount.Zero), (market.Account.Spent, market.Account.Reserved));
        });

    [Fact]
    public void What_a_lost_reply_cost_shows_in_the_servers_claim() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Delivers = () => false;
            await BuyAsync(market);
            await seller.ClaimAsync(seller.Last!, new Amount(300));
            await market.UntilAsync(() => Channel(market).Base == new Amount(300), "the claim explains it");
            Assert.Equal(CustomerChannelState.Idle, Channel(market).State);
            Assert.Equal(Amount.Zero, market.Gateway.Book.Losses);
        });

    [Fact]
    public void A_gateway_that_died_in_between_goes_on_with_the_same_channel() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            seller.Hold = 5;
            var running = BuyAsync(market);
            await market.UntilAsync(() => seller.Charged == new Amount(600), "the second one is charged");
            await market.CrashGatewayAsync();
            await running;
            seller.Hold = 0;
            await market.StartGatewayAsync();
            Assert.Equal((Amount.Zero, new Amount(300)), (market.Account.Reserved, Channel(market).Base));

            Assert.Equal(200, (await BuyAsync(market)).Status);
            Assert.Equal(new Amount(900), Channel(market).Base);
            Assert.Equal(new Amount(600), market.Account.Spent);
        });

    [Fact]
    public void A_spent_channel_is_followed_by_another_and_its_rest_comes_back_at_once() => MarketHarness.Run(
        ScriptedSeller.Options with { ChannelDeposit = new(1_500) }, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            await BuyAsync(market);
            await BuyAsync(market);
            var first = Channel(market).Id;
            await market.UntilAsync(
                () => market.Gateway.Book.Channels[first].State == CustomerChannelState.Closed, "it is closed");
            Assert.Equal(new Amount(600), market.Chain.Channel(first).Balance);

            seller.Charged = Amount.Zero;
            Assert.Equal(200, (await BuyAsync(market)).Status);
            Assert.Equal(2, market.Gateway.Book.Channels.Values.Count(channel => channel.Seller is not null));
        });

    [Fact]
    public void Where_the_server_gives_no_refund_the_chain_does() => MarketHarness.Run(
        ScriptedSeller.Options with { ChannelDeposit = new(1_500) }, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Refunds = false;
            await BuyAsync(market);
            await BuyAsync(market);
            var first = Channel(market).Id;
            await market.UntilAsync(
                () => market.Gateway.Book.Channels[first].State == CustomerChannelState.Closed, "it is closed",
                ChannelConfig.MinWithdrawDelay + 120);
            Assert.Equal(Amount.Zero, market.Chain.Channel(first).Balance);
        });

    [Fact]
    public void A_busy_server_is_asked_again() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            var left = 2;
            seller.Instead = async (_, response) =>
            {
                if (left-- <= 0)
                {
                    return false;
                }

                await ScriptedSeller.RefuseAsync(response, X402Errors.Busy, seller.Requirements());
                return true;
            };
            Assert.Equal(200, (await BuyAsync(market)).Status);
            Assert.Equal(new Amount(300), Channel(market).Base);
        });

    [Fact]
    public void A_price_that_rose_within_the_ceiling_is_paid_and_one_that_fell_too() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Price = new Amount(400);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            seller.Price = new Amount(900);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            seller.Price = new Amount(350);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            // The last voucher was first signed at the price before, which had held so far.
            Assert.Equal((new Amount(900), new Amount(1_500)), (Channel(market).Base, Channel(market).Ceiling));
        });

    private static Func<BatchPayload, Souk.Wire.IWireResponse, Task<bool>> Answering(int status) =>
        async (_, response) =>
        {
            await response.StartAsync(status, [], default);
            return true;
        };

    private static Task<AppReply> NamedAsync(MarketHarness market)
    {
        const string Body = "{\"model\":\"x402/echo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";
        var request = Souk.Wire.WireRequest.Json(
            "POST", "/v1/chat/completions", System.Text.Encoding.UTF8.GetBytes(Body));
        request.Headers["idempotency-key"] = "one";
        return market.App.SendAsync(request);
    }

    internal static Task<AppReply> BuyAsync(MarketHarness market, AppClient? app = null) =>
        (app ?? market.App).ChatAsync(body => body["model"] = ScriptedSeller.Name);

    internal static CustomerChannel Channel(MarketHarness market) =>
        market.Gateway.Book.Channels.Values.First(channel => channel.Seller is not null);
}
