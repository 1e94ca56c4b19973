using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Receipts;

/// <summary>A side that starts from an older copy of its records finds back to the other, or stops promising.</summary>
public sealed class LostRecordsTests
{
    private static readonly MarketOptions _oneChannel = new() { WarmChannels = 1, MostChannels = 2 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_provider_that_lost_receipts_takes_them_from_its_customer(bool isClaimed) =>
        MarketHarness.Run(new MarketOptions { WarmChannels = 1, MostChannels = 1 }, async market =>
    {
        var older = 0;
        for (var i = 0; i < 4; i++)
        {
            older = i == 2 ? (int)market.ProviderLedger.Sequence : older;
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        }

        var before = await MoneySeen.OfAsync(market);
        if (isClaimed)
        {
            // The chain tells what was lost. Where nothing was claimed, only whoever repaired the ledger knows.
            Assert.NotEmpty((await market.Provider.ClaimNowAsync(default)).Value.Claims);
        }

        await market.WaitAsync(10);
        await market.CrashProviderAsync();
        market.ProviderDisk.Restore(older);
        if (!isClaimed)
        {
            await RepairedAsync<ProviderBook>(market.ProviderDisk.Open(market.Time, TimeSpan.Zero));
        }

        await market.StartProviderAsync();
        var channel = Assert.Single(market.Gateway.Book.Channels.Values, open => open.Base > Amount.Zero);
        var asked = await market.ClientOf("a stranger").OpenChannelAsync(
            market.ProviderTarget, new ChannelOpening(channel.Config, null), default);
        Assert.Equal("books_behind", asked.Refusal?.Code);

        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "all is explained");
        await market.WaitAsync(5);
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        var after = await MoneySeen.OfAsync(market);
        Assert.Equal(after.ProviderBase, after.CustomerBase);
        Assert.True(after.CustomerBase > before.CustomerBase);
        Assert.Equal(Amount.Zero, after.CustomerLosses);
        Assert.DoesNotContain(
            market.Gateway.Book.Channels.Values, open => open.State == CustomerChannelState.Frozen);
        var mended = (await market.ProviderBookAsync()).Channels[channel.Id];
        Assert.False(mended.IsBehind);
        Assert.Equal(market.Gateway.Book.Channels[channel.Id].Base, mended.Base);
    });

    [Fact]
    public void A_gateway_from_an_older_copy_signs_no_voucher_on_a_base_that_it_cannot_explain() =>
        MarketHarness.Run(_oneChannel, async market =>
    {
        await market.App.ChatAsync();
        var older = (int)market.GatewayLedger.Sequence;
        var channel = Assert.Single(market.Gateway.Book.Channels.Values, open => open.Base > Amount.Zero);
        await market.App.ChatAsync();
        await market.App.ChatAsync();
        var charged = (await market.ProviderBookAsync()).Channels[channel.Id].Base;
        await market.CrashGatewayAsync();
        market.GatewayDisk.Restore(older);
        await market.StartGatewayAsync();
        await market.UntilAsync(() => market.Gateway.Offers > 0, "the market is seen again");

        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        await market.WaitAsync(5);
        var frozen = market.Gateway.Book.Channels[channel.Id];
        Assert.Equal(CustomerChannelState.Frozen, frozen.State);
        Assert.Equal((channel.Base, channel.Ceiling), (frozen.Base, frozen.Ceiling));
        var why = (await market.GatewayLedger.FindAsync(channel.Id.ToString(), default))
            .Select(RowCodec.ToEvent).OfType<ChannelFrozen>().Single();
        Assert.Equal("ledger_behind", why.Code);
        Assert.Contains($"charged {charged}", why.Message, StringComparison.Ordinal);
        Assert.Contains($"explain {channel.Base}", why.Message, StringComparison.Ordinal);
        Assert.Equal(charged, (await market.ProviderBookAsync()).Channels[channel.Id].Base);

        // The provider gets what it earned, the vault the rest, and the difference is booked.
        await market.UntilAsync(
            () => market.Gateway.Book.Channels[channel.Id].State == CustomerChannelState.Closed, "the money is back",
                2_000);
        Assert.Equal(charged - channel.Base, market.Gateway.Book.Losses);
        Assert.Equal(charged, (await market.ProviderBookAsync()).Channels[channel.Id].Claimed);
    });

    [Fact]
    public void After_a_restart_with_whole_ledgers_channels_go_on() => MarketHarness.Run(_oneChannel, async market =>
    {
        await market.App.ChatAsync();
        await market.CrashGatewayAsync();
        await market.CrashProviderAsync();
        await market.StartProviderAsync();
        await market.StartGatewayAsync();
        await market.UntilAsync(() => market.Gateway.Offers > 0, "the market is seen again");
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
        Assert.Single(market.Gateway.Book.Channels);
    });

    private static async Task RepairedAsync<TBook>(ILedger disk)
        where TBook : class, IBook<TBook>
    {
        await using (disk)
        {
            await (await Journal.OpenAsync<TBook>(disk, default)).RecordAsync(new LedgerRepaired(1, 1, 0, 1));
        }
    }
}
