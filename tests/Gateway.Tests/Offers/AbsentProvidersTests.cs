using Souk.Protocol;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Offers;

/// <summary>An indexer may list providers that were never registered; each costs the chain a read now and
/// then.</summary>
public sealed class AbsentProvidersTests
{
    [Fact]
    public void A_provider_that_does_not_exist_is_looked_up_every_two_minutes_and_no_more()
    {
        Liar? liar = null;
        List<IReadOnlyList<Address>> reads = [];
        MarketHarness.Run(
            new MarketOptions
            {
                Indexer = inner => liar = new Liar(inner),
                GatewayChain = inner => new WatchedChain(inner)
                {
                    OnProviders = asked =>
                    {
                        reads.Add(asked);
                        return Task.CompletedTask;
                    },
                },
            },
            async market =>
            {
                var stranger = market.Keys.Stranger;
                liar!.Invented = offer => Signed.Sign(
                    offer with { Provider = stranger.Address }, stranger, market.Chain.Network.SoukDomain);
                reads.Clear();

                await market.WaitAsync(100);
                Assert.Single(reads, asked => asked.Contains(stranger.Address));
                await market.WaitAsync(500);
                Assert.InRange(reads.Count(asked => asked.Contains(stranger.Address)), 4, 6);

                // Others are not held up by it, and are read again as they may have changed.
                Assert.InRange(reads.Count(asked => asked.Contains(market.Keys.ProviderOwner.Address)), 15, 21);
                Assert.Equal(200, (await market.App.ChatAsync()).Status);
            });
    }

    [Fact]
    public void A_flood_of_providers_that_do_not_exist_is_looked_up_a_part_at_a_time()
    {
        Liar? liar = null;
        List<IReadOnlyList<Address>> reads = [];
        MarketHarness.Run(
            new MarketOptions
            {
                Indexer = inner => liar = new Liar(inner),
                GatewayChain = inner => new WatchedChain(inner)
                {
                    OnProviders = asked =>
                    {
                        reads.Add(asked);
                        return Task.CompletedTask;
                    },
                },
            },
            async market =>
            {
                var stranger = market.Keys.Stranger;
                var number = 0;
                liar!.Copies = 250;
                liar.Invented = offer => Signed.Sign(
                    offer with { Provider = Numbered(number = (number + 1) % 250) }, stranger,
                    market.Chain.Network.SoukDomain);
                reads.Clear();

                await market.WaitAsync(60);

                Assert.True(reads.TrueForAll(asked => asked.Count <= 201), "Too many were asked for at once.");
                Assert.Equal(250, reads.SelectMany(asked => asked)
                    .Count(asked => asked != market.Keys.ProviderOwner.Address));
                Assert.Equal(200, (await market.App.ChatAsync()).Status);
            });
    }

    private static Address Numbered(int number)
    {
        var bytes = new byte[20];
        (bytes[0], bytes[18], bytes[19]) = (0xAB, (byte)(number >> 8), (byte)number);
        return Address.FromBytes(bytes);
    }

    /// <summary>An indexer that lists offers of its own invention beside the true ones.</summary>
    private sealed class Liar(IWireHandler inner) : IWireHandler
    {
        public Func<Offer, Signed<Offer>>? Invented { get; set; }

        public int Copies { get; set; } = 1;

        public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
        {
            if (Invented is not { } invent || request.Method != "GET" || request.Path != NodePaths.Offers)
            {
                await inner.HandleAsync(request, response, aborted);
                return;
            }

            var kept = new Kept();
            await inner.HandleAsync(request, kept, aborted);
            var offers = OfferList.Parse(kept.Body).Value.Offers;
            var invented = Enumerable.Range(0, Copies).Select(_ => invent(offers[0].Message));
            await response.SendJsonAsync(200, new OfferList([.. offers, .. invented]).ToJson(), aborted);
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
