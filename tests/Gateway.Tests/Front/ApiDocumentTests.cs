using System.Text.Json.Nodes;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

public sealed class ApiDocumentTests
{
    [Fact]
    public void The_served_document_describes_every_route_and_no_other() => MarketHarness.Run(async market =>
    {
        var app = market.AppWith(null);
        var document = await app.SendAsync(WireRequest.Get("/openapi.json"));
        var unknown = await app.SendAsync(WireRequest.Get("/nowhere"));
        var message = (string)unknown.Json["error"]!["message"]!;
        var described = document.Json["paths"]!.AsObject()
            .Where(path => path.Key.StartsWith("/v1/", StringComparison.Ordinal))
            .SelectMany(path => path.Value!.AsObject().Select(verb => $"{verb.Key.ToUpperInvariant()} {path.Key}"))
            .ToList();

        Assert.Equal(200, document.Status);
        Assert.NotEmpty(described);
        foreach (var route in described)
        {
            Assert.Contains(route, message, StringComparison.Ordinal);
            var (method, path) = (route.Split(' ')[0], route.Split(' ')[1]);
            Assert.Equal(401, (await app.SendAsync(new WireRequest(method, path, "", [], default, ""))).Status);
        }

        // And the other way round: what the door says that it serves is described.
        var served = message.Split("This gateway serves ")[1].Split(';')[0].Split(", ");
        Assert.Equal(served.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    });

    [Fact]
    public void Every_reference_of_the_document_leads_somewhere() => MarketHarness.Run(async market =>
    {
        var root = (await market.AppWith(null).SendAsync(WireRequest.Get("/openapi.json"))).Json;
        var references = new List<string>();
        Collect(root, references);

        Assert.NotEmpty(references);
        Assert.All(references, reference =>
        {
            var at = root;
            foreach (var step in reference["#/".Length..].Split('/'))
            {
                at = at?[step];
            }

            Assert.NotNull(at);
        });
    });

    private static void Collect(JsonNode? node, List<string> references)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members)
                {
                    if (name == "$ref")
                    {
                        references.Add((string)value!);
                    }

                    Collect(value, references);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Collect(item, references);
                }

                break;
        }
    }
}
