using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Claims;

/// <summary>Customers that withdraw what is left: what can still be collected is, and nobody holds up the
/// others.</summary>
public sealed class WithdrawnChannelsTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void Dust_left_in_a_withdrawn_channel_blocks_no_claim_and_is_booked_as_lost_once() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var (dusty, other) = (await buyer.OpenAsync(), await buyer.OpenAsync());
            await LeaveDustAsync(market, buyer, dusty);
            Assert.True((await FinalizeAsync(market, dusty)).IsOk);
            await market.WaitAsync(10);
            await buyer.BuyAsync(other);

            var claimed = await market.Provider.ClaimNowAsync(CancellationToken.None);

            Assert.True(claimed.IsOk, claimed.Refusal?.Message);
            Assert.Equal(other.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
            Assert.Equal(dusty.Base, market.Provider.Status.Losses);
            Assert.Equal(Amount.Zero, market.Provider.Status.Unclaimed);
            Assert.Equal(Amount.Zero, market.Provider.Status.Exposure);
            await market.CrashProviderAsync();
            await market.StartProviderAsync();
            await market.WaitAsync(30);
            Assert.Equal(dusty.Base, market.Provider.Status.Losses);
        });

    [Fact]
    public void A_batch_that_a_withdrawal_in_the_same_block_reverts_is_claimed_row_by_row() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var (dusty, other) = (await buyer.OpenAsync(), await buyer.OpenAsync());
            await LeaveDustAsync(market, buyer, dusty);
            await buyer.BuyAsync(other);

            var withdrawal = FinalizeAsync(market, dusty);
            var claiming = market.Provider.ClaimNowAsync(CancellationToken.None);
            Assert.True((await withdrawal).IsOk);
            await claiming;

            Assert.Equal(Amount.Zero, market.Chain.Channel(dusty.Id).Claimed);
            Assert.Equal(other.Base, market.Chain.Channel(other.Id).Claimed);
            Assert.Equal(other.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
            Assert.Empty((await market.ProviderBookAsync()).Claims);
        });

    // A few tokens are worth less than the gas of a claim, even of an urgent one, so they stay when the delay has
    // passed.
    private static async Task LeaveDustAsync(MarketHarness market, Buyer buyer, BuyerChannel channel)
    {
        market.Engine.Tokens = 3;
        await buyer.BuyAsync(channel);
        Assert.True((await market.Chain.Account(market.Keys.Hot).SubmitAsync(
            new VaultInitiateWithdraw(market.Vault, channel.Config, new(20_000)), CancellationToken.None)).IsOk);
        await market.WaitAsync(902);
        Assert.Equal(Amount.Zero, market.Chain.Channel(channel.Id).Claimed);
        Assert.NotEqual(Amount.Zero, channel.Base);
    }

    private static Task<Result<TxOutcome>> FinalizeAsync(MarketHarness market, BuyerChannel channel) =>
        market.Chain.Account(market.Keys.Hot).SubmitAsync(
            new VaultFinalizeWithdraw(market.Vault, channel.Config), CancellationToken.None);
}
