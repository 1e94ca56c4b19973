using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Chain.Tests.Evm;
using Souk.Chain.Tests.Nodes;
using Souk.Protocol;

namespace Souk.Chain.Tests.Following;

public sealed class ChainNewsTests
{
    private const ulong Million = MarketFixture.Million;

    [Fact]
    public async Task The_first_news_says_to_read_everything_and_later_ones_what_moved()
    {
        await using var market = await MarketFixture.StartAsync();
        await market.SettleInAsync();
        await using var news = new News(market.Market, market.Vault);

        Assert.True((await news.NextAsync()).IsReset);
        var deposit = await market.DepositAsync(market.Channel(1), Million, 1);
        await market.SubmitAsync(market.Provider, deposit);
        await market.SubmitAsync(market.Provider, new UpdateEndpoint("https://moved.example"));
        await market.SubmitAsync(market.HotKey, new MintCurrency(market.Vault, new Amount(5)));

        var seen = await news.UntilAsync(n => n.Newest.Number >= market.LastBlock);
        Assert.DoesNotContain(seen, n => n.IsReset);
        Assert.Equal([market.IdOf(market.Channel(1))], seen.SelectMany(n => n.Channels));
        Assert.Equal([market.Provider.Address], seen.SelectMany(n => n.Providers));
        Assert.Equal([market.Vault], seen.SelectMany(n => n.Vaults).Distinct());
    }

    [Fact]
    public async Task A_reorganisation_is_a_reset_and_the_state_then_read_is_the_new_one()
    {
        await using var market = await MarketFixture.StartAsync();
        await market.SettleInAsync();
        await using var news = new News(market.Market, market.Vault);
        await market.Anvil.MineAsync(5);
        var deposit = await market.DepositAsync(market.Channel(1), Million, 1);
        await market.SubmitAsync(market.Provider, deposit);
        await market.Anvil.MineAsync(2);
        var id = market.IdOf(market.Channel(1));
        await news.UntilAsync(n => n.Newest.Number >= market.LastBlock + 2);
        Assert.False((await ReadAsync(market, id)).Balance.IsZero);

        // The last four blocks are replaced by empty ones.
        await market.Anvil.CallAsync("anvil_reorg", 4, new System.Text.Json.Nodes.JsonArray());
        var seen = await news.UntilAsync(n => n.IsReset);

        Assert.Equal(market.LastBlock + 2, seen[^1].Newest.Number);
        Assert.True((await ReadAsync(market, id)).Balance.IsZero);

        // The draw was undone with its block, so that the same deposit counts again, and is news again.
        await market.SubmitAsync(market.Provider, deposit);
        await news.UntilAsync(n => n.Channels.Contains(id));
    }

    [Fact]
    public async Task Many_missed_blocks_are_a_reset()
    {
        await using var market = await MarketFixture.StartAsync();
        await market.SettleInAsync();
        await using var node = await FaultyNode.StartAsync(market.Anvil.Url);
        using var chain = Through(node);
        await using var through = new EvmMarketChain(market.Network, chain, new());
        await using var news = new News(through, market.Vault);
        await news.NextAsync();

        node.Fault = NodeFault.Dropped;
        await market.Anvil.MineAsync(400);
        node.Fault = NodeFault.None;

        var reset = await news.UntilAsync(n => n.IsReset);
        Assert.True(reset[^1].Newest.Number >= 400);
    }

    [Fact]
    public async Task What_happened_while_no_node_answered_is_told_afterwards()
    {
        await using var market = await MarketFixture.StartAsync();
        await market.SettleInAsync();
        await using var node = await FaultyNode.StartAsync(market.Anvil.Url);
        using var chain = Through(node);
        await using var through = new EvmMarketChain(market.Network, chain, new());
        await using var news = new News(through, market.Vault);
        await news.NextAsync();

        node.Fault = NodeFault.Status500;
        await market.SubmitAsync(market.Provider, await market.DepositAsync(market.Channel(1), Million, 1));
        await market.Anvil.MineAsync(20);
        var asked = node.Requests;
        Assert.False(await news.HasMoreWithinAsync(TimeSpan.Zero));
        await Waiting.UntilAsync(() => Task.FromResult(node.Requests > asked + 8), "it was asked in vain");
        node.Fault = NodeFault.None;

        var seen = await news.UntilAsync(n => n.Newest.Number >= market.LastBlock + 20);
        Assert.Contains(market.IdOf(market.Channel(1)), seen.SelectMany(n => n.Channels));
        Assert.DoesNotContain(seen, n => n.IsReset);
    }

