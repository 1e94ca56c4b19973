using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Front;

/// <summary>What a channel pays for while its deposit has few confirmations.</summary>
public sealed class FreshChannelsTests
{
    [Fact]
    public void A_long_answer_goes_on_when_the_deposit_is_confirmed() => MarketHarness.Run(
        new MarketOptions { Confirmations = 4 }, async market =>
        {
            market.Engine.Tokens = 300;
            var start = market.Time.GetUtcNow();

            var reply = await market.App.ChatAsync();

            Assert.Equal((200, "stop"), (reply.Status, reply.FinishReason()));
            Assert.InRange((market.Time.GetUtcNow() - start).TotalSeconds, 5, 12);
        });

    [Fact]
    public void A_channel_whose_credit_is_used_up_rests_and_another_serves() => MarketHarness.Run(
        new MarketOptions { Confirmations = 6, WarmChannels = 2 }, async market =>
        {
            market.Engine.Tokens = 60;
            for (var i = 0; i < 4; i++)
            {
                var reply = await market.App.ChatAsync(body => body["max_tokens"] = 60);
                Assert.True(reply.Status == 200, reply.Text);
            }
        });
}
