using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Claims;

/// <summary>Claims by their triggers, and paying out apart from them.</summary>
public sealed class SettlingTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void What_is_worth_little_is_claimed_and_paid_out_when_it_is_old() =>
        MarketHarness.Run(Options, async market =>
    {
        await market.CrashProviderAsync();
        await market.StartProviderAsync(draft => draft.ClaimAfter = TimeSpan.FromSeconds(600));
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.Tokens = 60;
        await buyer.BuyAsync(channel);
        await market.WaitAsync(500);
        Assert.Equal(Amount.Zero, market.Chain.Channel(channel.Id).Claimed);
        var outlook = market.Provider.Status.Claiming.Outlook!;
        Assert.Equal(channel.Base, outlook.Value);
        Assert.True(outlook.Needed > outlook.Value);
        Assert.InRange(outlook.DueInSeconds!.Value, 80UL, 120UL);

        await market.WaitAsync(130);
        Assert.Equal(channel.Base, market.Chain.Channel(channel.Id).Claimed);
        Assert.Equal(Amount.Zero, market.Chain.BalanceOf(market.Keys.Payout.Address));
        await market.WaitAsync(620);
        Assert.Equal(channel.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
    });

    [Fact]
    public void A_nearly_spent_channel_is_claimed_before_its_value_would_be_due() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            // A claim is due by value at 1,300 units; nine tenths of this channel are 900.
            market.Chain.WeiPerGas *= 2;
            var channel = await buyer.OpenAsync(1_000);
            market.Engine.Tokens = 60;
            await buyer.BuyAsync(channel);
            await market.WaitAsync(30);
            Assert.Equal(Amount.Zero, market.Chain.Channel(channel.Id).Claimed);
            market.Engine.Tokens = 85;
            await buyer.BuyAsync(channel, 90, body => body["max_tokens"] = 90);
            Assert.InRange((ulong)channel.Base.Units, 900UL, 1_000UL);
            await market.WaitAsync(30);
            Assert.Equal(channel.Base, market.Chain.Channel(channel.Id).Claimed);
        });

    [Fact]
    public void While_gas_is_dear_only_a_withdrawal_is_claimed() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var (staying, leaving) = (await buyer.OpenAsync(), await buyer.OpenAsync());
        market.Engine.Tokens = 60;
        market.Chain.WeiPerGas *= 10;
        for (var i = 0; i < 4; i++)
        {
            await buyer.BuyAsync(staying);
            await buyer.BuyAsync(leaving);
        }

        await market.WaitAsync(30);
        Assert.Equal(Amount.Zero, market.Chain.Channel(leaving.Id).Claimed);

        Assert.True((await market.Chain.Account(market.Keys.Hot).SubmitAsync(
            new VaultInitiateWithdraw(market.Vault, leaving.Config, new(10_000)), CancellationToken.None)).IsOk);
        await market.WaitAsync(10);

        Assert.Equal(leaving.Base, market.Chain.Channel(leaving.Id).Claimed);
        Assert.Equal(Amount.Zero, market.Chain.Channel(staying.Id).Claimed);
        market.Chain.WeiPerGas /= 10;
        await market.WaitAsync(30);
        Assert.Equal(staying.Base, market.Chain.Channel(staying.Id).Claimed);
    });

    [Fact]
    public void A_payout_that_the_registry_no_longer_has_is_paid_out_early() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.Tokens = 60;
            await buyer.BuyAsync(channel);
            Assert.True((await market.Chain.Account(market.Keys.Hot).SubmitAsync(
                new VaultInitiateWithdraw(market.Vault, channel.Config, new(10_000)), CancellationToken.None)).IsOk);
            await market.WaitAsync(60);
            Assert.Equal(channel.Base, market.Chain.Channel(channel.Id).Claimed);
            Assert.Equal(Amount.Zero, market.Chain.BalanceOf(market.Keys.Payout.Address));

            var keys = market.Keys;
            var changed = new ProviderKeys(
                keys.Stranger.Address, keys.Node.Address, keys.Authorizer.Address, keys.Gas.Address);
            Assert.True((await market.Chain.Account(keys.ProviderOwner).SubmitAsync(
                new UpdateKeys(changed, null), CancellationToken.None)).IsOk);
            await market.WaitAsync(30);

            Assert.Equal(channel.Base, market.Chain.BalanceOf(keys.Payout.Address));
        });

    [Fact]
    public void A_measured_claim_widens_the_margin_and_survives_a_restart() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        await buyer.BuyAsync(channel);
        Assert.Equal(60UL, market.Provider.Status.Claiming.MarginSeconds);
        market.Chain.IsHalted = true;
        var claiming = market.Provider.ClaimNowAsync(CancellationToken.None);
        await market.WaitAsync(50);
        market.Chain.IsHalted = false;
        Assert.True((await claiming).IsOk);

        // Twice the time it took, and five blocks of two seconds.
        Assert.InRange(market.Provider.Status.Claiming.MarginSeconds, 108UL, 118UL);
        await market.CrashProviderAsync();
        await market.StartProviderAsync();
        Assert.InRange(market.Provider.Status.Claiming.MarginSeconds, 108UL, 118UL);
    });
}
