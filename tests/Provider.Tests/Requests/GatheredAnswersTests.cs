using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Requests;

/// <summary>Answers whose customer lets tokens gather: fewer and larger pieces, and otherwise the same answer, bill and
/// bounds.</summary>
public sealed class GatheredAnswersTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void A_short_answer_is_one_event_and_the_same_answer() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var apart = await buyer.BuyAsync(channel, 64, body => body["seed"] = 7);
        var together = await BuyAsync(buyer, channel, 1_000, body => body["seed"] = 7);

        Assert.Equal(12, Events(apart).Count);
        Assert.Equal(12, Assert.Single(Events(together)));
        Assert.Equal(apart.Ids, together.Ids);
        Assert.Equal(Text(apart), Text(together));
        Assert.Equal(apart.Receipt!.Message.Charge, together.Receipt!.Message.Charge);
        Assert.True(together.IsDone);
    });

    [Theory]
    [InlineData(4, 15, 5)]
    [InlineData(1_000_000, 400, 3)]
    public void Tokens_leave_when_one_is_too_many_or_after_a_second(int gather, int tokenMs, int most) =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.TokenTime = TimeSpan.FromMilliseconds(tokenMs);
            market.Engine.Tokens = 24;

            var bought = await BuyAsync(buyer, channel, (ulong)gather);

            Assert.Equal(24, Events(bought).Sum());
            Assert.Equal(most, Events(bought).Max());
        });

    [Fact]
    public void What_is_held_leaves_before_a_pause_so_that_a_raise_can_come() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.Tokens = 30;
        var start = market.Time.GetUtcNow();
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 16) with { Gather = 1_000 };

        var bought = await buyer.SendAsync(request, body, async tokens =>
        {
            if (tokens == 16)
            {
                var raise = new VoucherRaise(buyer.Voucher(channel, buyer.Cost(body, 40)), 16);
                var taken = await buyer.Client.RaiseAsync(
                    market.ProviderTarget, request.Id, raise, CancellationToken.None);
                Assert.True(taken.Value.IsTaken);
            }
        });

        Assert.Equal([16, 14], Events(bought));
        Assert.Equal(("stop", 30UL), (bought.Receipt!.Message.FinishReason, bought.Receipt.Message.OutputTokens));
        Assert.True(market.Time.GetUtcNow() - start < TimeSpan.FromSeconds(5), "It waited until the pause was over.");
    });

    [Fact]
    public void A_cancel_charges_and_sends_what_was_held() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.IsEndless = true;
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 64) with { Gather = 1_000 };

        var sending = buyer.SendAsync(request, body);
        await market.UntilAsync(() => market.Engine.Generated >= 9, "some tokens are held");
        Assert.Null(await buyer.Client.CancelAsync(market.ProviderTarget, request.Id, CancellationToken.None));
        var bought = await sending;

        var receipt = bought.Receipt!.Message;
        Assert.Equal("cancelled", receipt.FinishReason);
        Assert.Equal((ulong)bought.Ids.Count, receipt.OutputTokens);
        Assert.InRange(receipt.OutputTokens, 9UL, 20UL);
        Assert.Equal(Commitments.Output(request.Salt.ToBytes(), [bought.Ids]), receipt.OutputCommitment);
    });

    [Fact]
    public void A_failure_comes_after_what_was_held() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.FailsAfter = 3;

        var bought = await BuyAsync(buyer, channel, 1_000);

        Assert.Equal(3, bought.Ids.Count);
        Assert.Equal(("error", 3UL), (bought.Receipt!.Message.FinishReason, bought.Receipt.Message.OutputTokens));
        Assert.NotNull(bought.Chunks[^1]["error"]);
    });

    [Fact]
    public void A_long_prompt_does_not_hide_that_the_answer_has_begun() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.PrefillTime = TimeSpan.FromSeconds(50);
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 64) with { Gather = 1_000 };
        var start = market.Time.GetUtcNow();

        await using var reply = (await buyer.Client.SendPaidAsync(
            market.ProviderTarget, request, body, CancellationToken.None)).Value;
        var first = await reply.NextAsync(CancellationToken.None);

        Assert.Equal(PaidEventKind.Data, first.Kind);
        Assert.InRange((market.Time.GetUtcNow() - start).TotalSeconds, 1, 2);
        Assert.NotNull(reply.ProviderNonce);
    });

    [Fact]
    public void Choices_gather_apart_and_stop_strings_stay_withheld() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        static void Change(JsonObject body) =>
            (body["n"], body["seed"], body["stop"], body["max_tokens"]) = (2, 5, new JsonArray("e"), 20);

        var apart = await buyer.BuyAsync(channel, 64, Change);
        var together = await BuyAsync(buyer, channel, 1_000, Change);

        for (var choice = 0; choice < 2; choice++)
        {
            Assert.Equal(Text(apart, choice), Text(together, choice));
        }

        Assert.Equal(apart.Receipt!.Message.OutputTokens, together.Receipt!.Message.OutputTokens);
        Assert.Equal(2, Events(together).Count);
    });

    [Fact]
    public void Without_ids_each_event_stays_one_since_the_customer_counts_them() =>
        MarketHarness.Run(Options with { Counting = CountingKinds.Usage }, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();

            var bought = await BuyAsync(buyer, channel, 1_000, covered: 1_000);

            Assert.Equal(11, bought.Chunks.Count(chunk => chunk["choices"]!.AsArray()
                .Any(choice => !string.IsNullOrEmpty((string?)choice!["delta"]?["content"]))));
        });

    private static async Task<Bought> BuyAsync(
        Buyer buyer, BuyerChannel channel, ulong gather, Action<JsonObject>? change = null, ulong covered = 64)
    {
        var body = buyer.Body(change);
        var request = await buyer.NextAsync(channel, body, covered) with { Gather = gather };
        var bought = await buyer.SendAsync(request, body);
        channel.Base = bought.Receipt!.Message.Cumulative;
        return bought;
    }

    /// <summary>Ids of each event that has any.</summary>
    private static List<int> Events(Bought bought) => [.. bought.Chunks
        .SelectMany(chunk => chunk["choices"]?.AsArray() ?? [])
        .Select(choice => choice!["token_ids"]?.AsArray().Count ?? 0).Where(count => count > 0)];

    private static string Text(Bought bought, int index = 0) => string.Concat(bought.Chunks
        .SelectMany(chunk => chunk["choices"]?.AsArray() ?? [])
        .Where(choice => (int)choice!["index"]! == index).Select(choice => (string?)choice!["delta"]!["content"]));
}
