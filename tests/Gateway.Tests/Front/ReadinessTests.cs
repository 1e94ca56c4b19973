using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

public sealed class ReadinessTests
{
    [Fact]
    public void A_gateway_with_market_channel_and_chain_is_ready() => MarketHarness.Run(async market =>
    {
        var ready = await market.AppWith(null).SendAsync(WireRequest.Get("/ready"));

        Assert.Equal(200, ready.Status);
        Assert.Equal("ready", (string)ready.Json["status"]!);
        Assert.Equal(200, (await market.AppWith(null).SendAsync(WireRequest.Get("/health"))).Status);
    });

    [Fact]
    public void Without_a_provider_it_is_alive_but_not_ready() => MarketHarness.Run(async market =>
    {
        await market.CrashProviderAsync();
        await market.WaitAsync(60);
        var ready = await market.AppWith(null).SendAsync(WireRequest.Get("/ready"));
        var health = await market.AppWith(null).SendAsync(WireRequest.Get("/health"));
        await market.StartProviderAsync();
        await market.UntilAsync(() => market.Gateway.IdleChannels > 0 && market.Gateway.Offers > 0, "all is back");
        await market.WaitAsync(5);
        var again = await market.AppWith(null).SendAsync(WireRequest.Get("/ready"));

        Assert.Equal(200, health.Status);
        Assert.Equal(503, ready.Status);
        Assert.Equal(["market", "channel"], Failed(ready));
        Assert.Equal(200, again.Status);
    });

    [Fact]
    public void Without_a_channel_it_is_not_ready() => MarketHarness.Run(
        new MarketOptions { VaultFunds = new(500), AwaitsChannels = false }, async market =>
        {
            await market.UntilAsync(() => market.Gateway.Offers > 0, "the offer is seen");
            await market.WaitAsync(5);
            var ready = await market.AppWith(null).SendAsync(WireRequest.Get("/ready"));

            Assert.Equal(503, ready.Status);
            Assert.Equal(["channel"], Failed(ready));
            Assert.NotEmpty((string)ready.Json["checks"]!["channel"]!["reason"]!);
        });

    [Fact]
    public void With_an_old_head_it_is_not_ready() => MarketHarness.Run(async market =>
    {
        market.Chain.IsHalted = true;
        await market.WaitAsync(70);
        var ready = await market.AppWith(null).SendAsync(WireRequest.Get("/ready"));
        market.Chain.IsHalted = false;

        Assert.Equal(503, ready.Status);
        Assert.Contains("chain", Failed(ready));
    });

    private static string[] Failed(AppReply ready) =>
        [.. ready.Json["checks"]!.AsObject().Where(check => !(bool)check.Value!["ok"]!).Select(check => check.Key)];
}
