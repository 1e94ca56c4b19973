using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Front;

/// <summary>Exposure is capped when a request begins and at every raise. A prompt costs 28, a token 6, and a slice is
/// 16 tokens: the first voucher covers 124, and with 9 received the next covers 178.</summary>
public sealed class ExposureTests
{
    [Fact]
    public void An_answer_ends_at_the_covered_token_where_a_raise_would_put_too_much_at_risk() => MarketHarness.Run(
        new MarketOptions { MostAtRisk = new(219) }, async market =>
        {
            market.Engine.IsEndless = true;
            var most = Amount.Zero;
            var asking = market.App.ChatAsync(body => (body["stream"], body["max_tokens"]) = (true, 60));
            while (!asking.IsCompleted)
            {
                most = Amount.Max(most, market.Gateway.Book.Exposure);
                await market.WaitAsync(0.01);
            }

            var reply = await asking;

            Assert.Equal(("length", "[DONE]"), (reply.FinishReason(), reply.Events[^1]));
            // What was covered, and not a token of what was not: 28 and so many times 6 fit into the last ceiling.
            var spent = (ulong)market.Account.Spent.Units;
            Assert.Equal(0UL, (spent - 28) % 6);
            Assert.InRange(spent, 172UL, 219UL);
            Assert.InRange((ulong)most.Units, spent, 219UL);
            Assert.True((spent - 28) / 6 < 60);
            // Explained by its receipt, it is no risk any more, and the next request begins.
            Assert.Equal(200, (await market.App.ChatAsync(body => body["max_tokens"] = 12)).Status);
        });

    [Fact]
    public void A_raise_that_was_too_much_is_tried_again_while_covered_tokens_arrive() => MarketHarness.Run(
        new MarketOptions { MostAtRisk = new(250) }, async market =>
        {
            market.Engine.IsEndless = true;
            // They begin with 88 and 124, and the first raise would add 54, until the short one's receipt makes room.
            var other = market.App.ChatAsync(body => body["max_tokens"] = 10);
            var reply = await market.App.ChatAsync(body => body["max_tokens"] = 30);

            Assert.Equal(200, (await other).Status);
            Assert.Equal(("length", 30), (reply.FinishReason(), (int)reply.Json["usage"]!["completion_tokens"]!));
        });

    [Fact]
    public void A_request_that_would_put_too_much_at_risk_waits_its_turn() => MarketHarness.Run(
        new MarketOptions { MostAtRisk = new(123) }, async market =>
        {
            var reply = await market.App.ChatAsync();

            Assert.Equal((503, "peer_exposure"), (reply.Status, reply.ErrorCode));
            Assert.Equal(Amount.Zero, market.Gateway.Book.Exposure);
        });

    [Fact]
    public void The_provider_declines_a_raise_beyond_its_own_cap_and_ends_at_the_covered_token() =>
        MarketHarness.Run(async market =>
        {
            await market.CrashProviderAsync();
            await market.StartProviderAsync(draft => draft.MostUnclaimed = new(200));
            await market.UntilAsync(() => market.Gateway.Offers > 0, "the offer is known again");
            market.Engine.IsEndless = true;

            var reply = await market.App.ChatAsync(body => body["max_tokens"] = 60);

            Assert.Equal(("length", 25), (reply.FinishReason(), (int)reply.Json["usage"]!["completion_tokens"]!));
            Assert.Equal(new Amount(178), market.Account.Spent);
            Assert.Equal(new Amount(178), market.Provider.Status.Exposure);
            Assert.Equal(0, market.Gateway.Book.Channels.Values.Count(
                channel => channel.State == Ledger.Customer.CustomerChannelState.Frozen));
            // Until a claim is mined there is no room for another answer.
            Assert.Equal((503, "exposure_reached"), await AskAsync(market));
            await market.Provider.ClaimNowAsync(CancellationToken.None);
            await market.WaitAsync(20);
            Assert.Equal(200, (await AskAsync(market)).Status);
        });

    private static async Task<(int Status, string? Code)> AskAsync(MarketHarness market)
    {
        var reply = await market.App.ChatAsync(body => body["max_tokens"] = 12);
        return (reply.Status, reply.Json["error"] is null ? null : reply.ErrorCode);
    }
}
