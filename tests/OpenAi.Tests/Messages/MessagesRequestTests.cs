using System.Text;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Messages;

namespace Souk.OpenAi.Tests.Messages;

public sealed class MessagesRequestTests
{
    private const string Image = "data:image/png;base64,AAAA";

    [Fact]
    public void The_system_and_the_turns_are_those_of_a_chat()
    {
        var chat = Parse("""
            {"model":"m","max_tokens":9,"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},
              {"type":"text","text":"b"}],
             "messages":[{"role":"user","content":"u"},
              {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},
                {"type":"text","text":"one"}]},
              {"role":"user","content":[{"type":"text","text":"v"}]},{"role":"user","content":"w"}]}
            """).Value;

        // Turns of one role are one turn.
        Assert.Equal(
            [("system", "a\nb"), ("user", "u"), ("assistant", "one"), ("user", "v\nw")],
            chat.Messages.Select(message => (message.Role, message.Text)));
        Assert.Equal(9, chat.MaxTokens);
        Assert.False(chat.Stream);
    }

    [Fact]
    public void Tool_use_and_results_are_calls_and_their_answers()
    {
        var chat = Parse("""
            {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},
              {"role":"assistant","content":[{"type":"text","text":"let me see"},
                {"type":"tool_use","id":"a","name":"f","input":{"x":1}},
                {"type":"tool_use","id":"b","name":"g","input":{}}]},
              {"role":"user","content":[{"type":"text","text":"and?"},
                {"type":"tool_result","tool_use_id":"a","content":"1"},
                {"type":"tool_result","tool_use_id":"b","is_error":true,"content":[{"type":"text","text":"2"},
                 {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
                {"type":"tool_result","tool_use_id":"c"}]}]}
            """).Value;

        Assert.Equal(["user", "assistant", "tool", "tool", "tool", "user"], chat.Messages.Select(each => each.Role));
        Assert.Equal([new ToolCall("a", "f", "{\"x\":1}"), new ToolCall("b", "g", "{}")], chat.Messages[1].ToolCalls);
        Assert.Equal(
            [("a", "1"), ("b", "2"), ("c", "")],
            chat.Messages.Skip(2).Take(3).Select(each => (each.ToolCallId, each.Text)));
        Assert.Equal([new(ContentPart.ImageKind, Image), new(ContentPart.TextKind, "and?")], chat.Messages[5].Parts);
    }

    [Fact]
    public void A_turn_of_calls_alone_has_no_content()
    {
        var chat = Parse("""
            {"model":"m","max_tokens":9,"messages":[
              {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]}
            """).Value;

        Assert.Equal(["assistant", "tool"], chat.Messages.Select(each => each.Role));
        Assert.Null(chat.Messages[0].Text);
    }

    [Fact]
    public void Settings_are_those_of_a_chat()
    {
        var chat = Parse("""
            {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"}],"stream":true,"temperature":0.5,
             "top_p":0.25,"top_k":5,"stop_sequences":["a","b"],"metadata":{"user_id":"u"},"service_tier":"auto",
             "thinking":{"type":"enabled","budget_tokens":1024},"provider":{"sort":"price"},"something_new":1,
             "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":null},
                      {"type":"custom","name":"g","input_schema":{"type":"object"},"strict":true}],
             "tool_choice":{"type":"any","disable_parallel_tool_use":true},
             "output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}
            """).Value;

        Assert.Equal((0.5, 0.25, 5), (chat.Temperature!.Value, chat.TopP!.Value, chat.TopK!.Value));
        Assert.Equal(["a", "b"], chat.Stop);
        Assert.True(chat is { Stream: true, ParallelToolCalls: false, ReasoningEffort: "low", Choices: 1 });
        Assert.NotNull(chat.Provider);
        Assert.Equal(
            "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
            + "\"parameters\":{\"type\":\"object\"}}},{\"type\":\"function\",\"function\":{\"name\":\"g\","
            + "\"parameters\":{\"type\":\"object\"},\"strict\":true}}]", chat.Tools!.Value.GetRawText());
        Assert.Equal("required", chat.ToolChoice!.Value.GetString());
        Assert.Equal(
            "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"output\",\"strict\":true,"
            + "\"schema\":{\"type\":\"object\"}}}", chat.ResponseFormat!.Value.GetRawText());
    }

    [Theory]
    [InlineData("auto", "\"auto\"")]
    [InlineData("any", "\"required\"")]
    [InlineData("none", "\"none\"")]
    [InlineData("tool\",\"name\":\"f", """{"type":"function","function":{"name":"f"}}""")]
    public void A_choice_of_tools_is_said_in_a_chats_words(string type, string expected)
    {
        var chat = Parse(With(
            $"\"tools\":[{{\"name\":\"f\",\"input_schema\":{{}}}}],\"tool_choice\":{{\"type\":\"{type}\"}}")).Value;

        Assert.Equal(expected, chat.ToolChoice!.Value.GetRawText());
        Assert.Null(chat.ParallelToolCalls);
    }

