using Souk.Indexer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Provider.Tests.Offers;

public sealed class OffersTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_change_of_the_node_key_ends_old_offers_and_keeps_channels() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        await buyer.BuyAsync(channel);
        var body = buyer.Body();
        var late = await buyer.NextAsync(channel, body, 64);

        await market.CrashProviderAsync();
        await market.StartProviderAsync(options => options.NodeKey = market.Keys.Stranger);

        var refused = await buyer.SendAsync(late, body);
        Assert.Equal(("offer_expired", 503), (refused.Code, refused.Reply.Status));
        var bought = await buyer.BuyAsync(channel);
        var receipt = bought.Receipt!;
        Assert.Equal(market.Keys.Stranger.Address, receipt.Signer(market.Chain.Network.SoukDomain));
        Assert.True(NonceChain.Verify(
            receipt.Message.ProviderNonce, receipt.Message.Index, channel.Acceptance!.Message.NonceAnchor, 0));
    });

    [Fact]
    public void A_restart_with_the_same_key_honours_the_offers_before_it() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var late = await buyer.NextAsync(channel, body, 64);

        await market.CrashProviderAsync();
        await market.StartProviderAsync();

        Assert.Equal("stop", (await buyer.SendAsync(late, body)).Receipt!.Message.FinishReason);
    });

    [Fact]
    public void A_restarted_indexer_has_the_offers_again_within_a_minute()
    {
        var front = new Replaceable();
        MarketHarness.Run(Options with { Indexer = front.Behind }, async market =>
        {
            await market.WaitAsync(5);
            Assert.Single(market.Indexer.Book.All);
            using var fresh = IndexerNode.Create(new IndexerOptions(), new IndexerParts(
                market.Chain, market.Network.ClientFor("indexer"), market.Time, market.Logs.For("indexer")));

            front.Handler = fresh.Handler;
            await market.WaitAsync(45);

            Assert.Single(fresh.Book.All);
        });
    }

    private sealed class Replaceable : IWireHandler
    {
        public IWireHandler? Handler { get; set; }

        public Replaceable Behind(IWireHandler handler)
        {
            Handler = handler;
            return this;
        }

        public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
            Handler!.HandleAsync(request, response, aborted);
    }
}
