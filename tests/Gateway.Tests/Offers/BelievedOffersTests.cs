using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Offers;

/// <summary>Indexers find offers; the gateway believes only signatures and the chain.</summary>
public sealed class BelievedOffersTests
{
    [Fact]
    public void A_forged_price_is_not_believed() => Disbelieves((_, signed) =>
        signed with { Message = signed.Message with { OutputPrice = Amount.Zero } });

    [Fact]
    public void An_offer_by_another_key_is_not_believed() => Disbelieves((market, signed) =>
        Signed.Sign(signed.Message, market.Keys.Stranger, market.Chain.Network.SoukDomain));

    [Fact]
    public void An_offer_for_another_chain_is_not_believed() => Disbelieves((market, signed) =>
        Signed.Sign(signed.Message, market.Keys.Node, market.Chain.Network.SoukDomain with { ChainId = 1 }));

    [Fact]
    public void Another_endpoint_than_the_registered_one_is_not_believed() => Disbelieves((market, signed) =>
        Signed.Sign(
            signed.Message with { Endpoint = "https://elsewhere.example:7443" }, market.Keys.Node,
            market.Chain.Network.SoukDomain));

    [Fact]
    public void Another_payout_than_the_registered_one_is_not_believed() => Disbelieves((market, signed) =>
        Signed.Sign(
            signed.Message with { Payout = market.Keys.Stranger.Address }, market.Keys.Node,
            market.Chain.Network.SoukDomain));

    [Fact]
    public void A_provider_that_never_registered_is_not_believed() => Disbelieves((market, signed) =>
        Signed.Sign(
            signed.Message with { Provider = market.Keys.Stranger.Address }, market.Keys.Node,
            market.Chain.Network.SoukDomain));

    [Fact]
    public void An_older_offer_does_not_come_back() => Run(async (market, altered) =>
    {
        var old = Assert.Single(altered.Seen);
        await market.Provider.WithdrawOffersAsync(CancellationToken.None);
        await market.WaitAsync(7);
        altered.Change = (_, _) => old;
        await market.WaitAsync(7);

        var reply = await market.App.ChatAsync();

        Assert.Equal(503, reply.Status);
    });

    [Fact]
    public void A_silent_heartbeat_takes_an_offer_off_the_market_and_a_new_one_brings_it_back() =>
        Run(async (market, altered) =>
    {
        altered.DropsBeats = true;
        await market.WaitAsync(45);
        Assert.Equal((503, "no_provider_available"), await AskAsync(market));

        altered.DropsBeats = false;
        await market.WaitAsync(8);
        Assert.Equal(200, (await AskAsync(market)).Status);
    });

    [Fact]
    public void A_slow_indexer_does_not_stop_the_market() => Run(async (market, altered) =>
    {
        altered.IsStalled = true;
        await market.WaitAsync(20);
        Assert.Equal(200, (await AskAsync(market)).Status);
        altered.IsStalled = false;
        await market.WaitAsync(20);
        Assert.Equal(200, (await AskAsync(market)).Status);
    });

    private static async Task<(int Status, string? Code)> AskAsync(MarketHarness market)
    {
        var reply = await market.App.ChatAsync();
        return (reply.Status, reply.Status == 200 ? null : reply.ErrorCode);
    }

    private static void Disbelieves(Func<MarketHarness, Signed<Offer>, Signed<Offer>> forge)
    {
        AlteredIndexer? altered = null;
        MarketHarness.Run(
            new MarketOptions
            {
                AwaitsChannels = false,
                Indexer = inner => altered = new AlteredIndexer(inner) { Change = (_, signed) => signed },
            },
            async market =>
            {
                altered!.Change = (_, signed) => forge(market, signed);
                await market.WaitAsync(12);

                Assert.NotEmpty(altered.Seen);
                Assert.Equal(0, market.Gateway.Offers);
                Assert.Equal((503, "no_provider_available"), await AskAsync(market));
                altered.Change = (_, signed) => signed;
                await market.UntilAsync(() => market.Gateway.IdleChannels > 0, "the true offer is believed");
            });
    }

    private static void Run(Func<MarketHarness, AlteredIndexer, Task> scenario)
    {
        AlteredIndexer? altered = null;
        MarketHarness.Run(
            new MarketOptions { Indexer = inner => altered = new AlteredIndexer(inner) },
            market => scenario(market, altered!));
    }

    /// <summary>An indexer that changes what it passes on.</summary>
    private sealed class AlteredIndexer(IWireHandler inner) : IWireHandler
    {
        public Func<WireRequest, Signed<Offer>, Signed<Offer>>? Change { get; set; }

        public bool DropsBeats { get; set; }

        public bool IsStalled { get; set; }

        public List<Signed<Offer>> Seen { get; } = [];

        public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
        {
            if (request.Method != "GET")
            {
                await inner.HandleAsync(request, response, aborted);
                return;
            }

            if (IsStalled)
            {
                var gone = new TaskCompletionSource();
                await using var registration = aborted.Register(() => gone.TrySetResult());
                await gone.Task;
                throw new OperationCanceledException(aborted);
            }

            var kept = new Kept();
            await inner.HandleAsync(request, kept, aborted);
            var body = kept.Body;
            if (request.Path == NodePaths.Offers)
            {
                var list = OfferList.Parse(body).Value;
                Seen.AddRange(list.Offers.Where(offer => !Seen.Contains(offer)));
                body = new OfferList(
                    [.. list.Offers.Select(offer => Change?.Invoke(request, offer) ?? offer)]).ToJson();
            }
            else if (DropsBeats)
            {
                body = new HeartbeatList([]).ToJson();
            }

            await response.SendJsonAsync(200, body, aborted);
        }
    }

    private sealed class Kept : IWireResponse
    {
        public ReadOnlyMemory<byte> Body { get; private set; }

        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation) => default;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
        {
            Body = data.ToArray();
            return default;
        }
    }
}
