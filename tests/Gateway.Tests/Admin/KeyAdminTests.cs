using Souk.Gateway.Tests.Keys;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Admin;

public sealed class KeyAdminTests
{
    private const string Everything = """
        {"name":"app","budget":"5","budget_per_day":"1.5","requests_per_minute":60,"tokens_per_minute":90000,
        "models":["tiny","tiny","other"],"max_input_price":"2","max_output_price":"6.000001","keep_replies":false,
        "expires_in_seconds":3600}
        """;

    [Fact]
    public void A_key_shows_all_that_was_set_and_its_secret_only_once() => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
        {
            var made = await market.OwnerAsync("POST", "keys", Everything);
            Assert.Equal(200, made.Status);
            var (secret, hash) = ((string)made.Json["key"]!, (string)made.Json["hash"]!);

            var shown = await market.OwnerAsync("GET", $"keys/{hash}");

            Assert.DoesNotContain(secret, shown.Text, StringComparison.Ordinal);
            Assert.Equal(
                "\"name\":\"app\",\"budget\":\"5\",\"spent\":\"0\",\"reserved\":\"0\",\"available\":\"1.5\","
                + "\"budget_per_day\":\"1.5\",\"spent_today\":\"0\",\"requests_per_minute\":60,"
                + "\"tokens_per_minute\":90000,\"models\":[\"tiny\",\"other\"],\"max_input_price\":\"2\","
                + "\"max_output_price\":\"6.000001\",\"keep_replies\":false,\"revoked\":false,"
                + $"\"created_at\":{market.Now},\"last_used_at\":null,\"expires_at\":{market.Now + 3600}}}",
                shown.Text[shown.Text.IndexOf("\"name\"", StringComparison.Ordinal)..]);
            Assert.Equal(2, (await market.OwnerAsync("GET", "keys")).Json["keys"]!.AsArray().Count);
        });

    [Fact]
    public void A_change_leaves_alone_what_it_does_not_name_and_null_lifts_a_limit() => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
        {
            var hash = (string)(await market.OwnerAsync("POST", "keys", Everything)).Json["hash"]!;

            var changed = (await market.OwnerAsync(
                "PATCH", $"keys/{hash}", "{\"models\":null,\"expires_in_seconds\":null,\"name\":\"renamed\"}")).Json;

            Assert.Equal(("renamed", null, null), ((string?)changed["name"], changed["models"], changed["expires_at"]));
            Assert.Equal(("1.5", 60), ((string?)changed["budget_per_day"], (int)changed["requests_per_minute"]!));
            // And it is so after a restart.
            await market.CrashGatewayAsync();
            await market.StartGatewayAsync();
            Assert.Equal(changed.ToJsonString(), (await market.OwnerAsync("GET", $"keys/{hash}")).Json.ToJsonString());
        });

    [Theory]
    [InlineData("{\"budget\":null}", 400, "budget_unfit")]
    [InlineData("{\"budget_daily\":\"1\"}", 400, "member_unfit")]
    [InlineData("{\"requests_per_minute\":0}", 400, "requests_per_minute_unfit")]
    [InlineData("{\"tokens_per_minute\":1.5}", 400, "tokens_per_minute_unfit")]
    [InlineData("{\"expires_in_seconds\":-1}", 400, "expires_in_seconds_unfit")]
    [InlineData("{\"expires_in_seconds\":\"soon\"}", 400, "expires_in_seconds_unfit")]
    [InlineData("{\"max_input_price\":2}", 400, "max_input_price_unfit")]
    [InlineData("{\"keep_replies\":\"no\"}", 400, "keep_replies_unfit")]
    [InlineData("{\"models\":[]}", 400, "models_unfit")]
    [InlineData("{\"models\":[7]}", 400, "body_malformed")]
    [InlineData("{\"models\":\"tiny\"}", 400, "body_malformed")]
    [InlineData("{\"name\":\"\"}", 400, "name_unfit")]
    public void What_makes_no_sense_changes_nothing(string body, int status, string code) => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
        {
            var before = (await market.OwnerAsync("GET", "keys")).Text;

            var refused = await market.OwnerAsync("PATCH", $"keys/{market.Key.Hash}", body);

            Assert.Equal((status, code), (refused.Status, refused.ErrorCode));
            Assert.Equal(before, (await market.OwnerAsync("GET", "keys")).Text);
        });

    [Fact]
    public void A_revoked_or_unknown_key_is_not_changed() => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
        {
            await market.OwnerAsync("DELETE", $"keys/{market.Key.Hash}");

            Assert.Equal("key_revoked", (await market.OwnerAsync("PATCH", $"keys/{market.Key.Hash}", "{}")).ErrorCode);
            Assert.Equal(404, (await market.OwnerAsync("PATCH", $"keys/{Bytes32.Zero}", "{}")).Status);
            Assert.Equal(404, (await market.OwnerAsync("GET", $"keys/{Bytes32.Zero}")).Status);
            Assert.Equal(404, (await market.OwnerAsync("PUT", $"keys/{market.Key.Hash}")).Status);
        });
}
