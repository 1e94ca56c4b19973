using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Simulation.Market;

/// <summary>A market's whole life in a minute: offers, paid answers, one of them abandoned, claims, and the last
/// unit found.</summary>
internal static class OneRun
{
    public static Bytes32 Trace(ulong seed) => MarketHarness.Run(
        new MarketOptions
        {
            Seed = seed,
            Interleaves = true,
            Faults = new() { StalledPiece = 0.02, StallTime = TimeSpan.FromMilliseconds(700) },
        },
        RunAsync);

    private static async Task RunAsync(MarketHarness market)
    {
        market.Engine.Tokens = 60;
        var answers = await Task.WhenAll(
            market.App.ChatAsync(body => body["stream"] = true),
            market.App.ChatAsync(body => body["max_tokens"] = 25));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(["stop", "length"], answers.Select(answer => answer.FinishReason()));

        market.Engine.IsEndless = true;
        using (var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(900), market.Time))
        {
            var abandoned = await market.App.ChatAsync(body => body["stream"] = true, patience.Token);
            Assert.True(abandoned.IsBroken);
            Assert.True(abandoned.Chunks.Count > 3, "The app left before it had got anything.");
        }

        market.Engine.IsEndless = false;
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "every receipt is here");
        var claimed = await market.Provider.ClaimNowAsync(CancellationToken.None);
        Assert.True(claimed.IsOk);
        await CheckMoneyAsync(market);
    }

    private static async Task CheckMoneyAsync(MarketHarness market)
    {
        var money = await MoneySeen.OfAsync(market);
        Assert.True(money.CustomerBase > Amount.Zero);
        Assert.Equal(money.CustomerBase, money.ProviderBase);
        Assert.Equal(money.CustomerBase, money.ProviderEarned);
        Assert.Equal(money.CustomerBase, money.Spent);
        Assert.Equal(Amount.Zero, money.Reserved);
        Assert.Equal(Amount.Zero, money.CustomerLosses);
        Assert.Equal(money.CustomerBase, money.Claimed);
        Assert.Equal(money.CustomerBase, money.Payout);
        var locked = market.Gateway.Book.Channels.Values.Aggregate(
            Amount.Zero, (sum, channel) => sum + market.Chain.Channel(channel.Id).Available);
        Assert.Equal(market.Options.VaultFunds, market.Chain.BalanceOf(market.Vault) + locked + money.Payout);
        Assert.Equal(locked, market.Chain.BalanceOf(market.Chain.Network.Escrow));
    }
}
