using System.Globalization;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Keys;

/// <summary>Rates of API keys, on a clock that stands still between events. A usual request has 14 prompt tokens and 12
/// of output.</summary>
public sealed class RateTests
{
    [Fact]
    public void Requests_beyond_the_rate_wait_as_long_as_they_are_told() => MarketHarness.Run(async market =>
    {
        var (_, app) = await market.KeyAsync(new KeyLimits(RequestsPerMinute: 3));
        for (var left = 2; left >= 0; left--)
        {
            var good = await app.ChatAsync();

            Assert.Equal(200, good.Status);
            Assert.Equal(("3", $"{left}"), (good.Rate("requests").Limit, good.Rate("requests").Remaining));
            Assert.Null(good.Rate("tokens").Limit);
        }

        var sent = market.Engine.Generated;
        var limited = await app.ChatAsync();

        Assert.Equal((429, "rate_limit_exceeded"), (limited.Status, limited.ErrorCode));
        Assert.Equal("requests", (string?)limited.Json["error"]!["type"]);
        Assert.Contains("requests per minute: limit 3", (string)limited.Json["error"]!["message"]!,
            StringComparison.Ordinal);
        Assert.Equal("0", limited.Rate("requests").Remaining);
        Assert.Equal(sent, market.Engine.Generated);
        // One of three a minute: the wait for the next is what is left of 20 seconds since the first.
        var wait = int.Parse(limited.Headers["retry-after-ms"]!, CultureInfo.InvariantCulture);
        Assert.InRange(wait, 15_000, 20_000);
        Assert.Equal(
            (int)Math.Ceiling(wait / 1000.0), int.Parse(limited.Headers["retry-after"]!, CultureInfo.InvariantCulture));
        await market.WaitAsync((wait - 200) / 1000.0);
        Assert.Equal(429, (await app.ChatAsync()).Status);
        await market.WaitAsync(0.2);
        Assert.Equal(200, (await app.ChatAsync()).Status);
    });

