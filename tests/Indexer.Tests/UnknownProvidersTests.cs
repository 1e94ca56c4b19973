using Souk.Protocol;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Indexer.Tests;

/// <summary>What made-up providers cost an indexer.</summary>
public sealed class UnknownProvidersTests
{
    private static readonly PeerTarget Indexer = new(new Uri("http://127.0.0.1:7001"), null);
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void An_announcement_holds_the_offers_of_one_provider() => MarketHarness.Run(Options, async market =>
    {
        var good = await new Buyer(market).OfferAsync();
        var other = Forged(market, good.Message, 1);

        var reply = await market.ClientOf("announcer").AnnounceAsync(Indexer, [good, other], CancellationToken.None);

        Assert.Equal("several_providers", reply.Refusal!.Code);
    });

    [Fact]
    public void The_chain_is_asked_once_for_an_unknown_provider_and_never_for_a_flawed_offer() =>
        MarketHarness.Run(Options, async market =>
        {
            var good = (await new Buyer(market).OfferAsync()).Message;
            var chain = new WatchedChain(market.Chain);
            using var node = NodeOn(market, chain);

            for (var i = 0; i < 50; i++)
            {
                Assert.Equal(
                    "offer_expired", (await TakeAsync(node, Forged(market, good with { Expiry = market.Now },
                        i)))!.Code);
                Assert.Equal("provider_unknown", (await TakeAsync(node, Forged(market, good, 7)))!.Code);
            }

            Assert.Equal(1, chain.ProviderReads);
            await market.WaitAsync(31);
            Assert.Equal("provider_unknown", (await TakeAsync(node, Forged(market, good, 7)))!.Code);
            Assert.Equal(2, chain.ProviderReads);
        });

    [Fact]
    public void A_flood_of_unknown_providers_holds_up_no_known_one() => MarketHarness.Run(Options, async market =>
    {
        var good = await new Buyer(market).OfferAsync();
        var chain = new WatchedChain(market.Chain);
        using var node = NodeOn(market, chain);
        Assert.Null(await TakeAsync(node, good));
        var stalled = new TaskCompletionSource();
        chain.OnProviders = _ => stalled.Task;

        var flood = Enumerable.Range(0, 20).Select(i => TakeAsync(node, Forged(market, good.Message, i))).ToList();
        var taken = TakeAsync(node, good);
        await market.WaitAsync(1);

        Assert.True(taken.IsCompletedSuccessfully);
        Assert.Null(await taken);
        Assert.Equal(9, chain.ProviderReads);
        stalled.SetResult();
        var refused = await Task.WhenAll(flood);
        Assert.Equal(8, refused.Count(refusal => refusal!.Code == "provider_unknown"));
        Assert.Equal(12, refused.Count(refusal => refusal!.Code == "busy"));
    });

    private static IndexerNode NodeOn(MarketHarness market, WatchedChain chain) => IndexerNode.Create(
        new IndexerOptions(),
        new IndexerParts(chain, market.Network.ClientFor("another indexer"), market.Time, market.Logs.For("indexer")));

    private static Task<Refusal?> TakeAsync(IndexerNode node, Signed<Offer> offer) =>
        node.TakeAsync(offer, CancellationToken.None);

    private static Signed<Offer> Forged(MarketHarness market, Offer offer, int number)
    {
        Span<byte> provider = stackalloc byte[20];
        BitConverter.TryWriteBytes(provider[1..], number);
        provider[0] = 0xBA;
        return Signed.Sign(
            offer with { Provider = Address.FromBytes(provider) }, market.Keys.Stranger,
                market.Chain.Network.SoukDomain);
    }
}
