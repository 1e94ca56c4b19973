using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>A market whose provider is meddled with.</summary>
internal static class HostileMarket
{
    public static void Run(Func<MarketHarness, Meddler, Task> scenario) => Run(new MarketOptions(), scenario);

    public static void Run(MarketOptions options, Func<MarketHarness, Meddler, Task> scenario)
    {
        Meddler? meddler = null;
        MarketHarness.Run(
            options with { Provider = inner => meddler = new Meddler(inner) },
            market => scenario(market, meddler!));
    }

    /// <summary>Changes a stream's receipts and signs them with the provider's own key.</summary>
    public static void Forge(this Meddler meddler, MarketHarness market, Func<Receipt, Receipt> change) =>
        meddler.OnEvent = Meddler.Receipts(market.Keys.Node, market.Chain.Network.SoukDomain, change);

    /// <summary>The one channel that is frozen.</summary>
    public static CustomerChannel Frozen(this MarketHarness market) => Assert.Single(
        market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);

    /// <summary>The app pays nothing, the channel is frozen, and its money is on its way back.</summary>
    public static async Task ExpectDisputeAsync(this MarketHarness market, MoneySeen before)
    {
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal((before.Spent, before.CustomerBase), (money.Spent, money.CustomerBase));
        Assert.Equal(Amount.Zero, money.Reserved);
        var frozen = market.Frozen();
        await market.UntilAsync(
            () => market.Chain.Channel(frozen.Id).Withdrawal is not null, "the withdrawal has started");
        Assert.Equal(market.Chain.Channel(frozen.Id).Available, market.Chain.Channel(frozen.Id).Withdrawal!.Amount);
    }
}
