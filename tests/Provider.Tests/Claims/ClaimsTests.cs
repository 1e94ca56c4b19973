using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Claims;

public sealed class ClaimsTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void What_is_worth_its_gas_is_claimed_and_settled_by_itself() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.Tokens = 60;
        await buyer.BuyAsync(channel);
        await market.WaitAsync(30);
        Assert.Equal(Amount.Zero, market.Chain.Channel(channel.Id).Claimed);

        for (var i = 0; i < 12; i++)
        {
            await buyer.BuyAsync(channel);
        }

        await market.WaitAsync(30);
        Assert.Equal(channel.Base, market.Chain.Channel(channel.Id).Claimed);
        Assert.Equal(channel.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
        var book = await market.ProviderBookAsync();
        Assert.Equal((channel.Base, channel.Base), (book.Earned, book.PaidOut));
    });

    [Fact]
    public void A_claim_on_demand_takes_all_there_is() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var (one, other) = (await buyer.OpenAsync(), await buyer.OpenAsync());
        await buyer.BuyAsync(one);
        await buyer.BuyAsync(other);
        var before = market.Chain.Transactions;

        Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);

        Assert.Equal(2, market.Chain.Transactions - before);
        Assert.Equal(one.Base + other.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
        Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
        Assert.Equal(2, market.Chain.Transactions - before);
    });

    [Fact]
    public void A_withdrawal_during_an_answer_ends_it_at_the_covered_token_and_is_claimed_first() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.IsEndless = true;
            market.Engine.TokenTime = TimeSpan.FromMilliseconds(200);
            var body = buyer.Body();
            var request = await buyer.NextAsync(channel, body, 40);
            Task? withdrawal = null;

            var bought = await buyer.SendAsync(request, body, tokens =>
            {
                withdrawal ??= market.Chain.Account(market.Keys.Hot).SubmitAsync(
                    new VaultInitiateWithdraw(market.Vault, channel.Config, new(20_000)), CancellationToken.None);
                return Task.CompletedTask;
            });

            var receipt = bought.Receipt!.Message;
            Assert.Equal(("length", 40UL), (receipt.FinishReason, receipt.OutputTokens));
            // At once: the next turn of the claims would come only after ten seconds.
            await market.WaitAsync(3);
            Assert.Equal(receipt.Cumulative, market.Chain.Channel(channel.Id).Claimed);
            await market.WaitAsync(900);
            Assert.True((await market.Chain.Account(market.Keys.Hot).SubmitAsync(
                new VaultFinalizeWithdraw(market.Vault, channel.Config), CancellationToken.None)).IsOk);
            // Claimed money cannot leave any more, and so little is not worth the gas of paying it out yet.
            Assert.Equal(Amount.Zero, market.Chain.BalanceOf(market.Keys.Payout.Address));
            Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
            Assert.Equal(receipt.Cumulative, market.Chain.BalanceOf(market.Keys.Payout.Address));
            Assert.Equal(
                market.Options.VaultFunds - receipt.Cumulative, market.Chain.BalanceOf(market.Vault));
        });

    [Fact]
    public void A_claim_cut_off_by_a_crash_is_made_once() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        await buyer.BuyAsync(channel);
        _ = market.Provider.ClaimNowAsync(CancellationToken.None);
        await market.WaitAsync(0.1);

        await market.CrashProviderAsync();
        await market.WaitAsync(3);
        await market.StartProviderAsync();
        Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);

        Assert.Equal(channel.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
        var book = await market.ProviderBookAsync();
        Assert.Empty(book.Claims);
        Assert.Equal(channel.Base, book.Channels[channel.Id].Claimed);
    });
}
