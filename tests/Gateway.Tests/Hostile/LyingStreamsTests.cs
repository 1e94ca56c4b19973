using System.Text;
using System.Text.RegularExpressions;
using Souk.Engines;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>Streams that lie, stall or break off.</summary>
public sealed class LyingStreamsTests
{
    [Fact]
    public void Text_that_is_not_what_the_ids_say_is_refused() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnEvent = text => [text.Replace("\"content\":\"", "\"content\":\"!", StringComparison.Ordinal)];
        var before = await MoneySeen.OfAsync(market);

        var reply = await market.App.ChatAsync();

        Assert.Equal((502, "text_mismatch"), (reply.Status, reply.ErrorCode));
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void Ids_that_the_receipt_does_not_commit_to_are_refused() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnEvent = text =>
            [text.Replace("257]", "256]", StringComparison.Ordinal)];
        var before = await MoneySeen.OfAsync(market);

        Assert.Equal("receipt_output_commitment", (await market.App.ChatAsync()).ErrorCode);
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void More_tokens_than_asked_for_end_the_reading() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnEvent = text => text.Contains("token_ids", StringComparison.Ordinal) ? [text, text, text] : [text];

        var reply = await market.App.ChatAsync(body => (body["stream"], body["max_tokens"]) = (true, 10));

