using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>A provider that remembers a channel otherwise than the gateway does: the channel is never used
/// again.</summary>
public sealed class OutOfStepTests
{
    [Theory]
    [InlineData("channel_unknown")]
    [InlineData("channel_unaccepted")]
    [InlineData("index_spent")]
    [InlineData("voucher_lower")]
    [InlineData("voucher_signer_mismatch")]
    [InlineData("channel_mismatch")]
    public void A_channel_that_both_sides_remember_differently_is_disputed(string code) =>
        HostileMarket.Run(async (market, meddler) =>
        {
            meddler.Instead = Refuse(code);
            var before = await MoneySeen.OfAsync(market);

            var reply = await market.App.ChatAsync();

            Assert.NotEqual(200, reply.Status);
            await market.ExpectDisputeAsync(before);
            meddler.Instead = null;
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        });

    [Theory]
    [InlineData("engine_busy")]
    [InlineData("head_too_old")]
    [InlineData("exposure_reached")]
    public void Any_other_refusal_costs_nothing_and_leaves_the_channel_in_use(string code) =>
        HostileMarket.Run(async (market, meddler) =>
        {
            meddler.Instead = Refuse(code);

            var reply = await market.App.ChatAsync();

            Assert.NotEqual(200, reply.Status);
            Assert.All(market.Gateway.Book.Channels.Values, channel =>
                Assert.Equal(CustomerChannelState.Idle, channel.State));
            Assert.Equal((Amount.Zero, Amount.Zero), (market.Account.Spent, market.Account.Reserved));
        });

    private static Func<WireRequest, IWireResponse, CancellationToken, Task<bool>> Refuse(string code) =>
        async (request, response, aborted) =>
        {
            if (request.Path != NodePaths.ChatCompletions)
            {
                return false;
            }

            await response.SendErrorAsync(new WireError(409, code, "The books differ.", Fault.Theirs), aborted);
            return true;
        };
}
