using System.Text.Json.Nodes;
using Souk.Gateway.Tests.Keys;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Admin;

/// <summary>What was used, by key, model and day. A usual answer has 14 and 12 tokens and costs 100.</summary>
public sealed class UsageTests
{
    private static readonly MarketOptions LateInTheDay = new() { StartsAfter = new TimeSpan(23, 59, 0) };

    [Fact]
    public void Use_by_day_key_and_model_outlives_a_restart() => MarketHarness.Run(LateInTheDay, async market =>
    {
        var named = $"{market.Keys.ProviderOwner.Address}/{market.Engine.Model.Manifest.Digest}";
        var (key, app) = await market.KeyAsync(KeyLimits.None);
        await market.App.ChatAsync();
        await market.App.ChatAsync(body => body["stream"] = true);
        await app.ChatAsync();
        var midnight = UtcDay.Of(market.Now * 1000).EndMs / 1000;
        await market.WaitAsync(midnight - market.Now);
        // However it is written, it is one model.
        await app.ChatAsync(body => body["model"] = named);
        await app.ChatAsync(body => body["model"] = named.ToLowerInvariant());
        await app.ChatAsync(body => body["max_tokens"] = -1);

        var told = await market.OwnerAsync("GET", "usage");
        await market.CrashGatewayAsync();
        await market.StartGatewayAsync();
        var again = await market.OwnerAsync("GET", "usage");

        Assert.Equal(told.Text, again.Text);
        string[] expected =
        [
            $"2026-01-01 limited {MarketHarness.ModelName} 1 14+12 0.0001",
                $"2026-01-02 limited {named} 2 28+24 0.0002",
            $"2026-01-01 first {MarketHarness.ModelName} 2 28+24 0.0002",
        ];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            told.Json["rows"]!.AsArray().Select(row => Line(row!)).Order(StringComparer.Ordinal));
        Assert.Equal("0.0005", (string?)told.Json["total"]!["billed"]);
        Assert.Equal("0.0005", (string?)told.Json["total"]!["charged"]);
        Assert.Equal(5, (int)told.Json["total"]!["requests"]!);
        Assert.Equal(key.Hash.ToString(), (string?)told.Json["rows"]!.AsArray()
            .Single(row => Line(row!).StartsWith("2026-01-02", StringComparison.Ordinal))!["key"]);
    });

    [Fact]
    public void Use_is_grouped_and_bounded_by_days() => MarketHarness.Run(LateInTheDay, async market =>
    {
        var (_, app) = await market.KeyAsync(KeyLimits.None);
        await market.App.ChatAsync();
        await app.ChatAsync();
        await market.WaitAsync(70);
        await app.ChatAsync();

        var byKey = (await market.OwnerAsync("GET", "usage", query: "by=key")).Json["rows"]!.AsArray();
        var byDay = (await market.OwnerAsync("GET", "usage", query: "by=day")).Json["rows"]!.AsArray();
        var first = (await market.OwnerAsync("GET", "usage", query: "by=model&from=2026-01-01&to=2026-01-01")).Json;

        Assert.Equal(["1", "2"], byKey.Select(row => row!["requests"]!.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(["2026-01-01 2", "2026-01-02 1"], byDay.Select(row => $"{row!["day"]} {row["requests"]}"));
        Assert.Equal(2, (int)Assert.Single(first["rows"]!.AsArray())!["requests"]!);
        Assert.Null(first["rows"]![0]!["key"]);
    });

    [Theory]
    [InlineData("by=day,hour", "by_unfit")]
    [InlineData("from=yesterday", "from_unfit")]
    [InlineData("to=2026-13-01", "to_unfit")]
    public void Questions_without_a_meaning_are_refused(string query, string code) => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
            Assert.Equal(code, (await market.OwnerAsync("GET", "usage", query: query)).ErrorCode));

    private static string Line(JsonNode row) =>
        $"{row["day"]} {row["name"]} {row["model"]} {row["requests"]} {row["input_tokens"]}+{row["output_tokens"]} "
        + $"{row["billed"]}";
}
