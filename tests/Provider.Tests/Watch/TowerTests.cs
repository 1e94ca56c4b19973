using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Provider.Tests.Watch;

/// <summary>A watchtower claims for a provider that is down, and only then.</summary>
public sealed class TowerTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void It_claims_for_a_provider_that_is_down_while_a_customer_withdraws() => Run(async (market, tower) =>
    {
        var (one, other) = await EarnAsync(market);
        await market.WaitAsync(80);
        Assert.Equal(Amount.Zero, market.Provider.Status.Unprotected);
        Assert.Equal(2, tower.Node.Status.Channels);
        await market.CrashProviderAsync();

        await WithdrawAsync(market, one);
        await WithdrawAsync(market, other);
        var before = market.Chain.Transactions;
        await market.WaitAsync(120);

        // Both in one transaction, well before the deadline.
        Assert.Equal(1, market.Chain.Transactions - before);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
        Assert.Equal(other.Base, market.Chain.Channel(other.Id).Claimed);
        Assert.Equal(one.Base + other.Base, tower.Node.Status.Claimed);
        await market.WaitAsync(900);
        Assert.True((await FinalizeAsync(market, one)).IsOk);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Balance);

        // Once it is back the provider is paid, by a settlement of its own.
        await market.StartProviderAsync(draft => draft.Watchtowers = [tower.Url]);
        Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
        Assert.Equal(one.Base + other.Base, market.Chain.BalanceOf(market.Keys.Payout.Address));
        Assert.Equal(Amount.Zero, market.Provider.Status.Losses);
    });

    [Fact]
    public void With_the_provider_long_gone_a_withdrawal_is_answered_within_seconds() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await market.CrashProviderAsync();
        await market.WaitAsync(90);
        await WithdrawAsync(market, one);
        await market.WaitAsync(12);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
    });

    [Fact]
    public void While_the_provider_is_alive_it_leaves_the_claiming_to_it() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await WithdrawAsync(market, one);
        await market.WaitAsync(300);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
        Assert.Equal(Amount.Zero, tower.Node.Status.Claimed);
        Assert.Empty(tower.Node.Status.Withdrawals);
    });

    [Fact]
    public void A_provider_that_lives_but_does_not_claim_is_helped_after_a_quarter_of_the_delay()
    {
        Testbed.Chain.WatchedChain? watched = null;
        var options = new MarketOptions
        {
            WarmChannels = 0, ProviderChain = chain => watched = new Testbed.Chain.WatchedChain(chain),
        };
        Run(options, async (market, tower) =>
        {
            var (one, _) = await EarnAsync(market);
            await market.WaitAsync(80);
            watched!.Reverts = action => action is Claim ? "NotAuthorizedToClaim" : null;
            await WithdrawAsync(market, one);
            await market.WaitAsync(200);
            Assert.Equal(Amount.Zero, market.Chain.Channel(one.Id).Claimed);
            var seen = Assert.Single(tower.Node.Status.Withdrawals);
            Assert.Equal((one.Id, one.Base, false), (seen.ChannelId, seen.Value, seen.IsDue));

            await market.WaitAsync(60);
            Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
        });
    }

    [Fact]
    public void It_keeps_what_it_holds_over_a_kill_and_claims_after_it() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await market.CrashProviderAsync();
        await tower.CrashAsync();
        await WithdrawAsync(market, one);
        await market.WaitAsync(300);

        await tower.StartAsync();
        Assert.Equal(2, tower.Node.Status.Channels);
        await market.WaitAsync(120);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
    });

    [Fact]
    public void A_kill_while_a_claim_is_on_its_way_neither_loses_nor_repeats_it() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await market.CrashProviderAsync();
        await market.WaitAsync(70);
        await WithdrawAsync(market, one);
        market.Chain.IsHalted = true;
        await market.WaitAsync(1);
        await tower.CrashAsync();
        market.Chain.IsHalted = false;
        await tower.StartAsync();
        await market.WaitAsync(120);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
    });

    [Fact]
    public void A_claim_older_than_what_was_claimed_is_harmless() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        tower.Listener.IsRefusing = true;
        await new Buyer(market, "again").BuyAsync(one);
        Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
        await market.CrashProviderAsync();
        await WithdrawAsync(market, one);
        var before = market.Chain.Transactions;
        await market.WaitAsync(800);

        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
        Assert.Equal(before, market.Chain.Transactions);
        Assert.Empty(tower.Node.Status.Withdrawals);
    });

    [Fact]
    public void What_is_not_protected_is_shown_on_both_sides_until_it_is() => Run(async (market, tower) =>
    {
        var (one, other) = await EarnAsync(market);
        await market.WaitAsync(80);
        tower.Listener.IsRefusing = true;
        var buyer = new Buyer(market, "again");
        var held = one.Base;
        await buyer.BuyAsync(one);
        await market.WaitAsync(100);
        Assert.Equal(one.Base - held, market.Provider.Status.Unprotected);

        tower.Listener.IsRefusing = false;
        await market.WaitAsync(80);
        Assert.Equal(Amount.Zero, market.Provider.Status.Unprotected);
        var seen = Assert.Single(tower.Node.Status.Providers);
        Assert.Equal((one.Base + other.Base, (Amount?)Amount.Zero), (seen.Protected, seen.Unprotected));
        Assert.InRange(seen.SilentSeconds, 0UL, 20UL);
    });

    [Fact]
    public void A_tower_that_lost_its_disk_is_supplied_anew() => Run(async (market, tower) =>
    {
        await EarnAsync(market);
        await market.WaitAsync(80);
        await tower.LoseDiskAsync();
        await tower.StartAsync();
        Assert.Equal(0, tower.Node.Status.Channels);
        await market.WaitAsync(630);
        Assert.Equal(2, tower.Node.Status.Channels);
    });

    [Fact]
    public void Long_after_it_was_claimed_a_claim_is_let_go_and_stays_so_over_a_kill() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        Assert.True((await market.Provider.ClaimNowAsync(CancellationToken.None)).IsOk);
        await market.WaitAsync(500);
        Assert.Equal(2, tower.Node.Status.Channels);
        await market.WaitAsync(150);
        Assert.Equal(0, tower.Node.Status.Channels);
        await tower.CrashAsync();
        await tower.StartAsync();
        Assert.Equal(0, tower.Node.Status.Channels);

        // What is earned afterwards is held again.
        await new Buyer(market, "again").BuyAsync(one);
        await market.WaitAsync(80);
        Assert.Equal(1, tower.Node.Status.Channels);
        Assert.Equal(Amount.Zero, market.Provider.Status.Unprotected);
    });

    [Fact]
    public void While_a_claim_would_cost_more_than_it_saves_it_waits() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await market.CrashProviderAsync();
        await market.WaitAsync(70);
        market.Chain.WeiPerGas *= 100;
        await WithdrawAsync(market, one);
        await market.WaitAsync(400);
        Assert.Equal(Amount.Zero, market.Chain.Channel(one.Id).Claimed);
        Assert.True(Assert.Single(tower.Node.Status.Withdrawals).IsDue);

        market.Chain.WeiPerGas /= 100;
        await market.WaitAsync(20);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
    });

    [Fact]
    public void Claims_against_a_withdrawal_say_by_when_they_have_to_be_mined_and_what_they_are_worth()
    {
        Testbed.Chain.WatchedChain? ours = null;
        Testbed.Chain.WatchedChain? towers = null;
        var options = new MarketOptions
        {
            WarmChannels = 0, ProviderChain = chain => ours = new Testbed.Chain.WatchedChain(chain),
        };
        Run(options, async (market, tower) =>
        {
            await tower.CrashAsync();
            await tower.StartAsync(chain: chain => towers = new Testbed.Chain.WatchedChain(chain));
            var (one, other) = await EarnAsync(market);
            await market.WaitAsync(80);
            await WithdrawAsync(market, one);
            var began = market.Chain.Channel(one.Id).Withdrawal!.InitiatedAt;
            await market.WaitAsync(30);
            // 388 units at a million units for 10^18 wei.
            var worth = (UInt128)388_000_000_000_000;
            Assert.Equal(new Hurry(began + 900, 60, worth), Sent(ours!).Hurry);

            await market.CrashProviderAsync();
            await market.WaitAsync(70);
            await WithdrawAsync(market, other);
            began = market.Chain.Channel(other.Id).Withdrawal!.InitiatedAt;
            await market.WaitAsync(30);
            Assert.Equal(new Hurry(began + 900, 60, worth), Sent(towers!).Hurry);
        });

        static MarketAction Sent(Testbed.Chain.WatchedChain chain) =>
            Assert.Single(chain.Actions, one => one is { IsTry: false, Action: Claim }).Action;
    }

    [Fact]
    public void A_claim_that_a_reorganisation_undoes_is_made_again() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await market.CrashProviderAsync();
        await WithdrawAsync(market, one);
        await market.UntilAsync(() => !market.Chain.Channel(one.Id).Claimed.IsZero, "the tower claims", 120);
        await market.WaitAsync(5);

        for (var i = 0; i < 3; i++)
        {
            var sent = market.Chain.Transactions;
            market.Chain.Reorganise(8, market.Scheduler.Randomness.Fork($"reorganisation {i}"));
            await market.WaitAsync(60);
            Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
            Assert.True(market.Chain.Transactions >= sent);
        }

        Assert.Empty(tower.Node.Status.Withdrawals);
    });

    [Fact]
    public void Nodes_out_of_reach_for_half_of_the_delay_cost_nothing() => Run(async (market, tower) =>
    {
        var (one, _) = await EarnAsync(market);
        await market.WaitAsync(80);
        await market.CrashProviderAsync();
        await WithdrawAsync(market, one);
        market.Chain.IsDown = true;
        await market.WaitAsync(450);
        Assert.NotNull(tower.Node.Status.Held);
        market.Chain.IsDown = false;
        await market.WaitAsync(60);
        Assert.Equal(one.Base, market.Chain.Channel(one.Id).Claimed);
        Assert.Null(tower.Node.Status.Held);
    });

    private static void Run(Func<MarketHarness, TowerHarness, Task> scenario) => Run(Options, scenario);

    private static void Run(MarketOptions options, Func<MarketHarness, TowerHarness, Task> scenario) =>
        MarketHarness.Run(options, async market =>
        {
            await using var tower = new TowerHarness(market);
            await tower.StartAsync();
            await market.CrashProviderAsync();
            await market.StartProviderAsync(draft => draft.Watchtowers = [tower.Url]);
            // So dear that the provider claims nothing by itself; a withdrawal is still worth it.
            market.Chain.WeiPerGas *= 4;
            await scenario(market, tower);
        });

    private static async Task<(BuyerChannel One, BuyerChannel Other)> EarnAsync(MarketHarness market)
    {
        var buyer = new Buyer(market);
        var (one, other) = (await buyer.OpenAsync(), await buyer.OpenAsync());
        market.Engine.Tokens = 60;
        await buyer.BuyAsync(one);
        await buyer.BuyAsync(other);
        return (one, other);
    }

    private static async Task WithdrawAsync(MarketHarness market, BuyerChannel channel) =>
        Assert.True((await WithdrawLaterAsync(market, channel)).IsOk);

    private static Task<Result<TxOutcome>> WithdrawLaterAsync(MarketHarness market, BuyerChannel channel) =>
        market.Chain.Account(market.Keys.Hot).SubmitAsync(
            new VaultInitiateWithdraw(
                market.Vault, channel.Config, market.Chain.Channel(channel.Id).Available), CancellationToken.None);

    private static Task<Result<TxOutcome>> FinalizeAsync(MarketHarness market, BuyerChannel channel) =>
        market.Chain.Account(market.Keys.Hot).SubmitAsync(
            new VaultFinalizeWithdraw(market.Vault, channel.Config), CancellationToken.None);
}