    [Fact]
    public void To_count_tokens_no_limit_is_needed() =>
        Assert.Null(MessagesRequest.ParseToCount(
            Encoding.UTF8.GetBytes("""{"model":"m","messages":[{"role":"user","content":"u"}]}""")).Value.MaxTokens);

    public static TheoryData<string, string?> Mistakes() => new()
    {
        { "", null },
        { "[]", null },
        { """{"max_tokens":9,"messages":[{"role":"user","content":"u"}]}""", "model" },
        { """{"model":"m","messages":[{"role":"user","content":"u"}]}""", "max_tokens" },
        { """{"model":"m","max_tokens":9}""", "messages" },
        { """{"model":"m","max_tokens":9,"messages":[]}""", "messages" },
        { """{"model":"m","max_tokens":9,"messages":"u"}""", "messages" },
        { Turn("7"), "messages[0]" },
        { Turn("""{"content":"u"}"""), "messages[0].role" },
        { Turn("""{"role":"tool","content":"u"}"""), "messages[0].role" },
        { Turn("""{"role":"user"}"""), "messages[0].content" },
        { Turn("""{"role":"user","content":[{"text":"u"}]}"""), "messages[0].content[0].type" },
        { Turn("""{"role":"user","content":[{"type":"document","source":{}}]}"""), "messages[0].content[0].type" },
        { Turn("""{"role":"user","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}"""),
            "messages[0].content[0].type" },
        { Turn("""{"role":"user","content":[{"type":"tool_result","content":"1"}]}"""),
            "messages[0].content[0].tool_use_id" },
        { Turn("""{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":"x"}]}"""),
            "messages[0].content[0].input" },
        { Turn("""{"role":"user","content":"u"},{"role":"assistant","content":"The answer is"}"""), "messages" },
        { Source("""{"type":"url","url":"http://10.0.0.1/x.png"}"""), "messages[0].content[0].source.url" },
        { Source("""{"type":"file","file_id":"f"}"""), "messages[0].content[0].source.type" },
        { Source("""{"type":"base64","media_type":"text/html","data":"AAAA"}"""),
            "messages[0].content[0].source.media_type" },
        { Source("""{"type":"base64","media_type":"image/png","data":"<svg>"}"""),
            "messages[0].content[0].source.data" },
        { With("\"max_tokens\":0"), "max_tokens" },
        { With("\"system\":7"), "system" },
        { With("\"temperature\":3"), "temperature" },
        { With("\"stop_sequences\":\"a\""), "stop_sequences" },
        { With("\"stop_sequences\":[7]"), "stop_sequences[0]" },
        { With("\"container\":\"c\""), "container" },
        { With("\"mcp_servers\":[{}]"), "mcp_servers" },
        { With("\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]"), "tools[0].type" },
        { With("\"tools\":[{\"name\":\"f\"}]"), "tools[0].input_schema" },
        { With("\"tools\":[{\"input_schema\":{}}]"), "tools[0].name" },
        { With("\"tool_choice\":{\"type\":\"some\"}"), "tool_choice.type" },
        { With("\"tool_choice\":{\"type\":\"tool\"}"), "tool_choice.name" },
        { With("\"output_config\":{\"format\":{\"type\":\"json_schema\"}}"), "output_config.format.schema" },
        { With("\"output_config\":{\"effort\":7}"), "output_config.effort" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistakes_are_refused_by_the_fields_own_name(string body, string? param)
    {
        var error = Parse(body).Error;

        Assert.NotNull(error);
        Assert.Equal((400, param), (error.Status, error.Param));
        Assert.True(param is null || error.Message.Contains($"'{param}'", StringComparison.Ordinal), error.Message);
    }

    [Theory]
    [InlineData(400, "invalid_request_error")]
    [InlineData(401, "authentication_error")]
    [InlineData(402, "billing_error")]
    [InlineData(403, "permission_error")]
    [InlineData(404, "not_found_error")]
    [InlineData(408, "timeout_error")]
    [InlineData(409, "invalid_request_error")]
    [InlineData(413, "request_too_large")]
    [InlineData(422, "invalid_request_error")]
    [InlineData(429, "rate_limit_error")]
    [InlineData(500, "api_error")]
    [InlineData(502, "api_error")]
    [InlineData(503, "overloaded_error")]
    public void An_error_has_the_type_that_its_status_means(int status, string type)
    {
        var json = Encoding.UTF8.GetString(MessagesError.ToJson(
            new OpenAiError(status, "any", "code", "stop", "Invalid 'stop': no."), "req_1"));

        Assert.Equal(
            "{\"type\":\"error\",\"error\":{\"type\":\"" + type
            + "\",\"message\":\"Invalid 'stop_sequences': no.\"},\"request_id\":\"req_1\"}", json);
    }

    [Fact]
    public void Bounds_are_kept()
    {
        var small = new ChatLimits
        {
            MaxBodyBytes = 2_000, MaxMessages = 2, MaxTextLength = 50, MaxTools = 1, MaxToolCalls = 1, MaxDepth = 16,
            MaxImages = 0, MaxParts = 2,
        };
        const string Call = """{"type":"tool_use","id":"a","name":"f","input":{}}""";
        const string User = """{"role":"user","content":"u"}""";
        AssertRefused(413, new string(' ', 3_000));
        AssertRefused(400, With("\"system\":\"" + new string('x', 51) + "\""));
        AssertRefused(400, Turn($"{User},{User},{User}"));
        AssertRefused(400, Turn($$"""{"role":"assistant","content":[{{Call}},{{Call}}]},{{User}}"""));
        AssertRefused(400, Turn($$"""{"role":"user","content":[{{Call}},{{Call}},{{Call}}]}"""));
        AssertRefused(400, Turn("""{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"},""" + """
            {"type":"tool_result","tool_use_id":"b"}]},{"role":"user","content":"u"}
            """));
        AssertRefused(400, Turn(
            $$"""{"role":"assistant","content":[{{Call.Replace("{}", "{\"x\":\"" + new string('x', 50) + "\"}")}}]},"""
            + User));
        AssertRefused(400, Source("""{"type":"base64","media_type":"image/png","data":"AAAA"}"""));
        AssertRefused(400, With(
            "\"tools\":[{\"name\":\"f\",\"input_schema\":{}},{\"name\":\"g\",\"input_schema\":{}}]"));
        Assert.True(MessagesRequest.Parse(Encoding.UTF8.GetBytes(With("\"top_k\":1")), small).IsOk);

        void AssertRefused(int status, string body) =>
            Assert.Equal(status, MessagesRequest.Parse(Encoding.UTF8.GetBytes(body), small).Error?.Status ?? 0);
    }

    [Fact]
    public void Any_bytes_give_a_request_or_an_error() =>
        Gen.Byte.Array.Sample(bytes => Assert.Equal(400, MessagesRequest.Parse(bytes).Error?.Status));

    [Fact]
    public void Damaged_requests_give_a_chat_that_a_provider_takes_or_an_error()
    {
        var whole = Encoding.UTF8.GetBytes("""
            {"model":"m","max_tokens":20,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[
             {"type":"text","text":"\u00e9x"},{"type":"image","source":{"type":"base64","media_type":"image/png",
             "data":"AAAA"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"a":1}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"a",
             "content":[{"type":"text","text":"r"}]}]}],
             "tools":[{"name":"f","input_schema":{"a":[1,2.5e3,null]}}],"tool_choice":{"type":"tool","name":"f"},
             "output_config":{"format":{"type":"json_schema","schema":{}}},"stop_sequences":["a"],"stream":true}
            """);
        string[] parts = ["null", "7", "-1.5e400", "\"\"", "[]", "{}", "true", "\"\\ud800\"", ",", "\"",
            "99999999999999999999"];
        Assert.True(MessagesRequest.Parse(whole).IsOk);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[0, 12], Gen.Int[0, parts.Length - 1]).Sample((at, cut, part) =>
        {
            byte[] damaged =
                [.. whole[..at], .. Encoding.UTF8.GetBytes(parts[part]), .. whole[Math.Min(whole.Length, at + cut)..]];
            var parsed = MessagesRequest.Parse(damaged);
            if (parsed.IsOk)
            {
                Assert.True(ChatRequest.Parse(parsed.Value.ToProviderBody("m", 1)).IsOk);
            }
            else
            {
                Assert.InRange(parsed.Error.Status, 400, 413);
            }
        }, iter: 5_000);
    }

    private static ParseResult<ChatRequest> Parse(string body) =>
        MessagesRequest.Parse(Encoding.UTF8.GetBytes(body));

    private static string With(string field) =>
        $$"""{"model":"m",{{(field.StartsWith("\"max_tokens", StringComparison.Ordinal) ? "" : "\"max_tokens\":9,")}}"""
        + $$"""
            "messages":[{"role":"user","content":"u"}],{{field}}}
            """;

    private static string Turn(string turns) => $$"""{"model":"m","max_tokens":9,"messages":[{{turns}}]}""";

    private static string Source(string source) =>
        Turn("""{"role":"user","content":[{"type":"image","source":""" + source + "}]}");
}
