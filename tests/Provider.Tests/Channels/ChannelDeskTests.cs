using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Channels;

public sealed class ChannelDeskTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_deposit_is_relayed_and_accepted() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);

        var channel = await buyer.OpenAsync(5_000);

        Assert.Equal(new Amount(5_000), market.Chain.Channel(channel.Id).Balance);
        var acceptance = channel.Acceptance!;
        Assert.Equal(market.Keys.Node.Address, acceptance.Signer(market.Chain.Network.SoukDomain));
        Assert.Equal((channel.Id, Amount.Zero, 0UL),
            (acceptance.Message.ChannelId, acceptance.Message.Charged, acceptance.Message.Index));
    });

    [Fact]
    public void Channels_for_others_or_on_other_terms_are_refused() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var stranger = market.Keys.Stranger.Address;
        List<string> codes = [];
        foreach (var channel in new[]
        {
            buyer.NewChannel(config => config with { Receiver = stranger }),
            buyer.NewChannel(config => config with { ReceiverAuthorizer = stranger }),
            buyer.NewChannel(config => config with { Token = stranger }),
            buyer.NewChannel(config => config with { WithdrawDelay = 899 }),
        })
        {
            codes.Add((await buyer.AskAsync(channel, new(5_000))).Refusal!.Code);
        }

        codes.Add((await buyer.AskAsync(buyer.NewChannel(), new(999))).Refusal!.Code);
        codes.Add((await buyer.AskAsync(
            buyer.NewChannel(config => config with { PayerAuthorizer = stranger }), new(5_000))).Refusal!.Code);
        Assert.Equal(
            [
                "channel_not_ours", "channel_not_ours", "wrong_currency", "withdraw_delay_too_short",
                    "deposit_too_small",
                "deposit_reverted",
            ],
            codes);
        Assert.Empty((await market.ProviderBookAsync()).Channels);
    });

    [Fact]
    public void An_unfunded_channel_leaves_no_trace_however_often_it_is_asked_for() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = buyer.NewChannel();

            Assert.Equal("deposit_too_small", (await buyer.AskAsync(channel, null)).Refusal!.Code);
            Assert.Equal("deposit_too_small", (await buyer.AskAsync(channel, null)).Refusal!.Code);

            Assert.Empty((await market.ProviderBookAsync()).Channels);
        });

    [Fact]
    public void A_deposit_below_the_minimum_is_refused_the_second_time_too() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = buyer.NewChannel();
        var randomness = market.Scheduler.Randomness.Fork("draw");
        var draw = new DrawAuthorisation(channel.Id, new(999), randomness.NextBytes32(), market.Now + 600);
        var vault = new SoukDomain(market.Chain.Network.ChainId, market.Vault);
        await market.Chain.Account(market.Keys.Gas).SubmitAsync(
            new DepositThrough(
                channel.Config, draw.Amount, market.Vault,
                Chain.Evm.DrawData.Encode(channel.Config, draw, draw.Sign(market.Keys.Hot, vault))),
            CancellationToken.None);

        Assert.Equal("deposit_too_small", (await buyer.AskAsync(channel, null)).Refusal!.Code);
        Assert.Equal("deposit_too_small", (await buyer.AskAsync(channel, null)).Refusal!.Code);
    });

    [Fact]
    public void A_stranger_who_asks_again_changes_no_nonce_chain() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        await buyer.BuyAsync(channel);

        var again = (await new Buyer(market, "stranger").AskAsync(channel, null)).Value.Message;

        Assert.Equal(channel.Acceptance!.Message.NonceAnchor, again.NonceAnchor);
        Assert.Equal((0UL, channel.Base), (again.Index, again.Charged));
        var bought = await buyer.BuyAsync(channel);
        Assert.True(NonceChain.Verify(bought.Receipt!.Message.ProviderNonce, 2, again.NonceAnchor, 0));
    });

    [Fact]
    public void A_spent_nonce_chain_is_renewed_and_the_index_goes_on() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        channel.Index = 4094;
        await buyer.BuyAsync(channel);
        await buyer.BuyAsync(channel);
        Assert.Equal("nonce_chain_spent", (await buyer.BuyAsync(channel)).Code);

        channel.Acceptance = (await buyer.AskAsync(channel, null)).Value;
        Assert.Equal(4096UL, channel.Acceptance.Message.Index);
        var bought = await buyer.BuyAsync(channel);

        Assert.Equal(4098UL, bought.Receipt!.Message.Index);
        Assert.True(NonceChain.Verify(
            bought.Receipt.Message.ProviderNonce, 4098, channel.Acceptance.Message.NonceAnchor, 4096));
    });

    /// <summary>A withdrawal that nobody finalized could take the whole of a later deposit at once.</summary>
    [Fact]
    public void A_channel_with_a_ripe_withdrawal_is_not_taken_again() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync(5_000);
        Assert.True((await market.Chain.Account(market.Keys.VaultOwner).SubmitAsync(
            new VaultInitiateWithdraw(market.Vault, channel.Config, new(5_000)), CancellationToken.None)).IsOk);
        await market.WaitAsync(1_000);

        Assert.Equal("channel_withdrawing", (await buyer.AskAsync(channel, new(5_000))).Refusal!.Code);
        Assert.Equal(new Amount(5_000), market.Chain.Channel(channel.Id).Balance);

        Assert.True((await market.Chain.Account(market.Keys.VaultOwner).SubmitAsync(
            new VaultFinalizeWithdraw(market.Vault, channel.Config), CancellationToken.None)).IsOk);
        Assert.True((await buyer.AskAsync(channel, new(5_000))).IsOk);
    });

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{\"config\":{\"payer\":1}}")]
    public void A_malformed_opening_is_refused(string body) => MarketHarness.Run(Options, async market =>
    {
        await using var reply = await market.Network.ClientFor("anyone").SendAsync(
            market.ProviderTarget,
            WireRequest.Json("POST", NodePaths.Channels, System.Text.Encoding.UTF8.GetBytes(body)),
                CancellationToken.None);

        var error = WireError.Parse(reply.Status, await reply.ReadAllAsync(4096, CancellationToken.None));
        Assert.Equal((400, "malformed"), (reply.Status, error.Code));
    });
}
