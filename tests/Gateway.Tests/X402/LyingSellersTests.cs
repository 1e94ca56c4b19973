using Souk.Gateway.X402;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.X402;
using static Souk.Gateway.Tests.X402.SellersTests;

namespace Souk.Gateway.Tests.X402;

/// <summary>x402 servers that lie. What they can win is what was signed, and no app pays for it.</summary>
public sealed class LyingSellersTests
{
    [Theory]
    [InlineData("above the cap")]
    [InlineData("another currency")]
    [InlineData("another chain")]
    [InlineData("another receiver")]
    [InlineData("nothing to pay")]
    [InlineData("an endless delay")]
    [InlineData("no authorizer")]
    public void Terms_that_the_owner_did_not_allow_are_not_paid(string wrong) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Terms = terms => wrong switch
            {
                "above the cap" => terms with { Amount = new Amount(1_001) },
                "another currency" => terms with { Asset = market.Keys.Node.Address },
                "another chain" => terms with { ChainId = 1 },
                "another receiver" => terms with { PayTo = market.Keys.Gas.Address },
                "nothing to pay" => terms with { Amount = Amount.Zero },
                "an endless delay" => terms with { Extra = terms.Extra with { WithdrawDelay = 2_592_001 } },
                _ => terms with { Extra = terms.Extra with { ReceiverAuthorizer = Address.Zero } },
            };
            var reply = await BuyAsync(market);

