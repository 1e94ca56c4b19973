using Souk.Protocol;

namespace Souk.Testbed.Market;

/// <summary>Where the money is, by each side's own books and by the chain.</summary>
public sealed record MoneySeen(
    Amount Spent, Amount Reserved, Amount CustomerBase, Amount CustomerLosses, Amount ProviderBase,
        Amount ProviderEarned,
    Amount Claimed, Amount Payout)
{
    /// <summary>Looks at a market. The books are rebuilt from the ledgers, so only what is durable counts.</summary>
    public static async Task<MoneySeen> OfAsync(MarketHarness market)
    {
        var customer = market.Gateway.Book;
        var provider = await market.ProviderBookAsync();
        var sums = (await market.Chain.ReceiverAsync(
            market.Keys.Payout.Address, Souk.Chain.ReadPoint.Newest, CancellationToken.None)).Value.Value;
        return new MoneySeen(
            Sum(customer.ApiKeys.Values.Select(key => key.Spent)),
                Sum(customer.ApiKeys.Values.Select(key => key.Reserved)),
            Sum(customer.Channels.Values.Select(channel => channel.Base)), customer.Losses,
            Sum(provider.Channels.Values.Select(channel => channel.Base)), provider.Earned, sums.Claimed,
            market.Chain.BalanceOf(market.Keys.Payout.Address));
    }

    private static Amount Sum(IEnumerable<Amount> amounts) =>
        amounts.Aggregate(Amount.Zero, (sum, amount) => sum + amount);
}
