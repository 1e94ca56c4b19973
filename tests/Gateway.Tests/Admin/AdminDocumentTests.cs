using System.Text.Json.Nodes;
using Souk.Gateway.Tests.Keys;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Admin;

/// <summary>The admin API's document against the admin API.</summary>
public sealed class AdminDocumentTests
{
    [Fact]
    public void Every_route_of_the_document_is_there() => MarketHarness.Run(
        new MarketOptions { AwaitsChannels = false }, async market =>
        {
            var document = (await market.OwnerAsync("GET", "openapi.json")).Json;
            var routes = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()
                .Select(verb => (Verb: verb.Key.ToUpperInvariant(), Path: path.Key))).ToList();

            Assert.Equal(13, routes.Count);
            foreach (var (verb, path) in routes)
            {
                var named = path.Replace("/admin/v1/", "", StringComparison.Ordinal)
                    .Replace("requests/{id}", $"requests/{new string('0', 32)}", StringComparison.Ordinal)
                    .Replace("{id}", $"{Bytes32.Zero}", StringComparison.Ordinal)
                    .Replace("{hash}", $"{Bytes32.Zero}", StringComparison.Ordinal);
                var reply = await market.OwnerAsync(verb, named, "{");
                Assert.True(reply.Json["error"] is null || reply.ErrorCode != "path_unknown", $"{verb} {path}");
                Assert.Equal(401, (await market.OwnerAsync(verb, named, "{", token: null)).Status);
            }
        });

    [Fact]
    public void Answers_have_the_members_that_the_document_names_and_no_others() => MarketHarness.Run(async market =>
    {
        await market.App.ChatAsync();
        var document = (await market.OwnerAsync("GET", "openapi.json")).Json;
        var usage = (await market.OwnerAsync("GET", "usage")).Json;

        Same("Key", (await market.OwnerAsync("GET", $"keys/{market.Key.Hash}")).Json);
        Same("Status", (await market.OwnerAsync("GET", "status")).Json);
        Same("Channel", (await market.OwnerAsync("GET", "channels")).Json["channels"]![0]!);
        Same("Row", usage["rows"]![0]!);
        Same("Use", usage["total"]!);
        // Every setting that it names is taken.
        var settings = document["components"]!["schemas"]!["Settings"]!["properties"]!.AsObject()
            .Select(setting => setting.Key).Where(name => name is not ("name" or "budget"));
        var all = new JsonObject(settings.Select(name => KeyValuePair.Create<string, JsonNode?>(name, null)));
        Assert.Equal(200, (await market.OwnerAsync("PATCH", $"keys/{market.Key.Hash}", all.ToJsonString())).Status);

        void Same(string schema, JsonNode answer) => Assert.Equal(
            document["components"]!["schemas"]![schema]!["properties"]!.AsObject().Select(member => member.Key)
                .Order(StringComparer.Ordinal),
            answer.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal));
    });
}