            Assert.True(reply.Status is 502 or 503, reply.Text);
            Assert.Empty(seller.Seen);
            Assert.DoesNotContain(market.Gateway.Book.Channels.Values, channel => channel.Seller is not null);
            Assert.DoesNotContain(market.Gateway.Book.Draws.Values, draw => SellerSalt.IsSellers(draw.Config.Salt));
            Assert.Equal((Amount.Zero, Amount.Zero), (market.Account.Spent, market.Account.Reserved));
        });

    [Fact]
    public void A_price_that_rises_above_the_cap_ends_the_business_and_not_the_channel() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            seller.Price = new Amount(5_000);
            Assert.Equal(502, (await BuyAsync(market)).Status);
            Assert.Equal((CustomerChannelState.Idle, new Amount(300)), (Channel(market).State, Channel(market).Base));
            Assert.True(Channel(market).Ceiling <= new Amount(1_300));
        });

    [Theory]
    [InlineData("charges more than agreed")]
    [InlineData("adds up wrongly")]
    [InlineData("forgets an earlier charge")]
    [InlineData("tells another balance")]
    [InlineData("claims more than it charged")]
    [InlineData("names another channel")]
    [InlineData("names another chain")]
    [InlineData("names another payer")]
    [InlineData("tells no state")]
    [InlineData("tells nothing")]
    public void A_charge_that_does_not_follow_freezes_the_channel_and_bills_nobody(string lie) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            seller.Settlement = settled => Spoil(settled, lie, market);
            var reply = await BuyAsync(market);

            Assert.Equal((502, "seller_out_of_step"), (reply.Status, reply.ErrorCode));
            await AssertStoppedAsync(market, seller);
        });

    [Theory]
    [InlineData("charged beyond what was signed")]
    [InlineData("charged without a purchase")]
    [InlineData("forgets what it charged")]
    [InlineData("a voucher that another signed")]
    [InlineData("a voucher beyond the highest")]
    [InlineData("no proof")]
    [InlineData("another channel's proof")]
    [InlineData("the same as before")]
    public void An_invented_state_is_never_adopted(string lie) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            var signed = seller.Last!;
            seller.Instead = async (payload, response) =>
            {
                var extra = seller.Requirements().Extra;
                var state = new ChannelState(
                    payload.Voucher.ChannelId, new Amount(20_000), Amount.Zero, 0, 0, new Amount(900));
                var forged = Voucher.Sign(
                    lie == "a voucher beyond the highest" ? market.Keys.Hot : market.Keys.Stranger,
                    market.Chain.Network.EscrowDomain, payload.Voucher.ChannelId, new Amount(9_000));
                extra = lie switch
                {
                    "charged beyond what was signed" => extra with
                    {
                        ChannelState = state with { Charged = new Amount(1_001) },
                        VoucherState = ScriptedSeller.Proof(signed),
                    },
                    "charged without a purchase" => extra with
                    {
                        ChannelState = state, VoucherState = ScriptedSeller.Proof(signed),
                    },
                    "forgets what it charged" => extra with
                    {
                        ChannelState = state with { Charged = new Amount(299) },
                        VoucherState = ScriptedSeller.Proof(signed),
                    },
                    "a voucher that another signed" or "a voucher beyond the highest" => extra with
                    {
                        ChannelState = state, VoucherState = new VoucherState(forged.MaxClaimable, forged.Signature),
                    },
                    "no proof" => extra with { ChannelState = state },
                    "another channel's proof" => extra with
                    {
                        ChannelState = state with { ChannelId = Sha.Hash("another"u8) },
                        VoucherState = ScriptedSeller.Proof(signed),
                    },
                    _ => extra with
                    {
                        ChannelState = state with { Charged = new Amount(300) },
                        VoucherState = ScriptedSeller.Proof(signed),
                    },
                };
                await ScriptedSeller.RefuseAsync(
                    response, X402Errors.CumulativeMismatch, seller.Requirements() with { Extra = extra });
                return true;
            };
            var reply = await BuyAsync(market);

            Assert.Equal((502, "seller_out_of_step"), (reply.Status, reply.ErrorCode));
            await AssertStoppedAsync(market, seller);
        });

    [Theory]
    [InlineData("another's")]
    [InlineData("beyond the highest")]
    [InlineData("of another channel")]
    public void A_lost_reply_is_proved_by_nothing_but_a_voucher_that_was_signed(string proof) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            seller.Delivers = () => false;
            await BuyAsync(market);
            var (key, channel, ceiling) = (market.Keys.Hot, seller.Last!.Voucher.ChannelId, new Amount(1_300));
            (key, channel, ceiling) = proof switch
            {
                "another's" => (market.Keys.Stranger, channel, ceiling),
                "beyond the highest" => (key, channel, new Amount(9_000)),
                _ => (key, Sha.Hash("another"u8), ceiling),
            };
            var forged = Voucher.Sign(key, market.Chain.Network.EscrowDomain, channel, ceiling);
            seller.Delivers = () => true;
            seller.Corrective = terms => terms with
            {
                Extra = terms.Extra with { VoucherState = new VoucherState(forged.MaxClaimable, forged.Signature) },
            };

            Assert.Equal("seller_out_of_step", (await BuyAsync(market)).ErrorCode);
            Assert.Equal((CustomerChannelState.Frozen, new Amount(300)), (Channel(market).State, Channel(market).Base));
        });

    [Fact]
    public void A_lost_reply_explains_no_more_than_its_voucher() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Delivers = () => false;
            await BuyAsync(market);
            seller.Delivers = () => true;
            seller.Corrective = terms => terms with
            {
                Extra = terms.Extra with
                {
                    ChannelState = terms.Extra.ChannelState! with { Charged = new Amount(1_001) },
                },
            };
            Assert.Equal("seller_out_of_step", (await BuyAsync(market)).ErrorCode);
            Assert.Equal((CustomerChannelState.Frozen, Amount.Zero), (Channel(market).State, Channel(market).Base));
        });

    [Fact]
    public void A_claim_of_the_whole_ceiling_is_the_owners_loss_and_bounded_by_one_request() => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            Assert.Equal(200, (await BuyAsync(market)).Status);
            await seller.ClaimAsync(seller.Last!, new Amount(1_000));
            await market.UntilAsync(() => Channel(market).State == CustomerChannelState.Frozen, "it is frozen");
            Assert.Equal(new Amount(700), market.Gateway.Book.Losses);
            Assert.Equal("seller_disputed", (await BuyAsync(market)).ErrorCode);
        });

    [Theory]
    [InlineData("not JSON")]
    [InlineData("{\"choices\":[]}")]
    [InlineData("{\"error\":{\"message\":\"no\"}}")]
    [InlineData("{\"choices\":[{\"index\":7,\"message\":{\"content\":\"a\"}}]}")]
    public void A_useless_answer_that_was_charged_is_no_error_that_an_SDK_repeats(string body) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            var seller = await ScriptedSeller.StartAsync(market);
            seller.Body = body;
            Assert.Equal(422, (await BuyAsync(market)).Status);
            Assert.Equal(new Amount(300), market.Account.Spent);
        });

    [Theory]
    [InlineData("!!!")]
    [InlineData("e30=")]
    [InlineData("bnVsbA==")]
    [InlineData("W1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb")]
    public void Terms_that_cannot_be_read_are_not_paid(string header) => MarketHarness.Run(
        ScriptedSeller.Options, async market =>
        {
            market.Network.Listen(new Uri(ScriptedSeller.Url), new Babbler(header));
            var reply = await BuyAsync(market);
            Assert.Equal((502, "seller_terms"), (reply.Status, reply.ErrorCode));
            Assert.DoesNotContain(market.Gateway.Book.Channels.Values, channel => channel.Seller is not null);
        });

    private static SettlementResponse? Spoil(SettlementResponse settled, string lie, MarketHarness market)
    {
        var state = settled.ChannelState!;
        return lie switch
        {
            "charges more than agreed" => settled with
            {
                Charged = new Amount(1_001), ChannelState = state with { Charged = new Amount(1_301) },
            },
            "adds up wrongly" => settled with { ChannelState = state with { Charged = new Amount(601) } },
            "forgets an earlier charge" => settled with { ChannelState = state with { Charged = new Amount(300) } },
            "tells another balance" => settled with { ChannelState = state with { Balance = new Amount(19_999) } },
            "claims more than it charged" => settled with
            {
                ChannelState = state with { TotalClaimed = new Amount(601) },
            },
            "names another channel" => settled with { ChannelState = state with { ChannelId = Sha.Hash("b"u8) } },
            "names another chain" => settled with { ChainId = 1 },
            "names another payer" => settled with { Payer = market.Keys.Stranger.Address },
            "tells no state" => settled with { ChannelState = null },
            _ => null,
        };
    }

    // No voucher leaves on it any more, its money is on its way back, and no other channel is opened meanwhile.
    private static async Task AssertStoppedAsync(MarketHarness market, ScriptedSeller seller)
    {
        Assert.Equal((CustomerChannelState.Frozen, new Amount(300)), (Channel(market).State, Channel(market).Base));
        Assert.Equal((new Amount(300), Amount.Zero), (market.Account.Spent, market.Account.Reserved));
        var highest = seller.Seen.Max(payload => payload.Voucher.MaxClaimable.Units);
        Assert.True(highest <= 1_300, $"{highest} was signed.");
        await market.UntilAsync(
            () => market.Chain.Channel(Channel(market).Id).Withdrawal is not null, "its money is on its way back");
        var seen = seller.Seen.Count;
        Assert.Equal((503, "seller_disputed"), ((await BuyAsync(market)).Status, (await BuyAsync(market)).ErrorCode));
        Assert.Equal(seen, seller.Seen.Count);
        Assert.Single(market.Gateway.Book.Channels.Values, channel => channel.Seller is not null);
    }

    private sealed class Babbler(string header) : Souk.Wire.IWireHandler
    {
        public async Task HandleAsync(
            Souk.Wire.WireRequest request, Souk.Wire.IWireResponse response, CancellationToken aborted) =>
            await response.StartAsync(
                402, new Souk.Wire.WireHeaders(1) { { X402Header.Required, header } }, aborted);
    }
}
