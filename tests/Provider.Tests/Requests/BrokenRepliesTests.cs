using System.Text;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Provider.Requests;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Requests;

/// <summary>Replies that fail on this side of the wire, and requests that must cost nothing.</summary>
public sealed class BrokenRepliesTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_reply_whose_start_fails_still_carries_its_receipt() => MarketHarness.Run(
        Options with { Provider = inner => new FirstStartFails(inner) }, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();

            var bought = await buyer.BuyAsync(channel);

            var receipt = bought.Receipt!.Message;
            Assert.NotEqual(200, bought.Reply.Status);
            Assert.Equal(("cancelled", 0UL), (receipt.FinishReason, receipt.OutputTokens));
            Assert.Equal(buyer.Cost(buyer.Body(), 0), receipt.Charge);
            Assert.Equal((await market.ProviderBookAsync()).Channels[channel.Id].Base, channel.Base);
            // Both sides agree about the base, so the channel goes on.
            Assert.Equal("stop", (await buyer.BuyAsync(channel)).Receipt!.Message.FinishReason);
        });

    [Fact]
    public void A_body_is_not_even_read_for_whoever_cannot_pay() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var broken = Encoding.UTF8.GetBytes("{ no chat request");
        var good = await buyer.NextAsync(channel, buyer.Body(), 64);
        var forged = good with
        {
            Voucher = Voucher.Sign(
                market.Keys.Stranger, market.Chain.Network.EscrowDomain, channel.Id, good.Voucher.MaxClaimable),
        };

        Assert.Equal("voucher_signer_mismatch", (await buyer.SendAsync(forged, broken)).Code);
        Assert.Equal(
            "channel_unknown",
            (await buyer.SendAsync(good with { Channel = good.Channel with { Salt = Bytes32.Zero } }, broken)).Code);
        Assert.Equal("invalid_request", (await buyer.SendAsync(good, broken)).Code);
    });

    [Fact]
    public void An_answer_that_has_ended_can_be_cancelled() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var paid = await buyer.NextAsync(channel, body, 64);
        var offer = (await buyer.OfferAsync()).Message;
        var chat = ChatRequest.Parse(body).Value;
        var admitted = new Admitted(
            paid, channel.Id, offer, new ModelForSale(market.Engine, market.Options.Prices), chat, body, null,
                Bytes32.Zero,
            Bytes32.Zero, "app seed", SamplingKey.FromSeed(1), RequestSampling.Of(chat), Amount.Zero, 64, 0);
        var cover = new CoverGate(offer.Prices, Amount.Zero, new(1_000), 14, TimeSpan.FromSeconds(10), market.Time);
        var run = new PaidRun(admitted, cover, new NoResponse(), market.Time);
        run.Dispose();

        run.Cancel();

        Assert.False(await cover.CoversAsync(1_000, CancellationToken.None));
    });

    /// <summary>The first reply's start does not get through; the connection takes a later one.</summary>
    private sealed class FirstStartFails(IWireHandler inner) : IWireHandler
    {
        private bool _hasFailed;

        public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
            inner.HandleAsync(
                request, request.Path == NodePaths.ChatCompletions ? new Failing(this, response) : response, aborted);

        private sealed class Failing(FirstStartFails owner, IWireResponse response) : IWireResponse
        {
            public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
            {
                if (owner._hasFailed)
                {
                    return response.StartAsync(status, headers, cancellation);
                }

                owner._hasFailed = true;
                throw new IOException("The headers could not be sent.");
            }

            public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
                response.WriteAsync(data, cancellation);
        }
    }

    private sealed class NoResponse : IWireResponse
    {
        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation) =>
            throw new InvalidOperationException("Nothing is sent here.");

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
            throw new InvalidOperationException("Nothing is sent here.");
    }
}
