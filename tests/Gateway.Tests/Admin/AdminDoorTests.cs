using Souk.Gateway.Tests.Keys;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Admin;

public sealed class AdminDoorTests
{
    [Theory]
    [InlineData("evil.example", null, MarketHarness.AdminToken, 403, "host_refused")]
    [InlineData("evil.example:7010", null, MarketHarness.AdminToken, 403, "host_refused")]
    [InlineData("", null, MarketHarness.AdminToken, 403, "host_refused")]
    [InlineData("localhost:7010", "https://evil.example", MarketHarness.AdminToken, 403, "origin_refused")]
    [InlineData("localhost:7010", "null", MarketHarness.AdminToken, 403, "origin_refused")]
    [InlineData("127.0.0.1:7010", null, null, 401, "invalid_token")]
    [InlineData("[::1]:7010", null, "guess", 401, "invalid_token")]
    public void Strangers_are_refused(string host, string? origin, string? token, int status, string code) =>
        MarketHarness.Run(new MarketOptions { AwaitsChannels = false }, async market =>
        {
            foreach (var (method, path) in new[] { ("GET", "status"), ("POST", "keys"),
                ("DELETE", $"keys/{market.Key.Hash}") })
            {
                var reply = await market.OwnerAsync(method, path, "{}", "", host, origin, token);

                Assert.Equal((status, code), (reply.Status, reply.ErrorCode));
            }

            Assert.False(Assert.Single(market.Gateway.Book.ApiKeys.Values).IsRevoked);
        });

    [Fact]
    public void The_owner_makes_and_revokes_keys() => MarketHarness.Run(async market =>
    {
        var made = await market.OwnerAsync("POST", "keys", "{\"name\":\"app\",\"budget\":\"0.0001\"}");
        Assert.Equal(200, made.Status);
        var app = market.AppWith((string)made.Json["key"]!);
        Assert.Equal(200, (await app.ChatAsync(body => body["max_tokens"] = 12)).Status);
        Assert.Equal(402, (await app.ChatAsync(body => body["max_tokens"] = 12)).Status);

        Assert.Equal(200, (await market.OwnerAsync("DELETE", "keys/" + (string)made.Json["hash"]!)).Status);

        Assert.Equal("api_key_revoked", (await app.ChatAsync()).ErrorCode);
        var listed = await market.OwnerAsync("GET", "keys");
        Assert.DoesNotContain((string)made.Json["key"]!, listed.Text, StringComparison.Ordinal);
        Assert.Contains("0.0001", listed.Text, StringComparison.Ordinal);
    });

    [Theory]
    [InlineData("{", "body_malformed")]
    [InlineData("[]", "body_malformed")]
    [InlineData("{}", "body_malformed")]
    [InlineData("{\"name\":\"x\",\"budget\":5}", "budget_unfit")]
    [InlineData("{\"name\":\"x\",\"budget\":\"0.0000001\"}", "budget_unfit")]
    [InlineData("{\"name\":\"x\",\"budget\":\"-1\"}", "budget_unfit")]
    [InlineData("{\"name\":\"\",\"budget\":\"1\"}", "name_unfit")]
    [InlineData("{\"name\":7,\"budget\":\"1\"}", "body_malformed")]
    public void Malformed_bodies_are_refused(string body, string code) =>
        MarketHarness.Run(new MarketOptions { AwaitsChannels = false }, async market =>
        {
            var reply = await market.OwnerAsync("POST", "keys", body);

            Assert.Equal((400, code), (reply.Status, reply.ErrorCode));
            Assert.Single(market.Gateway.Book.ApiKeys);
        });

    [Fact]
    public void A_channel_goes_back_to_the_vault() => MarketHarness.Run(async market =>
    {
        await market.App.ChatAsync();
        await market.Provider.ClaimNowAsync(CancellationToken.None);
        var channel = market.Gateway.Book.Channels.Values.Single(open => !open.Base.IsZero);

        var reply = await market.OwnerAsync("POST", $"channels/{channel.Id}/withdraw");
        Assert.Equal(200, reply.Status);
        await market.WaitAsync(940);

        Assert.Equal(Ledger.Customer.CustomerChannelState.Closed, market.Gateway.Book.Channels[channel.Id].State);
        Assert.Equal(Amount.Zero, market.Chain.Channel(channel.Id).Available);
        Assert.Equal(404, (await market.OwnerAsync("POST", $"channels/{Bytes32.Zero}/withdraw")).Status);
    });

    [Fact]
    public void Status_tells_where_the_money_is() => MarketHarness.Run(async market =>
    {
        await market.App.ChatAsync();

        var status = (await market.OwnerAsync("GET", "status")).Json;

        Assert.Equal("0.0001", (string)status["spent"]!);
        Assert.Equal((2, 0), ((int)status["channels"]!, (int)status["frozen_channels"]!));
        Assert.Equal("0.96", (string)status["vault_balance"]!);
        Assert.Equal(2, (await market.OwnerAsync("GET", "channels")).Json["channels"]!.AsArray().Count);
        Assert.Equal("0.96", (string)(await market.OwnerAsync("GET", "deposit")).Json["balance"]!);
        Assert.Equal(404, (await market.OwnerAsync("GET", "nothing")).Status);
    });
}
