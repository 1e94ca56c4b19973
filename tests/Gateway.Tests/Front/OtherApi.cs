using System.Text;
using System.Text.Json.Nodes;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>How apps of the other APIs speak to the same front door.</summary>
internal static class OtherApi
{
    public const string Responses = "/v1/responses";
    public const string Messages = "/v1/messages";

    /// <summary>Posts the usual question in the words of an API.</summary>
    public static Task<AppReply> AskAsync(this AppClient app, string path, Action<JsonObject>? change = null)
    {
        var body = new JsonObject { ["model"] = MarketHarness.ModelName };
        if (path == Responses)
        {
            body["input"] = "Hello there";
        }
        else
        {
            body["max_tokens"] = 1_000;
            body["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hello there" });
        }

        change?.Invoke(body);
        return app.SendAsync(WireRequest.Json("POST", path, Encoding.UTF8.GetBytes(body.ToJsonString())));
    }

    /// <summary>The events of a stream, whose line and data name the same type.</summary>
    public static List<JsonNode> Told(this AppReply reply)
    {
        Assert.StartsWith("text/event-stream", reply.Headers["content-type"], StringComparison.Ordinal);
        return [.. reply.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(told =>
        {
            var lines = told.Split('\n');
            Assert.Equal(2, lines.Length);
            var data = JsonNode.Parse(lines[1]["data: ".Length..])!;
            Assert.Equal("event: " + (string?)data["type"], lines[0]);
            return data;
        })];
    }

    public static IEnumerable<string> Types(this IEnumerable<JsonNode> events) =>
        events.Select(told => (string)told["type"]!);

    /// <summary>The text of a stream's deltas.</summary>
    public static string Deltas(this IEnumerable<JsonNode> events) => string.Concat(events.Select(told =>
        told["delta"] switch
        {
            JsonValue text => (string)text!,
            JsonObject delta => (string?)delta["text"],
            _ => null,
        }));
}
