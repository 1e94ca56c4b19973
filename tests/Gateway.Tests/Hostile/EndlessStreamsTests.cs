using System.Text.Json;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>Streams that bring more than their tokens can hold, or never end.</summary>
public sealed class EndlessStreamsTests
{
    public static TheoryData<string> Bloats => ["content", "reasoning", "tool_calls"];

    [Theory]
    [MemberData(nameof(Bloats))]
    public void Text_without_tokens_is_cut(string kind) => HostileMarket.Run(async (market, meddler) =>
    {
        // Four kilobytes without a token are let pass, a megabyte is not.
        var told = 0;
        meddler.OnEvent = text => text.Contains("token_ids", StringComparison.Ordinal)
            ? [text, .. Enumerable.Repeat(Event(kind, 8 << 10), 128).Select(Told)]
            : [text];
        market.Engine.Tokens = 40;

        var reply = await market.App.ChatAsync(body => body["stream"] = true);

        Assert.Equal("output_too_long", (string?)reply.Chunks[^1]["error"]!["code"]);
        Assert.True(told <= 128, $"{told} events were read.");
        await ExpectSettledAsync(market);

        string Told(string text)
        {
            told++;
            return text;
        }
    });

    [Fact]
    public void Long_tokens_within_their_bounds_pass() => HostileMarket.Run(
        new MarketOptions { Counting = CountingKinds.Usage }, async (market, meddler) =>
        {
            var isFirst = true;
            meddler.OnEvent = text =>
            {
                var more = isFirst && text.Contains("\"content\":\"", StringComparison.Ordinal);
                isFirst &= !more;
                return more ? [text, Event("content", 10 << 10)] : [text];
            };

            var reply = await market.App.ChatAsync(body => (body["stream"], body["max_tokens"]) = (true, 100));

            Assert.Equal("stop", reply.FinishReason());
            Assert.InRange(reply.Content().Length, 10 << 10, 11 << 10);
        });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_answer_that_never_ends_is_cut_at_the_longest_time(bool isStreamed) => HostileMarket.Run(
        new MarketOptions { LongestAnswer = TimeSpan.FromSeconds(50) }, async (market, meddler) =>
        {
            // Comments keep the connection alive after the true answer, whose receipt is withheld.
            meddler.Instead = async (request, response, aborted) =>
            {
                if (request.Path != NodePaths.ChatCompletions)
                {
                    return false;
                }

                meddler.Instead = null;
                await meddler.HandleAsync(request, new Endless(response), aborted);
                while (true)
                {
                    await Task.Delay(TimeSpan.FromSeconds(20), market.Time, aborted);
                    await response.WriteAsync(": still here\n\n"u8.ToArray(), aborted);
                }
            };
            var start = market.Time.GetUtcNow();

            var reply = await market.App.ChatAsync(body => body["stream"] = isStreamed);

            Assert.InRange((market.Time.GetUtcNow() - start).TotalSeconds, 50, 56);
            await ExpectSettledAsync(market);
            Assert.Equal(new Amount(100), market.Account.Spent);
            if (isStreamed)
            {
                Assert.Equal("receipt_late", (string?)reply.Chunks[^1]["error"]!["code"]);
            }
            else
            {
                Assert.Equal((200, 11), (reply.Status, reply.Content().Length));
                Assert.Equal("0.0001", reply.Json["usage"]!["cost"]!.ToJsonString());
            }
        });

    [Fact]
    public void An_answer_that_never_begins_is_cut_at_the_longest_time_too() => HostileMarket.Run(
        new MarketOptions { LongestAnswer = TimeSpan.FromSeconds(20) }, async (market, meddler) =>
        {
            meddler.Instead = async (request, _, aborted) =>
            {
                if (request.Path != NodePaths.ChatCompletions)
                {
                    return false;
                }

                await Task.Delay(Timeout.InfiniteTimeSpan, market.Time, aborted);
                return true;
            };

            var reply = await market.App.ChatAsync();

            Assert.Equal((502, "receipt_late"), (reply.Status, reply.ErrorCode));
            Assert.Equal((Amount.Zero, Amount.Zero), (market.Account.Spent, market.Account.Reserved));
            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the request is given up");
        });

    private static string Event(string kind, int bytes)
    {
        var much = new string('x', bytes);
        object delta = kind switch
        {
            "content" => new { content = much },
            "reasoning" => new { reasoning_content = much },
            _ => new { tool_calls = new[] { new { index = 0, function = new { arguments = much } } } },
        };
        return "data: " + JsonSerializer.Serialize(new { choices = new[] { new { index = 0, delta } } });
    }

    private static async Task ExpectSettledAsync(MarketHarness market)
    {
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal((Amount.Zero, money.ProviderBase), (money.Reserved, money.CustomerBase));
        Assert.True(money.Spent > Amount.Zero);
        Assert.Equal(money.CustomerBase, money.Spent);
        Assert.Equal(0, market.Engine.Running);
    }

    private sealed class Endless(IWireResponse response) : IWireResponse
    {
        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation) =>
            response.StartAsync(status, headers, cancellation);

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
            data.Span.StartsWith(": souk-receipt"u8) || data.Span.StartsWith("data: [DONE]"u8)
                ? default
                : response.WriteAsync(data, cancellation);
    }
}