    [Fact]
    public void Looking_at_models_takes_nothing_and_another_key_is_not_held_up() => MarketHarness.Run(async market =>
    {
        var (_, app) = await market.KeyAsync(new KeyLimits(RequestsPerMinute: 1));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await app.SendAsync(WireRequest.Get("/v1/models"))).Status);
        }

        Assert.Equal(200, (await app.ChatAsync()).Status);
        Assert.Equal(429, (await app.ChatAsync()).Status);
        Assert.Equal(200, (await market.App.ChatAsync()).Status);
    });

    [Fact]
    public void A_malformed_request_counts_too() => MarketHarness.Run(async market =>
    {
        var (_, app) = await market.KeyAsync(new KeyLimits(RequestsPerMinute: 1));

        Assert.Equal(400, (await app.PostAsync("{"u8.ToArray())).Status);
        Assert.Equal(429, (await app.ChatAsync()).Status);
    });

    [Fact]
    public void Tokens_are_taken_at_their_most_and_corrected_to_what_they_were() => MarketHarness.Run(async market =>
    {
        var (_, app) = await market.KeyAsync(new KeyLimits(TokensPerMinute: 200));

        var streamed = await app.ChatAsync(body => (body["max_tokens"], body["stream"]) = (100, true));

        // When its headers left, prompt and limit were taken.
        Assert.Equal(("200", "86", "34.2s"), streamed.Rate("tokens"));
        // It came to 26, and some of it has flowed back since.
        var next = await app.ChatAsync(body => body["max_tokens"] = 100);
        Assert.InRange(int.Parse(next.Rate("tokens").Remaining!, CultureInfo.InvariantCulture), 60, 65);
    });

    [Fact]
    public void A_refused_request_gives_its_tokens_back() => MarketHarness.Run(async market =>
    {
        var (_, app) = await market.KeyAsync(new KeyLimits(TokensPerMinute: 200), budget: 28 + (150 * 6));

        var poor = await app.ChatAsync(body => body["max_tokens"] = 170);
        Assert.Equal(402, poor.Status);

        Assert.Equal("106", (await app.ChatAsync(body => body["max_tokens"] = 80)).Rate("tokens").Remaining);
    });

    [Fact]
    public void More_tokens_than_are_left_wait_and_more_than_a_minute_holds_never_fit() =>
        MarketHarness.Run(async market =>
        {
            var (_, app) = await market.KeyAsync(new KeyLimits(TokensPerMinute: 60));
            market.Engine.IsEndless = true;
            Assert.Equal(200, (await app.ChatAsync(body => body["max_tokens"] = 40)).Status);

            var limited = await app.ChatAsync(body => body["max_tokens"] = 40);
            var never = await app.ChatAsync(body => body["max_tokens"] = 47);

            Assert.Equal((429, "tokens"), (limited.Status, (string?)limited.Json["error"]!["type"]));
            Assert.Null(limited.Headers["x-should-retry"]);
            await market.WaitAsync(int.Parse(limited.Headers["retry-after"]!, CultureInfo.InvariantCulture));
            Assert.Equal(200, (await app.ChatAsync(body => body["max_tokens"] = 40)).Status);
            Assert.Equal((429, "rate_limit_exceeded"), (never.Status, never.ErrorCode));
            Assert.Equal("false", never.Headers["x-should-retry"]);
        });

    [Fact]
    public void An_answer_without_a_limit_may_overdraw_and_then_the_key_waits_for_it() =>
        MarketHarness.Run(async market =>
        {
            var (_, app) = await market.KeyAsync(new KeyLimits(TokensPerMinute: 60));
            market.Engine.Tokens = 120;

            Assert.Equal(200, (await app.ChatAsync()).Status);
            var limited = await app.ChatAsync();

            // 14 + 120 came of 60, and what flowed meanwhile is less than 5: one more token takes over a minute.
            Assert.Equal((429, "0"), (limited.Status, limited.Rate("tokens").Remaining));
            Assert.InRange(int.Parse(limited.Headers["retry-after"]!, CultureInfo.InvariantCulture), 70, 75);
            Assert.StartsWith("2m", limited.Rate("tokens").Reset, StringComparison.Ordinal);
        });

    [Fact]
    public void A_rate_that_was_raised_holds_from_the_next_request_on() => MarketHarness.Run(async market =>
    {
        var (key, app) = await market.KeyAsync(new KeyLimits(RequestsPerMinute: 1));
        Assert.Equal(200, (await app.ChatAsync()).Status);
        Assert.Equal(429, (await app.ChatAsync()).Status);

        await market.OwnerAsync("PATCH", $"keys/{key.Hash}", "{\"requests_per_minute\":3}");

        Assert.Equal("1", (await app.ChatAsync()).Rate("requests").Remaining);
        await market.OwnerAsync("PATCH", $"keys/{key.Hash}", "{\"requests_per_minute\":null}");
        Assert.Null((await app.ChatAsync()).Rate("requests").Limit);
    });

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(1, "1ms")]
    [InlineData(200_000, "20ms")]
    [InlineData(10_000_000, "1s")]
    [InlineData(86_400_000, "8.64s")]
    [InlineData(3_600_000_000, "6m0s")]
    [InlineData(36_025_000_000, "1h0m2.5s")]
    public void Durations_are_written_as_clients_read_them(long ticks, string text) =>
        Assert.Equal(text, Gateway.Keys.RateText.Duration(TimeSpan.FromTicks(ticks)));

    [Fact]
    public void Price_and_model_limits_refuse_what_no_sdk_retries() => MarketHarness.Run(async market =>
    {
        var (_, barred) = await market.KeyAsync(new KeyLimits(Models: ["another"]));
        var (_, allowed) = await market.KeyAsync(new KeyLimits(Models: ["another", MarketHarness.ModelName]));
        var named = $"{market.Keys.ProviderOwner.Address}/{market.Engine.Model.Manifest.Digest}";

        var refused = await barred.ChatAsync();
        var around = await barred.ChatAsync(body => body["model"] = named);

        Assert.Equal((403, "model_not_allowed"), (refused.Status, refused.ErrorCode));
        Assert.Equal((403, "model_not_allowed"), (around.Status, around.ErrorCode));
        Assert.Empty((await barred.SendAsync(WireRequest.Get("/v1/models"))).Json["data"]!.AsArray());
        Assert.Equal(200, (await allowed.ChatAsync()).Status);
        Assert.Single((await allowed.SendAsync(WireRequest.Get("/v1/models"))).Json["data"]!.AsArray());
        Assert.Empty(market.Gateway.Book.Reservations);
    });

    [Theory]
    [InlineData(1_999_999UL, null, 403)]
    [InlineData(null, 5_999_999UL, 403)]
    [InlineData(2_000_000UL, 6_000_000UL, 200)]
    public void Dearer_offers_than_the_price_ceiling_are_passed_over(ulong? input, ulong? output, int status) =>
        MarketHarness.Run(async market =>
        {
            var (key, app) = await market.KeyAsync(new KeyLimits(
                MostInputPrice: input is { } most ? new Amount(most) : null,
                MostOutputPrice: output is { } dearest ? new Amount(dearest) : null));

            var reply = await app.ChatAsync();

            Assert.Equal(status, reply.Status);
            Assert.Equal(status == 403 ? "price_above_cap" : null, reply.Json["error"] is null ? null
                : reply.ErrorCode);
            Assert.Equal(status == 403, market.Gateway.Book.ApiKeys[key.Hash].Spent.IsZero);
        });
}
