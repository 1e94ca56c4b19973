using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Machine;

/// <summary>A role whose disk is full promises nothing, says so, loses nothing, and goes on once there is
/// room.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public void A_gateway_refuses_requests_until_its_disk_has_room() => MarketHarness.Run(async market =>
    {
        await market.App.ChatAsync();
        var before = await MoneySeen.OfAsync(market);
        market.Engine.Tokens = 300;
        var running = market.App.ChatAsync();
        await market.UntilAsync(() => market.Engine.Generated > 40, "an answer is under way");
        market.GatewayDisk.IsFull = true;
        await market.UntilAsync(() => market.GatewayLedger.Obstacle is not null, "the disk is found full");

        var refused = await market.App.ChatAsync();
        Assert.Equal((503, "ledger_unavailable"), (refused.Status, refused.ErrorCode));
        Assert.Contains("disk", (string)refused.Json["error"]!["message"]!, StringComparison.Ordinal);
        Assert.Equal(200, (await market.App.SendAsync(WireRequest.Get("/v1/models"))).Status);
        var rows = market.GatewayLedger.Sequence;
        await market.WaitAsync(30);
        Assert.Equal(rows, market.GatewayLedger.Sequence);

        market.GatewayDisk.IsFull = false;
        Assert.Equal(200, (await running).Status);
        market.Engine.Tokens = 12;
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "all is explained");
        await AgreeAsync(market, before);
    });

    [Fact]
    public void A_provider_refuses_requests_until_its_disk_has_room() => MarketHarness.Run(async market =>
    {
        await market.App.ChatAsync();
        var before = await MoneySeen.OfAsync(market);
        market.Engine.Tokens = 300;
        var running = market.App.ChatAsync();
        await market.UntilAsync(() => market.Engine.Generated > 40, "an answer is under way");
        market.ProviderDisk.IsFull = true;
        await market.UntilAsync(() => market.ProviderLedger.Obstacle is not null, "the disk is found full");

        var refused = await market.App.ChatAsync();
        Assert.Equal(503, refused.Status);
        Assert.Equal("ledger_unavailable", refused.ErrorCode);
        market.ProviderDisk.IsFull = false;

        await running;
        market.Engine.Tokens = 12;
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "all is explained");
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        await AgreeAsync(market, before);
    });

    [Fact]
    public void A_gateway_killed_on_a_full_disk_lost_nothing_that_it_had_promised() => MarketHarness.Run(async market =>
    {
        market.GatewayDisk.IsFull = true;
        var lost = market.App.ChatAsync();
        await market.UntilAsync(() => market.GatewayLedger.Obstacle is not null, "the disk is found full");
        await market.CrashGatewayAsync();
        await lost;
        market.GatewayDisk.IsFull = false;
        await market.StartGatewayAsync();
        await market.UntilAsync(() => market.Gateway.Offers > 0, "the market is seen again");

        Assert.Equal(0, market.Engine.Generated);
        Assert.Equal((Amount.Zero, Amount.Zero), (market.Account.Spent, market.Account.Reserved));
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
    });

    private static async Task AgreeAsync(MarketHarness market, MoneySeen before)
    {
        var after = await MoneySeen.OfAsync(market);
        Assert.True(after.CustomerBase > before.CustomerBase);
        Assert.Equal(after.ProviderBase, after.CustomerBase);
        Assert.Equal((Amount.Zero, Amount.Zero), (after.CustomerLosses, after.Reserved));
        Assert.True(after.Spent <= after.CustomerBase);
        Assert.DoesNotContain(
            market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
    }
}
