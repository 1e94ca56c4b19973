using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>Providers that lie about channels.</summary>
public sealed class LyingOpeningsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_forged_acceptance_opens_no_channel(bool isByStranger) => HostileMarket.Run(
        new MarketOptions { AwaitsChannels = false }, async (market, meddler) =>
        {
            meddler.Instead = async (request, response, aborted) =>
            {
                if (request.Path != NodePaths.Channels)
                {
                    return false;
                }

                var opening = ChannelOpening.Parse(request.Body).Value;
                var id = isByStranger ? opening.Config.Id(market.Chain.Network.EscrowDomain) : Sha.Hash("another"u8);
                var key = isByStranger ? market.Keys.Stranger : market.Keys.Node;
                var forged = Signed.Sign(
                    new Acceptance(id, Amount.Zero, 0, Sha.Hash("anchor"u8), market.Now), key,
                    market.Chain.Network.SoukDomain);
                await response.SendJsonAsync(200, SoukJson.Serialize(forged), aborted);
                return true;
            };

            await market.WaitAsync(5);
            var reply = await market.App.ChatAsync();

            Assert.Equal((503, "no_channel"), (reply.Status, reply.ErrorCode));
            Assert.Empty(market.Gateway.Book.Channels);
            Assert.Contains("acceptance", (string)reply.Json["error"]!["message"]!, StringComparison.Ordinal);
        });

    [Fact]
    public void An_acceptance_without_a_deposit_opens_no_channel() => HostileMarket.Run(
        new MarketOptions { AwaitsChannels = false }, async (market, meddler) =>
        {
            meddler.Instead = async (request, response, aborted) =>
            {
                if (request.Path != NodePaths.Channels)
                {
                    return false;
                }

                var opening = ChannelOpening.Parse(request.Body).Value;
                var acceptance = Signed.Sign(
                    new Acceptance(
                        opening.Config.Id(market.Chain.Network.EscrowDomain), Amount.Zero, 0, Sha.Hash("anchor"u8),
                        market.Now),
                    market.Keys.Node, market.Chain.Network.SoukDomain);
                await response.SendJsonAsync(200, SoukJson.Serialize(acceptance), aborted);
                return true;
            };

            await market.WaitAsync(5);
            var reply = await market.App.ChatAsync();

            Assert.Equal((503, "no_channel"), (reply.Status, reply.ErrorCode));
            Assert.Empty(market.Gateway.Book.Channels);
        });

    [Fact]
    public void A_deposit_whose_answer_was_lost_becomes_a_channel_all_the_same() => HostileMarket.Run(
        new MarketOptions { WarmChannels = 1, AwaitsChannels = false }, async (market, meddler) =>
        {
            meddler.Instead = async (request, response, aborted) =>
            {
                if (request.Path != NodePaths.Channels)
                {
                    return false;
                }

                meddler.Instead = null;
                await meddler.HandleAsync(request, new Deaf(), aborted);
                throw new IOException("The answer was lost.");
            };

            await market.UntilAsync(() => market.Gateway.IdleChannels == 1, "there is a channel");

            Assert.Equal(
                market.Options.VaultFunds - market.Options.ChannelDeposit, market.Chain.BalanceOf(market.Vault));
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        });

    private sealed class Deaf : IWireResponse
    {
        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation) => default;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => default;
    }
}
