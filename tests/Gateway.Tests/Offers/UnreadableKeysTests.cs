using Souk.Chain;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Offers;

/// <summary>A provider can make the history of its keys so long that no node gives it. That must not keep alive what
/// was believed of it before.</summary>
public sealed class UnreadableKeysTests
{
    [Fact]
    public void Keys_that_did_not_change_need_not_be_read_again() => Run(async (market, chain) =>
    {
        chain.RefusesKeySets = true;
        await market.WaitAsync(100);

        Assert.Equal(200, (await market.App.ChatAsync()).Status);
    });

    [Fact]
    public void New_keys_that_cannot_be_read_end_the_belief_in_the_old_ones() => Run(async (market, chain) =>
    {
        chain.RefusesKeySets = true;
        var keys = market.Keys;
        await SendAsync(market, new UpdateKeys(
            new ProviderKeys(keys.Stranger.Address, keys.Node.Address, keys.Authorizer.Address, keys.Gas.Address),
            null));

        await market.WaitAsync(100);

        Assert.Equal(503, (await market.App.ChatAsync()).Status);
    });

    private static async Task SendAsync(MarketHarness market, MarketAction action) =>
        Assert.True((await market.Chain.Account(market.Keys.ProviderOwner)
            .SubmitAsync(action, CancellationToken.None)).TryGet(out _, out _));

    private static void Run(Func<MarketHarness, WatchedChain, Task> scenario)
    {
        WatchedChain? chain = null;
        MarketHarness.Run(
            new MarketOptions { GatewayChain = inner => chain = new WatchedChain(inner) },
            market => scenario(market, chain!));
    }
}
