using System.Text.Json.Nodes;
using Souk.Engines;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>Tool calls of a provider that tells other arguments than its tokens say.</summary>
public sealed class LyingCallsTests
{
    private static readonly (string Text, string Content, string ToolCalls)[] Honest =
    [
        ("Sure. ", "Sure. ", ""),
        ("<tool_call>{\"name\": \"pay\", ", "",
            """[{"index":0,"id":"call_1","type":"function","function":{"name":"pay","arguments":""}}]"""),
        ("\"arguments\": {\"amount\": 10}}</tool_call>", "",
            """[{"index":0,"function":{"arguments":"{\"amount\": 10}"}}]"""),
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Calls_that_the_ids_say_reach_the_app(bool isStreamed) => HostileMarket.Run(
        new MarketOptions { Features = [EngineFeatures.Tools] }, async (market, _) =>
        {
            market.Engine.Script = Honest;

            var reply = await market.App.ChatAsync(body => Ask(body, isStreamed));

            Assert.Equal((200, "Sure. ", "tool_calls"), (reply.Status, reply.Content(), reply.FinishReason()));
            if (!isStreamed)
            {
                var call = reply.Json["choices"]![0]!["message"]!["tool_calls"]![0]!;
                Assert.Equal("pay", (string?)call["function"]!["name"]);
                Assert.Equal("{\"amount\": 10}", (string?)call["function"]!["arguments"]);
            }
        });

    [Theory]
    [InlineData("amount\\\": 10", "amount\\\": 99")]
    [InlineData("\"name\":\"pay\"", "\"name\":\"pey\"")]
    public void Calls_that_the_ids_do_not_say_are_refused(string honest, string lie) => HostileMarket.Run(
        new MarketOptions { Features = [EngineFeatures.Tools] }, async (market, meddler) =>
        {
            market.Engine.Script = Honest;
            var lies = 0;
            meddler.OnEvent = text =>
            {
                lies += text.Contains(honest, StringComparison.Ordinal) ? 1 : 0;
                return [text.Replace(honest, lie, StringComparison.Ordinal)];
            };
            var before = await MoneySeen.OfAsync(market);

            var reply = await market.App.ChatAsync(body => Ask(body, isStreamed: false));

            Assert.Equal(1, lies);
            Assert.Equal((502, "calls_mismatch"), (reply.Status, reply.ErrorCode));
            await market.ExpectDisputeAsync(before);
        });

    private static void Ask(JsonObject body, bool isStreamed)
    {
        body["stream"] = isStreamed;
        body["max_tokens"] = 200;
        body["tools"] = JsonNode.Parse("""[{"type":"function","function":{"name":"pay"}}]""");
    }
}
