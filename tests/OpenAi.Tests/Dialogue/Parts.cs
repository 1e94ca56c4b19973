using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Tests.Dialogue;

/// <summary>Parts of a chat's stream, written by hand, and a reader of events that shares nothing with their
/// writer.</summary>
internal static class Parts
{
    public static ChunkChoice Text(string text) => new(0) { Content = text };

    public static ChunkChoice Thought(string text) => new(0) { Reasoning = text };

    public static ChunkChoice End(string reason) => new(0) { FinishReason = reason };

    /// <summary>A delta of a call; what is null is left out.</summary>
    public static ChunkChoice Call(int? index, string? id, string? name, string? arguments)
    {
        var function = new JsonObject();
        if (name is not null)
        {
            function["name"] = name;
        }

        if (arguments is not null)
        {
            function["arguments"] = arguments;
        }

        var call = new JsonObject { ["function"] = function };
        if (index is not null)
        {
            call["index"] = index;
        }

        if (id is not null)
        {
            call["id"] = id;
        }

        return new ChunkChoice(0) { ToolCalls = Encoding.UTF8.GetBytes(new JsonArray(call).ToJsonString()) };
    }

    /// <summary>The events that were written, their line and data checked against each other.</summary>
    public static List<JsonNode> Events(ArrayBufferWriter<byte> output)
    {
        var text = Encoding.UTF8.GetString(output.WrittenSpan);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(told =>
        {
            var lines = told.Split('\n');
            Assert.Equal(2, lines.Length);
            var data = JsonNode.Parse(lines[1]["data: ".Length..])!;
            Assert.Equal("event: " + (string?)data["type"], lines[0]);
            return data;
        })];
    }

    public static IEnumerable<string> Types(IEnumerable<JsonNode> events) =>
        events.Select(told => (string)told["type"]!);
}
