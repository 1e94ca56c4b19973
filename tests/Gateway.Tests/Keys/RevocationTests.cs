using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Keys;

/// <summary>A revoked key buys nothing more: not the next request, and not the rest of an answer.</summary>
public sealed class RevocationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_running_answer_ends_with_what_was_delivered_and_its_receipt_is_booked(bool isStreamed) =>
        MarketHarness.Run(async market =>
        {
            market.Engine.IsEndless = true;
            var answering = market.App.ChatAsync(body => (body["stream"], body["max_tokens"]) = (isStreamed, 400));
            await market.UntilAsync(() => market.Engine.Generated >= 50, "it has begun");

            var revoked = await market.OwnerAsync("DELETE", $"keys/{market.Key.Hash}");
            var generated = market.Engine.Generated;
            var reply = await answering;

            Assert.Equal(200, revoked.Status);
            Assert.InRange(market.Engine.Generated, generated, generated + 10);
            if (isStreamed)
            {
                Assert.Equal("api_key_revoked", (string?)reply.Chunks[^1]["error"]!["code"]);
                Assert.DoesNotContain("[DONE]", reply.Events);
            }
            else
            {
                Assert.Equal((401, "api_key_revoked"), (reply.Status, reply.ErrorCode));
            }

            Assert.Equal((401, "api_key_revoked"), await StatusAsync(market));
            Assert.Empty(market.Gateway.Book.Outstanding);
            Assert.Empty(market.Gateway.Book.Reservations);
            // 28 for the prompt and 6 a token, as the provider's own book has it.
            var charged = (await market.ProviderBookAsync()).Channels.Values
                .Aggregate(Amount.Zero, (sum, channel) => sum + channel.Base);
            Assert.Equal(charged, market.Account.Spent);
            Assert.InRange((ulong)charged.Units, 28 + (50 * 6UL), 28 + (80 * 6UL));
        });

    [Fact]
    public void A_request_that_still_waits_for_a_channel_is_refused_at_once() => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false, WarmChannels = 0, Confirmations = 200 }, async market =>
        {
            await market.UntilAsync(() => market.Gateway.Offers > 0, "the offer is known", 600);
            var waiting = market.App.ChatAsync();
            await market.WaitAsync(1);
            Assert.False(waiting.IsCompleted);

            await market.OwnerAsync("DELETE", $"keys/{market.Key.Hash}");
            await market.WaitAsync(0.2);

            Assert.True(waiting.IsCompleted);
            Assert.Equal((401, "api_key_revoked"), ((await waiting).Status, (await waiting).ErrorCode));
            Assert.Equal(Amount.Zero, market.Account.Spent);
        });

    [Fact]
    public void Other_keys_answers_go_on() => MarketHarness.Run(async market =>
    {
        var (key, app) = await market.KeyAsync(KeyLimits.None);
        market.Engine.Tokens = 100;
        var ends = market.App.ChatAsync(body => body["stream"] = true);
        var goesOn = app.ChatAsync(body => body["stream"] = true);
        await market.UntilAsync(() => market.Engine.Generated >= 60, "both have begun");

        await market.OwnerAsync("DELETE", $"keys/{market.Key.Hash}");

        Assert.Contains("api_key_revoked", (await ends).Text, StringComparison.Ordinal);
        Assert.Equal(("[DONE]", "stop"), ((await goesOn).Events[^1], (await goesOn).FinishReason()));
        Assert.Equal(new Amount(28 + 600), market.Gateway.Book.ApiKeys[key.Hash].Spent);
    });

    [Fact]
    public void Revoked_and_expired_keys_stay_so_after_a_restart() => MarketHarness.Run(async market =>
    {
        var (_, expiring) = await market.KeyAsync(KeyLimits.None, expiresAtMs: (market.Now + 30) * 1000);
        Assert.Equal(200, (await expiring.ChatAsync()).Status);
        await market.OwnerAsync("DELETE", $"keys/{market.Key.Hash}");
        await market.CrashGatewayAsync();
        await market.StartGatewayAsync();
        await market.WaitAsync(30);

        Assert.Equal((401, "api_key_revoked"), await StatusAsync(market));
        Assert.Equal("api_key_expired", (await expiring.ChatAsync()).ErrorCode);
    });

    private static async Task<(int Status, string? Code)> StatusAsync(MarketHarness market)
    {
        var reply = await market.App.ChatAsync();
        return (reply.Status, reply.ErrorCode);
    }
}
