using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Responses;
using Souk.OpenAi.Tests.Dialogue;

namespace Souk.OpenAi.Tests.Responses;

public sealed class ResponseReplyTests
{
    private static readonly Usage _usage = new(10, 7) { CachedTokens = 4, ReasoningTokens = 2, Cost = "0.0125" };

    [Fact]
    public void A_whole_answer_has_an_item_for_each_thing_in_it()
    {
        var response = Whole(new ChatChoice(0, "hello", "tool_calls")
        {
            Reasoning = "hm", ToolCalls = [new("x", "f", "{}"), new("x", "g", "")],
        });

        Assert.Equal("resp_7", (string?)response["id"]);
        Assert.Equal(5L, (long)response["created_at"]!);
        Assert.Equal("completed", (string?)response["status"]);
        var output = response["output"]!.AsArray();
        Assert.Equal(["reasoning", "message", "function_call", "function_call"], output.Select(Type));
        Assert.Equal(["rs_7_0", "msg_7_1", "fc_7_2", "fc_7_3"], output.Select(item => (string?)item!["id"]));
        Assert.Equal("hm", (string?)output[0]!["content"]![0]!["text"]);
        Assert.Equal("hello", (string?)output[1]!["content"]![0]!["text"]);
        // SDKs tell calls apart by their ids.
        Assert.Equal(["x", "call_7_3"], output.Skip(2).Select(item => (string?)item!["call_id"]));
        Assert.Equal(
            """
            {"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":0},"output_tokens":7,
            "output_tokens_details":{"reasoning_tokens":2},"total_tokens":17,"cost":0.0125}
            """.ReplaceLineEndings(""), response["usage"]!.ToJsonString());
    }

    [Theory]
    [InlineData("stop", "completed", null)]
    [InlineData("length", "incomplete", "max_output_tokens")]
    [InlineData("content_filter", "incomplete", "content_filter")]
    [InlineData("tool_calls", "completed", null)]
    public void The_finish_reason_becomes_the_status(string finish, string status, string? why)
    {
        var whole = Whole(new ChatChoice(0, "a", finish));
        var streamed = Stream("{}", Parts.Text("a"), Parts.End(finish));

        Assert.Equal("response." + status, (string?)streamed[^1]["type"]);
        Assert.Equal(status, (string?)streamed[^2]["item"]!["status"]);
        foreach (var response in new[] { whole, streamed[^1]["response"]! })
        {
            Assert.Equal(status, (string?)response["status"]);
            Assert.Equal(why, (string?)response["incomplete_details"]?["reason"]);
            Assert.Equal(status, (string?)response["output"]![0]!["status"]);
        }
    }

    [Fact]
    public void Settings_are_repeated_with_what_holds_where_none_was_given()
    {
        var plain = Whole(new ChatChoice(0, "a", "stop"));
        var set = Whole(new ChatChoice(0, "a", "stop"), """
            {"instructions":"i","max_output_tokens":20,"metadata":{"a":"b"},"parallel_tool_calls":false,"store":true,
             "temperature":0.5,"top_p":0.25,"top_logprobs":2,"truncation":"auto","user":"u","safety_identifier":7,
             "tools":[{"type":"function","name":"f","parameters":{"a":1}}],"tool_choice":{"type":"function","name":"f"},
             "text":{"format":{"type":"json_object"},"verbosity":"low"},"reasoning":{"effort":"low","summary":"auto"}}
            """);

        Assert.Equal("""{"format":{"type":"text"}}""", plain["text"]!.ToJsonString());
        Assert.Equal("auto", (string?)plain["tool_choice"]);
        Assert.Equal(("{}", "[]"), (plain["metadata"]!.ToJsonString(), plain["tools"]!.ToJsonString()));
        Assert.True((bool)plain["parallel_tool_calls"]!);
        foreach (var name in new[] { "instructions", "temperature", "top_p", "max_output_tokens", "error" })
        {
            Assert.True(plain.AsObject().TryGetPropertyValue(name, out var value) && value is null, name);
        }

        Assert.False((bool)set["store"]! || (bool)set["background"]! || (bool)set["parallel_tool_calls"]!);
        Assert.Equal("disabled", (string?)set["truncation"]);
        Assert.Equal(("i", 20, 0.5, 0.25, 2), ((string)set["instructions"]!, (int)set["max_output_tokens"]!,
            (double)set["temperature"]!, (double)set["top_p"]!, (int)set["top_logprobs"]!));
        Assert.Equal("""{"a":"b"}""", set["metadata"]!.ToJsonString());
        Assert.Equal(
            """{"type":"function","name":"f","description":null,"parameters":{"a":1},"strict":null}""",
            set["tools"]![0]!.ToJsonString());
        Assert.Equal("""{"type":"function","name":"f"}""", set["tool_choice"]!.ToJsonString());
        Assert.Equal("""{"format":{"type":"json_object"},"verbosity":"low"}""", set["text"]!.ToJsonString());
        Assert.Equal("""{"effort":"low","summary":null}""", set["reasoning"]!.ToJsonString());
        Assert.Equal("u", (string?)set["user"]);
        Assert.Null(set["safety_identifier"]);
    }

