using System.Buffers;
using System.Text.Json.Nodes;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Messages;
using Souk.OpenAi.Tests.Dialogue;

namespace Souk.OpenAi.Tests.Messages;

public sealed class MessageReplyTests
{
    private static readonly Usage _usage = new(10, 7) { CachedTokens = 4, Cost = "0.0125" };

    [Fact]
    public void A_whole_answer_has_a_block_for_each_thing_in_it()
    {
        var message = Whole(new ChatChoice(0, "hello", "tool_calls")
        {
            Reasoning = "hm",
            ToolCalls = [new("x", "f", " {\"a\": [1]}\n"), new("", "g", ""), new("y", "h", "{\"a\":")],
        });

        Assert.Equal(("msg_7", "m", "tool_use"),
            ((string)message["id"]!, (string)message["model"]!, (string)message["stop_reason"]!));
        var content = message["content"]!.AsArray();
        Assert.Equal(
            ["thinking", "text", "tool_use", "tool_use", "tool_use"], content.Select(block => (string?)block!["type"]));
        Assert.Equal(("hm", ""), ((string)content[0]!["thinking"]!, (string)content[0]!["signature"]!));
        Assert.Equal("hello", (string?)content[1]!["text"]);
        Assert.Equal(("x", "f", """{"a":[1]}"""), ((string)content[2]!["id"]!, (string)content[2]!["name"]!,
            content[2]!["input"]!.ToJsonString()));
        Assert.Equal(("toolu_7_3", "{}"), ((string)content[3]!["id"]!, content[3]!["input"]!.ToJsonString()));
        // What is not JSON is shown as the text that it is.
        Assert.Equal("{\"a\":", (string?)content[4]!["input"]);
        Assert.Equal(
            "{\"input_tokens\":6,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":4,"
            + "\"output_tokens\":7,\"cost\":0.0125}", message["usage"]!.ToJsonString());
    }

    [Theory]
    [InlineData("stop", null, "end_turn")]
    [InlineData("stop", "X", "stop_sequence")]
    [InlineData("length", null, "max_tokens")]
    [InlineData("content_filter", null, "refusal")]
    public void The_finish_reason_becomes_the_stop_reason(string finish, string? stop, string reason)
    {
        var whole = Whole(new ChatChoice(0, "a", finish) { StopSequence = stop });
        var streamed = Stream(stop, Parts.Text("a"), Parts.End(finish))[^2]["delta"]!;

        foreach (var told in new[] { whole, streamed })
        {
            Assert.Equal((reason, stop), ((string?)told["stop_reason"], (string?)told["stop_sequence"]));
        }
    }

    [Fact]
    public void An_engine_that_only_stopped_has_used_a_tool_where_there_is_a_call() =>
        Assert.Equal("tool_use", (string?)Whole(
            new ChatChoice(0, null, "stop") { ToolCalls = [new("x", "f", "{}")] })["stop_reason"]);

    [Fact]
    public void A_stream_tells_block_after_block()
    {
        var events = Stream(
            null, Parts.Thought("hm"), Parts.Text("hel"), Parts.Text("lo"), Parts.Call(0, "x", "f", "{\"a\":"),
            Parts.Call(1, "y", "g", "{}"), Parts.Call(0, null, null, "1}"), Parts.End("tool_calls"));

        Assert.Equal(
            ["message_start",
                "content_block_start", "content_block_delta", "content_block_stop",
                "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
                "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
                "content_block_start", "content_block_delta", "content_block_stop",
                "message_delta", "message_stop"],
            Parts.Types(events));
        Assert.Equal(
            [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3],
            events.Skip(1).SkipLast(2).Select(told => (int)told["index"]!));
        var start = events[0]["message"]!;
        Assert.Equal("[]", start["content"]!.ToJsonString());
        Assert.Null(start["stop_reason"]);
        Assert.Equal(10, (int)start["usage"]!["input_tokens"]!);
        Assert.Equal(
            ["thinking:hm", "text:hel", "text:lo", "partial_json:{\"a\":", "partial_json:1}", "partial_json:{}"],
            events.Where(told => (string?)told["type"] == "content_block_delta")
                .Select(told => told["delta"]!.AsObject().Last()).Select(piece => $"{piece.Key}:{piece.Value}"));
        Assert.Equal(
            """{"type":"tool_use","id":"x","name":"f","input":{},"caller":{"type":"direct"}}""",
            events[8]["content_block"]!.ToJsonString());
        Assert.Equal(("tool_use", 6, 4, 7), ((string)events[^2]["delta"]!["stop_reason"]!,
            (int)events[^2]["usage"]!["input_tokens"]!, (int)events[^2]["usage"]!["cache_read_input_tokens"]!,
            (int)events[^2]["usage"]!["output_tokens"]!));
    }

    [Fact]
    public void A_stream_that_fails_ends_with_the_error()
    {
        using var reply = new MessageReply("7", "m");
        var output = new ArrayBufferWriter<byte>();
        reply.Part(Parts.Text("a"), output);
        reply.Fail(OpenAiError.BadGateway("It broke."), "req_7", output);
        var error = Parts.Events(output)[^1];

        Assert.Equal(
            """{"type":"error","error":{"type":"api_error","message":"It broke."},"request_id":"req_7"}""",
            error.ToJsonString());
    }

    private static JsonNode Whole(ChatChoice choice)
    {
        using var reply = new MessageReply("7", "m");
        return JsonNode.Parse(reply.Whole(choice, _usage))!;
    }

    private static List<JsonNode> Stream(string? stop, params ChunkChoice[] parts)
    {
        using var reply = new MessageReply("7", "m", 10);
        var output = new ArrayBufferWriter<byte>();
        foreach (var part in parts)
        {
            reply.Part(part, output);
        }

        reply.End(_usage, stop, output);
        return Parts.Events(output);
    }
}
