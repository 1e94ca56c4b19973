using Souk.Testbed.Market;

namespace Souk.Simulation.Market;

public sealed class OneMarketTests
{
    [Fact]
    public void An_app_buys_an_answer() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.ChatAsync();

        Assert.Equal(200, reply.Status);
    });
}
