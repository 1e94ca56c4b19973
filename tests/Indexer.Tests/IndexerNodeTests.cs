using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Indexer.Tests;

/// <summary>What an indexer takes, keeps alive and passes on.</summary>
public sealed class IndexerNodeTests
{
    private static readonly PeerTarget Indexer = new(new Uri("http://127.0.0.1:7001"), null);
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void An_announced_offer_is_passed_on_unchanged() => MarketHarness.Run(Options, async market =>
    {
        var made = await new Buyer(market).OfferAsync();

        var list = (await market.ClientOf("reader").GetOffersAsync(Indexer, null, null, CancellationToken.None)).Value;
        var other = await market.ClientOf("reader").GetOffersAsync(
            Indexer, Sha.Hash("another model"u8), null, CancellationToken.None);

        Assert.Equal(made.Signature, Assert.Single(list.Offers).Signature);
        Assert.Empty(other.Value.Offers);
    });

    [Fact]
    public void Forged_foreign_expired_and_replayed_offers_are_refused_each_with_its_reason() =>
        MarketHarness.Run(Options, async market =>
        {
            var good = await new Buyer(market).OfferAsync();
            var domain = market.Chain.Network.SoukDomain;
            var client = market.ClientOf("announcer");
            var newer = good.Message with { Sequence = good.Message.Sequence + 1 };
            (Signed<Offer> Offer, string Code)[] cases =
            [
                (good with { Message = good.Message with { InputPrice = Amount.Zero, CachedPrice = Amount.Zero } },
                    "offer_signer"),
                (Signed.Sign(newer, market.Keys.Stranger, domain), "offer_signer"),
                (Signed.Sign(newer, market.Keys.Node, domain with { ChainId = 1 }), "offer_signer"),
                (Signed.Sign(newer with { Endpoint = "https://elsewhere.example" }, market.Keys.Node, domain),
                    "offer_endpoint"),
                (Signed.Sign(newer with { Payout = market.Keys.Stranger.Address }, market.Keys.Node, domain),
                    "offer_payout"),
                (Signed.Sign(newer with { Escrow = market.Keys.Stranger.Address }, market.Keys.Node, domain),
                    "offer_escrow"),
                (Signed.Sign(newer with { Currency = market.Keys.Stranger.Address }, market.Keys.Node, domain),
                    "offer_currency"),
                (Signed.Sign(newer with { Provider = market.Keys.Stranger.Address }, market.Keys.Node, domain),
                    "provider_unknown"),
                (Signed.Sign(newer with { Expiry = newer.IssuedAt + 1 }, market.Keys.Node, domain), "offer_expired"),
                (Signed.Sign(newer with { Expiry = newer.IssuedAt + 901 }, market.Keys.Node, domain), "offer_too_long"),
                (Signed.Sign(good.Message with { Region = "moon" }, market.Keys.Node, domain), "offer_equivocal"),
            ];

            foreach (var (offer, code) in cases)
            {
                var reply = (await client.AnnounceAsync(Indexer, [offer], CancellationToken.None)).Value;
                Assert.Equal((0, code), (reply.Accepted, Assert.Single(reply.Refused).Code));
            }

            Assert.Equal(1, (await client.AnnounceAsync(
                Indexer, [Signed.Sign(newer, market.Keys.Node, domain)], CancellationToken.None)).Value.Accepted);
            var replayed = (await client.AnnounceAsync(Indexer, [good], CancellationToken.None)).Value;
            Assert.Equal("offer_superseded", replayed.Refused[0].Code);
            Assert.Equal(newer.Sequence, Assert.Single(market.Indexer.Book.All).Offer.Sequence);
        });

    [Fact]
    public void Heartbeats_follow_the_provider_and_stop_with_it() => MarketHarness.Run(Options, async market =>
    {
        await market.WaitAsync(25);
        var offer = await new Buyer(market).OfferAsync();
        var beat = Assert.Single((await market.ClientOf("reader").GetHeartbeatsAsync(Indexer, CancellationToken.None))
            .Value.Heartbeats);
        Assert.True(Heartbeat.IsLive(offer.Message.HeartbeatAnchor, offer.Message.IssuedAt, beat.Value, market.Now));

        await market.CrashProviderAsync();
        await market.WaitAsync(45);

        beat = Assert.Single((await market.ClientOf("reader").GetHeartbeatsAsync(Indexer, CancellationToken.None))
            .Value.Heartbeats);
        Assert.False(Heartbeat.IsLive(offer.Message.HeartbeatAnchor, offer.Message.IssuedAt, beat.Value, market.Now));
        await market.WaitAsync(600);
        Assert.Empty(market.Indexer.Book.All);
        Assert.Empty(market.Indexer.Heartbeats);
    });

    [Fact]
    public void A_provider_that_left_the_registry_is_dropped() => MarketHarness.Run(Options, async market =>
    {
        Assert.True((await market.Chain.Account(market.Keys.ProviderOwner).SubmitAsync(
            new Leave(), CancellationToken.None)).IsOk);
        await market.WaitAsync(60);
        Assert.Single(market.Indexer.Book.All);

        await market.WaitAsync(600);

        Assert.Empty(market.Indexer.Book.All);
    });

    [Fact]
    public void Offers_are_renewed_before_they_expire() => MarketHarness.Run(Options, async market =>
    {
        await market.WaitAsync(1_500);

        var offer = Assert.Single(market.Indexer.Book.All).Offer;
        Assert.True(offer.Sequence >= 5);
        Assert.True(offer.Expiry > market.Now);
        Assert.Equal(1, market.Gateway.Offers);
    });

    [Fact]
    public void A_flood_of_announcements_is_cut_off_and_holds_up_nobody_else() =>
        MarketHarness.Run(Options, async market =>
    {
        List<int> statuses = [];
        for (var i = 0; i < 125; i++)
        {
            await using var reply = await market.Network.ClientFor("flood").SendAsync(
                Indexer, WireRequest.Json("POST", NodePaths.Offers, "{\"offers\":[]}"u8.ToArray()),
                    CancellationToken.None);
            statuses.Add(reply.Status);
        }

        Assert.Equal(120, statuses.Count(status => status == 200));
        Assert.Equal(5, statuses.Count(status => status == 429));
        // Another peer is not held up.
        Assert.True((await market.ClientOf("other").AnnounceAsync(Indexer, [], CancellationToken.None)).IsOk);
    });

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"offers\":7}")]
    [InlineData("{\"offers\":[{\"message\":{}}]}")]
    public void A_malformed_announcement_is_refused(string body) => MarketHarness.Run(Options, async market =>
    {
        await using var reply = await market.Network.ClientFor("anyone").SendAsync(
            Indexer, WireRequest.Json("POST", NodePaths.Offers, System.Text.Encoding.UTF8.GetBytes(body)),
            CancellationToken.None);

        Assert.Equal(400, reply.Status);
    });
}