    [Fact]
    public void A_stream_tells_the_same_as_a_whole_answer()
    {
        var events = Stream(
            "{}", Parts.Thought("h"), Parts.Thought("m"), Parts.Text("hel"), Parts.Text("lo"),
            Parts.Call(0, "x", "f", ""), Parts.Call(0, null, null, "{}"), Parts.End("tool_calls"));
        var whole = Whole(new ChatChoice(0, "hello", "tool_calls")
        {
            Reasoning = "hm", ToolCalls = [new("x", "f", "{}")],
        });

        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(told => (int)told["sequence_number"]!));
        Assert.Equal(
            ["response.created", "response.in_progress",
                "response.output_item.added", "response.content_part.added", "response.reasoning_text.delta",
                "response.reasoning_text.delta", "response.reasoning_text.done", "response.content_part.done",
                "response.output_item.done",
                "response.output_item.added", "response.content_part.added", "response.output_text.delta",
                "response.output_text.delta", "response.output_text.done", "response.content_part.done",
                "response.output_item.done",
                "response.output_item.added", "response.function_call_arguments.delta",
                "response.function_call_arguments.done", "response.output_item.done", "response.completed"],
            Parts.Types(events));
        Assert.Equal(whole.ToJsonString(), events[^1]["response"]!.ToJsonString());
        Assert.Equal(
            whole["output"]!.AsArray().Select(item => item!.ToJsonString()),
            events.Where(told => Type(told) == "response.output_item.done")
                .Select(told => told["item"]!.ToJsonString()));
        Assert.All(events.Take(2), told => Assert.Equal(
            ("in_progress", "[]", null), ((string?)told["response"]!["status"],
                told["response"]!["output"]!.ToJsonString(), told["response"]!["usage"])));
    }

    [Fact]
    public void Logprobs_go_with_the_text_where_they_were_asked_for()
    {
        const string Given =
            """{"content":[{"token":"é","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"a","logprob":-1}]}]}""";
        const string Told =
            """
            [{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"a","logprob":-1,"bytes":[97]}]}]
            """;
        var part = Parts.Text("é") with { Logprobs = Encoding.UTF8.GetBytes(Given) };

        var asked = Stream("""{"include":["message.output_text.logprobs"]}""", part, Parts.End("stop"));
        var unasked = Stream("{}", part, Parts.End("stop"));

        foreach (var type in new[] { "response.output_text.delta", "response.output_text.done" })
        {
            AssertJson(Told, asked.Single(told => Type(told) == type)["logprobs"]!);
            AssertJson("[]", unasked.Single(told => Type(told) == type)["logprobs"]!);
        }

        AssertJson(Told, asked[^1]["response"]!["output"]![0]!["content"]![0]!["logprobs"]!);
    }

    [Fact]
    public void A_stream_that_fails_shows_what_came_and_why_it_ended()
    {
        using var reply = new ResponseReply("7", 5, Request("{}"));
        var output = new ArrayBufferWriter<byte>();
        reply.Part(Parts.Text("a"), output);
        reply.Fail(OpenAiError.RateLimited("Slow down."), output);
        var events = Parts.Events(output);

        Assert.Equal(["response.failed", "error"], Parts.Types(events).TakeLast(2));
        var response = events[^2]["response"]!;
        Assert.Equal("failed", (string?)response["status"]);
        Assert.Equal("""{"code":"rate_limit_exceeded","message":"Slow down."}""", response["error"]!.ToJsonString());
        Assert.Equal(("incomplete", "a"), ((string?)response["output"]![0]!["status"],
            (string?)response["output"]![0]!["content"]![0]!["text"]));
        Assert.Equal(("rate_limit_exceeded", "Slow down."),
            ((string?)events[^1]["code"], (string?)events[^1]["message"]));
        Assert.Equal("rate_limit_error", (string?)events[^1]["error"]!["type"]);
    }

    [Fact]
    public void An_answer_of_nothing_is_a_response_without_output()
    {
        var events = Stream("{}", Parts.End("stop"));

        Assert.Equal(["response.created", "response.in_progress", "response.completed"], Parts.Types(events));
        Assert.Empty(events[^1]["response"]!["output"]!.AsArray());
    }

    private static string? Type(JsonNode? node) => (string?)node!["type"];

    private static void AssertJson(string expected, JsonNode found) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), found), found.ToJsonString());

    private static ResponsesRequest Request(string fields)
    {
        var body = JsonNode.Parse(fields)!.AsObject();
        (body["model"], body["input"]) = ("m", "x");
        return ResponsesRequestTests.Parse(body.ToJsonString()).Value;
    }

    private static JsonNode Whole(ChatChoice choice, string fields = "{}")
    {
        using var reply = new ResponseReply("7", 5, Request(fields));
        return JsonNode.Parse(reply.Whole(choice, _usage))!;
    }

    private static List<JsonNode> Stream(string fields, params ChunkChoice[] parts)
    {
        using var reply = new ResponseReply("7", 5, Request(fields));
        var output = new ArrayBufferWriter<byte>();
        foreach (var part in parts)
        {
            reply.Part(part, output);
        }

        reply.End(_usage, output);
        return Parts.Events(output);
    }
}