        Assert.Equal("output_too_long", (string?)reply.Chunks[^1]["error"]!["code"]);
        await SettledByReceiptAsync(market);
    });

    [Theory]
    [InlineData("data: {", "malformed_chunk")]
    [InlineData("data: {\"choices\":[{\"index\":7,\"delta\":{\"content\":\"x\"}}]}", "choice_unknown")]
    public void Garbage_ends_the_reading_and_the_receipt_decides(string garbage, string code) =>
        HostileMarket.Run(async (market, meddler) =>
        {
            var events = 0;
            meddler.OnEvent = text => events++ == 6 ? [garbage] : [text];

            var reply = await market.App.ChatAsync(body => body["stream"] = true);

            Assert.Equal(code, (string?)reply.Chunks[^1]["error"]!["code"]);
            await SettledByReceiptAsync(market);
        });

    [Fact]
    public void An_endless_line_is_cut_off() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.Instead = async (request, response, aborted) =>
        {
            if (request.Path != NodePaths.ChatCompletions)
            {
                return false;
            }

            await response.StartAsync(200, new WireHeaders { { "content-type", "text/event-stream" } }, aborted);
            await response.WriteAsync("data: "u8.ToArray(), aborted);
            var much = Encoding.ASCII.GetBytes(new string('x', 256 << 10));
            while (true)
            {
                await response.WriteAsync(much, aborted);
            }
        };
        var before = await MoneySeen.OfAsync(market);

        var reply = await market.App.ChatAsync();

        Assert.Equal(502, reply.Status);
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the request is given up");
        Assert.Equal(before, await MoneySeen.OfAsync(market));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stream_that_dies_before_the_first_token_is_billed_by_its_receipt(bool isStreamed) =>
        HostileMarket.Run(new MarketOptions { Features = [EngineFeatures.Logprobs] }, async (market, meddler) =>
        {
            meddler.BreaksAt = 1;

            // Of alternatives that were lost nobody could tell again.
            var reply = await market.App.ChatAsync(body => (body["stream"], body["logprobs"]) = (isStreamed, true));

            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");
            var bill = await SettledByReceiptAsync(market);
            if (isStreamed)
            {
                Assert.Equal("disconnected", (string?)reply.Chunks[^1]["error"]!["code"]);
            }
            else
            {
                // Charged, so no status that an SDK would retry.
                Assert.True(bill > Amount.Zero);
                Assert.Equal((422, "false"), (reply.Status, reply.Headers["x-should-retry"]));
            }
        });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_answer_that_breaks_half_way_gives_all_that_was_charged(int breaksAt) =>
        HostileMarket.Run(async (market, meddler) =>
    {
        // Two tokens leave together after a second: the role and two such events come, or not even the first.
        market.Engine.TokenTime = TimeSpan.FromSeconds(0.6);
        var whole = await market.App.ChatAsync(static body => body["seed"] = 5);
        var before = await MoneySeen.OfAsync(market);
        meddler.BreaksAt = breaksAt;

        var reply = await market.App.ChatAsync(static body => (body["seed"], body["return_token_ids"]) = (5, true));

        Assert.Equal((200, "length"), (reply.Status, reply.FinishReason()));
        var receipt = (await market.ProviderBookAsync()).Requests.Values
            .MaxBy(request => request.Receipt!.Message.Index)!.Receipt!.Message;
        Assert.InRange(receipt.OutputTokens, (ulong)breaksAt + 1, 11UL);
        var choice = reply.Json["choices"]![0]!;
        Assert.Equal((int)receipt.OutputTokens, choice["token_ids"]!.AsArray().Count);
        Assert.Equal(whole.Content()[..(int)receipt.OutputTokens], reply.Content());
        var usage = reply.Json["usage"]!;
        Assert.Equal(
            (receipt.InputTokens + receipt.CachedTokens, receipt.OutputTokens),
            ((ulong)usage["prompt_tokens"]!, (ulong)usage["completion_tokens"]!));
        var bill = await SettledByReceiptAsync(market) - before.Spent;
        Assert.Equal(bill.ToDecimal(6), usage["cost"]!.ToJsonString());
    });

    [Fact]
    public void An_answer_whose_end_does_not_arrive_is_whole_up_to_its_stop() =>
        HostileMarket.Run(async (market, meddler) =>
    {
        var text = (await market.App.ChatAsync(static body => body["seed"] = 5)).Content();
        // Three tokens leave together; all from the third such event on, which has the stop's, is lost.
        var events = 0;
        meddler.OnEvent = line => events++ < 3 ? [line] : [];

        var reply = await market.App.ChatAsync(body => (body["seed"], body["stop"]) = (5, text[7..9]));

        Assert.Equal((200, "stop", text[..7]), (reply.Status, reply.FinishReason(), reply.Content()));
        await SettledByReceiptAsync(market);
    });

    [Fact]
    public void Ids_that_do_not_go_on_from_what_came_change_nothing() =>
        HostileMarket.Run(async (market, meddler) =>
    {
        market.Engine.TokenTime = TimeSpan.FromSeconds(0.6);
        meddler.BreaksAt = 3;
        meddler.OnEvent = static text => [Regex.Replace(text, @"""token_ids"":\[\d+", @"""token_ids"":[40")];

        var reply = await market.App.ChatAsync();

        Assert.Equal((200, "length"), (reply.Status, reply.FinishReason()));
        Assert.Equal(4, reply.Content().Length);
        await SettledByReceiptAsync(market);
    });

    [Fact]
    public void A_stalled_stream_ends_after_the_idle_time_and_the_receipt_decides() =>
        HostileMarket.Run(async (market, meddler) =>
        {
            meddler.StallsAt = 6;
            var start = market.Time.GetUtcNow();

            var reply = await market.App.ChatAsync(body => body["stream"] = true);

            Assert.Equal("idle_timeout", (string?)reply.Chunks[^1]["error"]!["code"]);
            Assert.InRange((market.Time.GetUtcNow() - start).TotalSeconds, 59, 62);
            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");
            await SettledByReceiptAsync(market);
        });

    [Fact]
    public void A_receipt_missing_for_a_minute_freezes_the_channel_and_frees_the_budget() =>
        HostileMarket.Run(async (market, meddler) =>
        {
            meddler.OnEvent = text => text.StartsWith(": souk-receipt", StringComparison.Ordinal) ? [] : [text];
            meddler.Instead = async (request, response, aborted) =>
            {
                if (request.Method != "GET" || !NodePaths.TryRequest(request.Path, out var id, out _))
                {
                    return false;
                }

                var running = new RequestRecord(id, RequestState.Running, [], null);
                await response.SendJsonAsync(200, running.ToJson(), aborted);
                return true;
            };
            var before = await MoneySeen.OfAsync(market);

            var reply = await market.App.ChatAsync(body => body["stream"] = true);

            Assert.Equal("receipt_missing", (string?)reply.Chunks[^1]["error"]!["code"]);
            await market.WaitAsync(55);
            Assert.DoesNotContain(
                market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
            await market.WaitAsync(10);
            await market.ExpectDisputeAsync(before);

            // The late receipt explains the money; the channel stays frozen.
            meddler.Instead = null;
            await market.WaitAsync(70);
            Assert.Equal((await market.ProviderBookAsync()).Earned, (await MoneySeen.OfAsync(market)).CustomerBase);
            market.Frozen();
        });

    [Fact]
    public void A_provider_that_answers_nonsense_about_a_request_is_reachable_and_overdue() =>
        HostileMarket.Run(async (market, meddler) =>
        {
            meddler.OnEvent = text => text.StartsWith(": souk-receipt", StringComparison.Ordinal) ? [] : [text];
            meddler.Instead = async (request, response, aborted) =>
            {
                if (request.Method != "GET" || !NodePaths.TryRequest(request.Path, out _, out _))
                {
                    return false;
                }

                await response.SendJsonAsync(500, "{}"u8.ToArray(), aborted);
                return true;
            };
            await market.App.ChatAsync(body => body["stream"] = true);

            await market.WaitAsync(65);

            market.Frozen();
        });

    [Fact]
    public void The_chaser_waits_for_a_dead_provider_as_long_as_it_takes() => HostileMarket.Run(async (market, _) =>
    {
        market.Engine.IsEndless = true;
        var reading = market.App.ChatAsync(body => body["stream"] = true);
        await market.WaitAsync(0.5);
        await market.CrashProviderAsync();
        var reply = await reading;
        Assert.NotNull(reply.Chunks[^1]["error"]);

        await market.WaitAsync(300);
        Assert.Single(market.Gateway.Book.Outstanding);
        market.Engine.IsEndless = false;
        await market.StartProviderAsync();
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");

        await SettledByReceiptAsync(market);
        Assert.DoesNotContain(
            market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
    });

    /// <summary>Both books agree, and the app was billed what the receipt says.</summary>
    private static async Task<Amount> SettledByReceiptAsync(MarketHarness market)
    {
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0
            || market.Gateway.Book.Channels.Values.Any(channel => channel.State == CustomerChannelState.Frozen),
                "it ended");
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal(Amount.Zero, money.Reserved);
        Assert.Equal(money.ProviderBase, money.CustomerBase);
        Assert.Equal(money.CustomerBase, money.Spent);
        return money.Spent;
    }
}
