using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Front;

/// <summary>Counting by usage: both sides count one for each event with output, and raise by it.</summary>
public sealed class UsageCountingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_of_many_slices_comes_whole_and_is_billed_by_its_receipt(bool isStreamed) => MarketHarness.Run(
        new MarketOptions { Counting = CountingKinds.Usage, SliceTokens = 16 }, async market =>
        {
            market.Engine.IsEndless = true;
            var reply = await market.App.ChatAsync(body => (body["max_tokens"], body["stream"]) = (100, isStreamed));

            Assert.True(reply.Status == 200, reply.Text);
            Assert.Equal("length", reply.FinishReason());
            Assert.Equal(100, reply.Content().Length);
            Assert.Equal(new Amount(28 + (100 * 6)), market.Account.Spent);

            // Nothing was disputed: the same channels go on.
            Assert.Equal(200, (await market.App.ChatAsync(body => body["max_tokens"] = 20)).Status);
        });
}
