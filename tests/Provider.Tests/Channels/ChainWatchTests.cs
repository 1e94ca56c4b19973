using Microsoft.Extensions.Logging.Abstractions;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;
using Souk.Testbed.Stores;

namespace Souk.Provider.Tests.Channels;

public sealed class ChainWatchTests
{
    [Fact]
    public void An_older_block_undoes_no_withdrawal_unless_blocks_were_replaced() =>
        MarketHarness.Run(new MarketOptions { WarmChannels = 0 }, async market =>
        {
            var channel = await new Buyer(market).OpenAsync();
            var chain = new WatchedChain(market.Chain);
            var disk = new MemoryStore();
            var journal = await Journal.OpenAsync<ProviderBook>(
                disk.Open(market.Time, TimeSpan.FromMilliseconds(1)), CancellationToken.None);
            using var watch = new ChainWatch(chain, journal, market.Time, NullLogger<ChainWatch>.Instance);
            Assert.Null(await watch.RefreshAsync([channel.Id], CancellationToken.None, channel.Config));
            var before = watch.Newest;
            Assert.True((await market.Chain.Account(market.Keys.Hot).SubmitAsync(
                new VaultInitiateWithdraw(market.Vault, channel.Config, new(1)), CancellationToken.None)).IsOk);
            Assert.Null(await watch.RefreshAsync([channel.Id], CancellationToken.None));
            Assert.True(journal.Book.Channels[channel.Id].IsWithdrawing);

            chain.Repeats = 0;
            var refused = await watch.RefreshAsync([channel.Id], CancellationToken.None);

            Assert.Equal((Fault.Nobody, "chain_behind"), (refused!.Fault, refused.Code));
            Assert.True(journal.Book.Channels[channel.Id].IsWithdrawing);

            // The news is of a later block than a node that lags shows.
            refused = await watch.RefreshAsync([channel.Id], CancellationToken.None, reset: watch.Newest);
            Assert.Equal("chain_behind", refused!.Code);
            Assert.True(journal.Book.Channels[channel.Id].IsWithdrawing);
            Assert.Null(await watch.RefreshAsync([channel.Id], CancellationToken.None, reset: before));
            Assert.False(journal.Book.Channels[channel.Id].IsWithdrawing);
        });

    [Fact]
    public void A_node_that_catches_up_is_heard() =>
        MarketHarness.Run(new MarketOptions { WarmChannels = 0 }, async market =>
    {
        var channel = await new Buyer(market).OpenAsync();
        var chain = new WatchedChain(market.Chain);
        var journal = await Journal.OpenAsync<ProviderBook>(
            new MemoryStore().Open(market.Time, TimeSpan.FromMilliseconds(1)), CancellationToken.None);
        using var watch = new ChainWatch(chain, journal, market.Time, NullLogger<ChainWatch>.Instance);
        Assert.Null(await watch.RefreshAsync([channel.Id], CancellationToken.None, channel.Config));
        await market.WaitAsync(4);
        Assert.Null(await watch.RefreshAsync([channel.Id], CancellationToken.None));
        chain.Repeats = 0;

        var reading = watch.RefreshAsync([channel.Id], CancellationToken.None);
        await market.WaitAsync(1.5);
        chain.Repeats = null;

        Assert.Null(await reading);
    });

    [Fact]
    public void What_a_node_of_another_branch_shows_is_read_again_within_minutes()
    {
        WatchedChain? node = null;
        var options = new MarketOptions
        {
            WarmChannels = 0, Confirmations = 1,
            ProviderParts = parts => parts with { Chain = node = new WatchedChain(parts.Chain) },
        };
        MarketHarness.Run(options, async market =>
        {
            var channel = await new Buyer(market).OpenAsync();
            node!.Shows = state => state with { Withdrawal = null };
            Assert.True((await market.Chain.Account(market.Keys.Hot).SubmitAsync(
                new VaultInitiateWithdraw(market.Vault, channel.Config, new(1)), CancellationToken.None)).IsOk);
            await market.WaitAsync(10);
            node.Shows = null;
            Assert.False((await market.ProviderBookAsync()).Channels[channel.Id].IsWithdrawing);

            await market.WaitAsync(120);

            Assert.True((await market.ProviderBookAsync()).Channels[channel.Id].IsWithdrawing);
        });
    }
}
