using System.Globalization;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

public sealed class ModelsTests
{
    [Fact]
    public void A_model_is_found_by_its_name_and_by_provider_and_digest() => MarketHarness.Run(async market =>
    {
        var listed = (await market.App.SendAsync(WireRequest.Get("/v1/models"))).Json["data"]![0]!;
        var byName = await market.App.SendAsync(WireRequest.Get($"/v1/models/{MarketHarness.ModelName}"));
        var digest = market.Engine.Model.Manifest.Digest;
        var full = $"{market.Keys.ProviderOwner.Address}/{digest}";
        var byDigest = await market.App.SendAsync(WireRequest.Get($"/v1/models/{full}"));
        var escaped = await market.App.SendAsync(WireRequest.Get($"/v1/models/{Uri.EscapeDataString(full)}"));

        Assert.Equal(200, byName.Status);
        Assert.Equal(listed.ToJsonString(), byName.Json.ToJsonString());
        Assert.Equal(full, (string)byDigest.Json["id"]!);
        Assert.Equal(byDigest.Text, escaped.Text);
    });

    [Theory]
    [InlineData("other")]
    [InlineData("other/thing")]
    [InlineData("other/thing/endpoints")]
    [InlineData("%2E%2E%2Fadmin")]
    public void A_model_that_nobody_offers_is_not_found(string name) => MarketHarness.Run(async market =>
    {
        var reply = await market.App.SendAsync(WireRequest.Get($"/v1/models/{name}"));

        Assert.Equal(404, reply.Status);
        Assert.Equal("model_not_found", reply.ErrorCode);
        Assert.Equal("model", (string)reply.Json["error"]!["param"]!);
    });

    [Fact]
    public void Endpoints_show_each_offer_at_its_price_per_token() => MarketHarness.Run(async market =>
    {
        var reply = await market.App.SendAsync(WireRequest.Get($"/v1/models/{MarketHarness.ModelName}/endpoints"));
        var endpoint = Assert.Single(reply.Json["data"]!["endpoints"]!.AsArray())!;

        Assert.Equal(market.Keys.ProviderOwner.Address.ToString(), (string)endpoint["provider_name"]!);
        // 2, 6 and 1 whole units a token, of a currency with 6 decimals.
        Assert.Equal("0.000002", (string)endpoint["pricing"]!["prompt"]!);
        Assert.Equal("0.000006", (string)endpoint["pricing"]!["completion"]!);
        Assert.Equal("0.000001", (string)endpoint["pricing"]!["input_cache_read"]!);
        Assert.Equal("new", (string)endpoint["trust_tier"]!);
        Assert.Contains("temperature", endpoint["supported_parameters"]!.AsArray().Select(name => (string)name!));

        // What the listing says is what is charged.
        var chat = await market.App.ChatAsync(body => body["model"] = (string)endpoint["tag"]!);
        var usage = chat.Json["usage"]!;
        var cost = ((int)usage["prompt_tokens"]! * Price("prompt")) + ((int)usage["completion_tokens"]!
            * Price("completion"));
        Assert.Equal(cost, decimal.Parse(usage["cost"]!.ToJsonString(), CultureInfo.InvariantCulture));

        decimal Price(string kind) =>
            decimal.Parse((string)endpoint["pricing"]![kind]!, CultureInfo.InvariantCulture);
    });

    [Fact]
    public void A_withdrawn_offer_leaves_list_model_and_endpoints() => MarketHarness.Run(async market =>
    {
        await market.CrashProviderAsync();
        await market.WaitAsync(60);
        var list = await market.App.SendAsync(WireRequest.Get("/v1/models"));
        var one = await market.App.SendAsync(WireRequest.Get($"/v1/models/{MarketHarness.ModelName}"));
        await market.StartProviderAsync();

        Assert.Empty(list.Json["data"]!.AsArray());
        Assert.Equal(404, one.Status);
    });

    [Fact]
    public void Another_method_is_told_the_right_one() => MarketHarness.Run(async market =>
    {
        var path = $"/v1/models/{MarketHarness.ModelName}";
        var delete = await market.App.SendAsync(new WireRequest("DELETE", path, "", [], default, ""));
        var options = await market.App.SendAsync(
            new WireRequest("OPTIONS", "/v1/chat/completions", "", [], default, ""));
        var head = await market.App.SendAsync(new WireRequest("HEAD", path, "", [], default, ""));
        var unknown = await market.App.SendAsync(WireRequest.Get("/v1/files"));

        Assert.Equal((405, "GET, HEAD, OPTIONS"), (delete.Status, delete.Headers["allow"]));
        Assert.Equal("method_not_allowed", delete.ErrorCode);
        Assert.Equal((204, "POST, OPTIONS", ""), (options.Status, options.Headers["allow"], options.Text));
        Assert.Equal((200, ""), (head.Status, head.Text));
        Assert.Equal((404, "unknown_url"), (unknown.Status, unknown.ErrorCode));
    });
}
