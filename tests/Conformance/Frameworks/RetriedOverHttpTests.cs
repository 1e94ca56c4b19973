using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Frameworks;

/// <summary>A hundred duplicates at once over real connections are charged once, and the books of both sides say
/// so.</summary>
public sealed class RetriedOverHttpTests(FrameworkNetwork shared) : IClassFixture<FrameworkNetwork>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hundred_duplicates_are_one_bill(bool isStreamed)
    {
        var key = await shared.Network.KeyAsync($"retries {isStreamed}");
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        http.DefaultRequestHeaders.Add("Idempotency-Key", "the only one");
        var request = new JsonObject
        {
            ["model"] = MarketNetwork.Model, ["stream"] = isStreamed, ["temperature"] = 0, ["max_tokens"] = 24,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "What is 12 plus 30?" }),
        };
        if (isStreamed)
        {
            request["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        var body = request.ToJsonString();
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var reply = await http.PostAsync(new Uri($"{shared.Network.BaseUrl}/chat/completions"), content);
            return (Status: (int)reply.StatusCode, Text: await reply.Content.ReadAsStringAsync());
        }));

        Assert.All(replies, reply => Assert.Equal(200, reply.Status));
        var text = Assert.Single(replies.Select(reply => reply.Text).Distinct());
        Assert.True(!isStreamed || text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal));
        var last = isStreamed ? text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^2]["data: ".Length..] : text;
        var cost = AdminReader.Units(JsonNode.Parse(last)!["usage"]!["cost"]!.ToJsonString());
        await shared.Network.Admin.SettleDownAsync();
        Assert.True(cost > 0);
        Assert.Equal(cost, await SpentAsync(key));
    }

    private async Task<System.Numerics.BigInteger> SpentAsync(string key)
    {
        var hash = Souk.Protocol.Sha.Hash(Encoding.UTF8.GetBytes(key)).ToString();
        var keys = await shared.Network.Admin.GetAsync("/admin/v1/keys");
        return AdminReader.Units(keys.GetProperty("keys").EnumerateArray()
            .Single(one => one.GetProperty("hash").GetString() == hash).GetProperty("spent").GetString()!);
    }
}