    [Fact]
    public async Task A_block_whose_logs_cannot_be_had_becomes_a_reset_instead_of_silence_for_ever()
    {
        await using var market = await MarketFixture.StartAsync();
        await using var node = await FaultyNode.StartAsync(market.Anvil.Url);
        using var chain = Through(node);
        await using var through = new EvmMarketChain(market.Network, chain, new());
        await using var news = new News(through, market.Payout);
        await news.NextAsync();
        node.Rewrite = body => body.Contains("eth_getLogs", StringComparison.Ordinal)
            ? """{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"query returned more than 10000 results"}}"""
            : null;

        await market.Anvil.MineAsync();

        Assert.True((await news.NextAsync()).IsReset);
    }

    [Fact]
    public async Task A_change_is_named_again_when_its_block_is_confirmed_and_nothing_is_named_without_a_new_block()
    {
        await using var market = await MarketFixture.StartAsync(confirmations: 3);
        await market.SettleInAsync();
        await market.Anvil.MineAsync(5);
        await using var news = new News(market.Market, market.Vault);
        await news.NextAsync();
        var deposit = await market.DepositAsync(market.Channel(1), Million, 1);
        await market.SubmitAsync(market.Provider, deposit);
        var id = market.IdOf(market.Channel(1));

        var first = (await news.UntilAsync(n => n.Channels.Contains(id)))[^1];
        Assert.Equal(market.LastBlock, first.Newest.Number);
        Assert.False(await news.HasMoreWithinAsync(TimeSpan.FromMilliseconds(400)));
        await market.Anvil.MineAsync();
        Assert.Empty((await news.NextAsync()).Channels);
        await market.Anvil.MineAsync();
        Assert.Equal([id], (await news.NextAsync()).Channels);
        await market.Anvil.MineAsync();
        Assert.Empty((await news.NextAsync()).Channels);
    }

    [Fact]
    public async Task Cancelling_ends_the_news_without_an_exception()
    {
        await using var market = await MarketFixture.StartAsync();
        using var stop = new CancellationTokenSource();
        var count = 0;

        await foreach (var _ in market.Market.FollowAsync([], stop.Token))
        {
            count++;
            await stop.CancelAsync();
        }

        Assert.Equal(1, count);
    }

    private static async Task<ChannelState> ReadAsync(MarketFixture market, Bytes32 id) =>
        (await market.Market.ChannelsAsync([id], ReadPoint.Newest, default)).Value.Value[0];

    private static RpcChain Through(FaultyNode node) => new(
        31337,
        [node.Url],
        new RpcOptions { Rounds = 1, Timeout = TimeSpan.FromSeconds(5) },
        TimeProvider.System);

    private sealed class News(EvmMarketChain market, Address vault) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private IAsyncEnumerator<ChainNews>? _items;
        private Task<bool>? _next;

        public async Task<ChainNews> NextAsync()
        {
            Assert.True(await Next().WaitAsync(TimeSpan.FromSeconds(30)));
            _next = null;
            return _items!.Current;
        }

        public async Task<List<ChainNews>> UntilAsync(Func<ChainNews, bool> isLast)
        {
            var seen = new List<ChainNews>();
            do
            {
                seen.Add(await NextAsync());
            }
            while (!isLast(seen[^1]));
            return seen;
        }

        public async Task<bool> HasMoreWithinAsync(TimeSpan time) =>
            await Task.WhenAny(Next(), Task.Delay(time)) == Next();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            if (_next is not null)
            {
                await _next;
            }

            if (_items is not null)
            {
                await _items.DisposeAsync();
            }

            _stop.Dispose();
        }

        private Task<bool> Next()
        {
            _items ??= market.FollowAsync([vault], _stop.Token).GetAsyncEnumerator();
            return _next ??= _items.MoveNextAsync().AsTask();
        }
    }
}
