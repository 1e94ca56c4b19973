using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Engines;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>What apps see of a good answer, chunk by chunk.</summary>
public sealed class StreamsTests
{
    [Fact]
    public void A_stream_is_role_text_finish_usage_done_in_this_order() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.ChatAsync(body =>
        {
            body["stream"] = true;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        });

        Assert.Equal(200, reply.Status);
        Assert.StartsWith("text/event-stream", reply.Headers["content-type"], StringComparison.Ordinal);
        Assert.Equal("[DONE]", reply.Events[^1]);
        var chunks = reply.Chunks;
        Assert.Equal("assistant", (string?)chunks[0]["choices"]![0]!["delta"]!["role"]);
        Assert.All(chunks.Skip(1).SkipLast(2), chunk =>
            Assert.Equal(1, ((string)chunk["choices"]![0]!["delta"]!["content"]!).Length));
        Assert.Equal("stop", (string?)chunks[^2]["choices"]![0]!["finish_reason"]);
        Assert.Empty(chunks[^1]["choices"]!.AsArray());
        Assert.Equal(14, chunks.Count);
        Assert.Single(chunks.Select(chunk => (string)chunk["id"]!).Distinct());
        Assert.All(chunks, chunk => Assert.Equal(
            ("chat.completion.chunk", "tiny"), ((string)chunk["object"]!, (string)chunk["model"]!)));
        Assert.All(chunks.SkipLast(1), chunk => Assert.Null(chunk["choices"]![0]!["token_ids"]));
        var usage = chunks[^1]["usage"]!;
        Assert.Equal((14, 12, 26),
            ((int)usage["prompt_tokens"]!, (int)usage["completion_tokens"]!, (int)usage["total_tokens"]!));
        Assert.Equal("0.0001", usage["cost"]!.ToJsonString());
    });

    [Fact]
    public void The_cost_is_the_receipts_charge_and_the_owner_finds_the_receipt() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.ChatAsync();

        var told = await market.Owner().SendAsync(new WireRequest(
            "GET", "/admin/v1/requests/" + reply.Headers["x-request-id"], "",
            new WireHeaders { { "host", "localhost:7010" } }, default, ""));
        var receipt = told.Json["receipt"]!["message"] ?? told.Json["receipt"]!;
        var charge = Amount.Parse((string)receipt["charge"]!);
        Assert.Equal(new Amount(100), charge);
        Assert.Equal(charge.ToDecimal(6), reply.Json["usage"]!["cost"]!.ToJsonString());
        Assert.Equal(charge.ToDecimal(6), (string)told.Json["billed"]!);
        Assert.Equal(charge, market.Account.Spent);
        Assert.Equal(market.Keys.Node.Address.ToString(), (string)told.Json["signer"]!);
    });

    [Fact]
    public void Token_ids_come_where_they_are_asked_for() => MarketHarness.Run(async market =>
    {
        var streamed = await market.App.ChatAsync(body =>
            (body["stream"], body["return_token_ids"], body["seed"]) = (true, true, 5));
        var whole = await market.App.ChatAsync(body => (body["return_token_ids"], body["seed"]) = (true, 5));

        int[] ids = [.. streamed.Chunks.SelectMany(chunk => chunk["choices"]!.AsArray())
            .SelectMany(choice => choice!["token_ids"]?.AsArray() ?? []).Select(id => (int)id!)];
        Assert.Equal(12, ids.Length);
        Assert.Equal(TinyModel.End, ids[^1]);
        Assert.Equal(ids, whole.Json["choices"]![0]!["token_ids"]!.AsArray().Select(id => (int)id!));
        Assert.Equal(streamed.Content(), whole.Content());
        Assert.Equal(
            streamed.Content(), TinyModel.Encoder(market.Engine.Model).Tokenizer.Decode(ids, skipSpecial: true));
    });

    [Fact]
    public void Two_choices_are_two_answers_and_one_bill() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.ChatAsync(body => (body["stream"], body["n"]) = (true, 2));

        Assert.Equal(["stop", "stop"], new[] { 0, 1 }.Select(reply.FinishReason));
        Assert.Equal((11, 11), (reply.Content(0).Length, reply.Content(1).Length));
        Assert.NotEqual(reply.Content(0), reply.Content(1));
        Assert.Equal(2, reply.Chunks.Count(chunk => chunk["choices"]![0]!["delta"]!["role"] is not null));
        Assert.Equal(new Amount(28 + (24 * 6)), market.Account.Spent);
    });

    [Fact]
    public void Stop_strings_are_withheld_and_their_tokens_paid() => MarketHarness.Run(async market =>
    {
        var free = await market.App.ChatAsync(body => body["seed"] = 3);
        var stop = free.Content()[4..7];

        var stopped = await market.App.ChatAsync(body => (body["seed"], body["stop"]) = (3, stop));

        Assert.Equal(free.Content()[..free.Content().IndexOf(stop, StringComparison.Ordinal)], stopped.Content());
        Assert.Equal("stop", stopped.FinishReason());
        Assert.Equal(
            free.Content().IndexOf(stop, StringComparison.Ordinal) + 3,
            (int)stopped.Json["usage"]!["completion_tokens"]!);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_long_answer_raises_its_ceiling_as_it_comes_and_never_a_slice_ahead(bool isStreamed) =>
        MarketHarness.Run(async market =>
    {
        market.Engine.Tokens = 300;
        var (most, start) = (Amount.Zero, market.Time.GetUtcNow());
        var reading = market.App.ChatAsync(body => body["stream"] = isStreamed);
        while (!reading.IsCompleted)
        {
            foreach (var channel in (await market.ProviderBookAsync()).Channels.Values)
            {
                var generated = new Amount((UInt128)(28 + (market.Engine.Generated * 6)));
                most = Amount.Max(most, Amount.SubtractToZero(channel.Ceiling, generated));
            }

            await market.WaitAsync(0.05);
        }

        Assert.Equal("stop", (await reading).FinishReason());
        var time = market.Time.GetUtcNow() - start;
        Assert.True(time < 301 * market.Engine.TokenTime + TimeSpan.FromSeconds(5), $"It paused: {time} in all.");
        Assert.InRange(most.Units, (UInt128)1, (UInt128)(28 + (16 * 6)));
        Assert.Equal(new Amount(28 + 1800), market.Account.Spent);
    });

    [Fact]
    public void Tokens_gather_only_where_no_app_reads_along()
    {
        Meddler? meddler = null;
        MarketHarness.Run(new MarketOptions { Provider = inner => meddler = new Meddler(inner) }, async market =>
        {
            await market.App.ChatAsync(body => body["stream"] = true);
            await market.App.ChatAsync();
            await market.App.ChatAsync(body => body["max_tokens"] = 10);

            // An eighth of the slice of 16, and all that one slice covers.
            Assert.Equal([null, "2", "10"], meddler!.Paid.Select(request => request.Headers["souk-gather"]));
        });
    }

    [Fact]
    public void An_app_that_leaves_pays_for_what_was_made_until_then() => MarketHarness.Run(async market =>
    {
        market.Engine.IsEndless = true;
        using var leaving = new CancellationTokenSource(TimeSpan.FromSeconds(1), market.Time);

        var reply = await market.App.ChatAsync(body => body["stream"] = true, leaving.Token);

        Assert.True(reply.IsBroken);
        await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt is here");
        Assert.Equal(0, market.Engine.Running);
        Assert.Equal(new Amount((UInt128)(28 + (market.Engine.Generated * 6))), market.Account.Spent);
        Assert.Equal((await market.ProviderBookAsync()).Earned, market.Account.Spent);
    });

    [Fact]
    public void Models_are_listed_with_their_prices() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.SendAsync(WireRequest.Get("/v1/models"));

        var model = Assert.Single(reply.Json["data"]!.AsArray())!;
        Assert.Equal("tiny", (string)model["id"]!);
        Assert.Contains("0.000002", model.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(401, (await market.AppWith(null).SendAsync(WireRequest.Get("/v1/models"))).Status);
        Assert.Equal(200, (await market.AppWith(null).SendAsync(WireRequest.Get("/health"))).Status);
    });

    [Fact]
    public void Counting_by_usage_bills_what_the_receipt_says() => MarketHarness.Run(
        new MarketOptions { Counting = CountingKinds.Usage }, async market =>
        {
            var reply = await market.App.ChatAsync(body => body["max_tokens"] = 20);

            Assert.True(reply.Status == 200, reply.Text);
            Assert.Equal(new Amount(28 + (12 * 6)), market.Account.Spent);
        });
}
