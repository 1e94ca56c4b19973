using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Requests;

/// <summary>Whatever an engine counts, no receipt charges more than the vouchers cover or the request allows.</summary>
public sealed class ClampedChargesTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_prompt_that_the_engine_counts_higher_charges_no_more_than_is_covered() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            await market.WaitAsync(10);
            market.Engine.OvercountsPrompt = 10_000;

            var receipt = (await buyer.BuyAsync(channel)).Receipt!.Message;

            Assert.Equal(10_014UL, receipt.InputTokens);
            Assert.Equal((channel.Ceiling, channel.Ceiling), (receipt.Charge, receipt.Cumulative));
            market.Engine.OvercountsPrompt = 0;
            await ExpectToGoOnAsync(market, buyer, channel);
        });

    [Fact]
    public void Output_that_an_upstream_reports_higher_is_charged_as_far_as_the_vouchers_cover() =>
        MarketHarness.Run(Options with { Counting = CountingKinds.Usage }, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync(100_000);
            await market.WaitAsync(10);
            market.Engine.OvercountsOutput = 10_000;

            var receipt = (await buyer.BuyAsync(
                channel, 600, body => body["max_tokens"] = 1_000)).Receipt!.Message;

            Assert.InRange(receipt.Cumulative.Units, (UInt128)1, channel.Ceiling.Units);
            Assert.Equal(
                receipt.Charge,
                Charge.Of(market.Options.Prices, receipt.InputTokens, receipt.CachedTokens, receipt.OutputTokens));
            Assert.True(channel.Ceiling - receipt.Cumulative < new Amount(6), "More was covered.");
            market.Engine.OvercountsOutput = 0;
            await ExpectToGoOnAsync(market, buyer, channel);
        });

    [Fact]
    public void Output_that_an_upstream_reports_higher_is_charged_up_to_the_limit_of_the_request() =>
        MarketHarness.Run(Options with { Counting = CountingKinds.Usage }, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync(100_000);
            await market.WaitAsync(10);
            market.Engine.OvercountsOutput = 10_000;

            var receipt = (await buyer.BuyAsync(
                channel, 1_000, body => body["max_tokens"] = 30)).Receipt!.Message;

            Assert.Equal(30UL, receipt.OutputTokens);
        });

    // The provider's own book takes the receipt, and so the channel can be used again.
    private static async Task ExpectToGoOnAsync(MarketHarness market, Buyer buyer, BuyerChannel channel)
    {
        Assert.Equal(channel.Base, (await market.ProviderBookAsync()).Channels[channel.Id].Base);
        var next = await buyer.BuyAsync(channel, 1_000);
        Assert.Null(next.Code);
        Assert.Equal(("stop", channel.Base), (next.Receipt!.Message.FinishReason, next.Receipt.Message.Cumulative));
    }
}
