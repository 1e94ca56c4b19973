using Souk.Gateway.Front;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>A web page reaches the gateway only if the owner named its origin, and the admin API never.</summary>
public sealed class CorsTests
{
    private const string Page = "https://app.example";

    [Fact]
    public void No_page_may_by_default() => MarketHarness.Run(async market =>
    {
        var preflight = await AskAsync(market.App, "OPTIONS", Page);
        var get = await AskAsync(market.App, "GET", Page);

        Assert.Null(preflight.Headers["access-control-allow-origin"]);
        Assert.Null(preflight.Headers["access-control-allow-headers"]);
        Assert.Null(get.Headers["access-control-allow-origin"]);
    });

    [Theory]
    [InlineData("https://app.example", true)]
    [InlineData("https://app.example:8443", false)]
    [InlineData("http://app.example", false)]
    [InlineData("https://app.example.evil", false)]
    [InlineData("null", false)]
    public void The_listed_page_may_and_no_other(string origin, bool isAllowed) => MarketHarness.Run(
        new MarketOptions { AllowedOrigins = [Page] }, async market =>
        {
            var preflight = await AskAsync(market.AppWith(null), "OPTIONS", origin);
            var get = await AskAsync(market.App, "GET", origin);
            var refused = await AskAsync(market.AppWith(null), "GET", origin);

            var expected = isAllowed ? origin : null;
            Assert.Equal(expected, preflight.Headers["access-control-allow-origin"]);
            Assert.Equal(expected, get.Headers["access-control-allow-origin"]);
            // A page has to be able to read why it was refused.
            Assert.Equal((401, expected), (refused.Status, refused.Headers["access-control-allow-origin"]));
            Assert.Equal("Origin", get.Headers["vary"]);
            Assert.Equal(
                isAllowed ? "authorization,content-type" : null, preflight.Headers["access-control-allow-headers"]);
            Assert.Equal(isAllowed, get.Headers["access-control-expose-headers"]?.Contains("x-request-id") ?? false);
            Assert.Null(get.Headers["access-control-allow-credentials"]);
        });

    [Fact]
    public void The_admin_api_is_closed_to_every_page() => MarketHarness.Run(
        new MarketOptions { AllowedOrigins = ["*"] }, async market =>
        {
            Assert.Equal("https://any.example", (await AskAsync(market.App, "GET", "https://any.example"))
                .Headers["access-control-allow-origin"]);
            foreach (var method in new[] { "OPTIONS", "GET" })
            {
                var reply = await AskAsync(market.Owner(), method, Page, "/admin/v1/keys");
                Assert.DoesNotContain(reply.Headers, header => header.Key.StartsWith("access-control-"));
            }
        });

    [Theory]
    [InlineData("https://app.example", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("*", true)]
    [InlineData("https://app.example/", false)]
    [InlineData("https://app.example/page", false)]
    [InlineData("app.example", false)]
    [InlineData("file:///tmp/x", false)]
    [InlineData("", false)]
    public void An_origin_is_what_browsers_send(string text, bool isOrigin) =>
        Assert.Equal(isOrigin, Cors.IsOrigin(text));

    private static Task<AppReply> AskAsync(AppClient app, string method, string origin, string path = "/v1/models")
    {
        WireHeaders headers = new() { { "origin", origin }, { "host", "localhost:7010" } };
        if (method == "OPTIONS")
        {
            headers.Add("access-control-request-method", "GET");
            headers.Add("access-control-request-headers", "authorization,content-type");
        }

        return app.SendAsync(new WireRequest(method, path, "", headers, default, ""));
    }
}
