using System.Text;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Responses;

namespace Souk.OpenAi.Tests.Responses;

public sealed class ResponsesRequestTests
{
    private const string Image = "data:image/png;base64,AAAA";

    [Fact]
    public void A_string_is_the_users_message_and_instructions_are_the_systems()
    {
        var chat = Parse("""{"model":"m","input":"Hello","instructions":"Be brief."}""").Value.Chat;

        Assert.Equal(
            [("system", "Be brief."), ("user", "Hello")],
                chat.Messages.Select(message => (message.Role, message.Text)));
        Assert.False(chat.Stream || chat.Logprobs);
        Assert.Equal(1, chat.Choices);
    }

    [Fact]
    public void Items_become_the_turns_of_a_chat()
    {
        var chat = Parse($$"""
            {"model":"m","input":[
              {"role":"developer","content":"d"},
              {"type":"message","role":"user","content":[{"type":"input_text","text":"look"},
                {"type":"input_image","image_url":"{{Image}}","detail":"low"}]},
              {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
              {"type":"message","id":"msg_1","role":"assistant","status":"completed",
               "content":[{"type":"output_text","text":"one","annotations":[]},{"type":"refusal","refusal":"no"}]},
              {"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{\"x\":1}"},
              {"type":"function_call","call_id":"b","name":"g","arguments":""},
              {"type":"function_call_output","call_id":"a","output":"1"},
              {"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"2"},
                {"type":"input_image","image_url":"{{Image}}"}]},
              {"role":"user","content":"and?"}]}
            """).Value.Chat;

        Assert.Equal(
            ["developer", "user", "assistant", "tool", "tool", "user"], chat.Messages.Select(message => message.Role));
        Assert.Equal(
            [new(ContentPart.TextKind, "look"), new(ContentPart.ImageKind, Image, "low")], chat.Messages[1].Parts);
        var turn = chat.Messages[2];
        Assert.Equal("one\nno", turn.Text);
        Assert.Equal([new ToolCall("a", "f", "{\"x\":1}"), new ToolCall("b", "g", "")], turn.ToolCalls);
        Assert.Equal(("a", "1"), (chat.Messages[3].ToolCallId, chat.Messages[3].Text));
        Assert.Equal(("b", "2"), (chat.Messages[4].ToolCallId, chat.Messages[4].Text));
        // A tool's image is shown by the user, who alone can in a chat.
        Assert.Equal([new(ContentPart.ImageKind, Image), new(ContentPart.TextKind, "and?")], chat.Messages[5].Parts);
    }

    [Fact]
    public void A_turn_of_calls_alone_has_no_content()
    {
        var chat = Parse("""
            {"model":"m","input":[{"role":"user","content":"u"},
              {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},
              {"type":"function_call_output","call_id":"a","output":"1"}]}
            """).Value.Chat;

        Assert.Null(chat.Messages[1].Text);
        Assert.Single(chat.Messages[1].ToolCalls);
    }

    [Fact]
    public void Settings_are_those_of_a_chat()
    {
        var chat = Parse("""
            {"model":"m","input":"x","max_output_tokens":16,"temperature":0.5,"top_p":0.25,"stream":true,
             "parallel_tool_calls":false,"reasoning":{"effort":"low","summary":"auto"},"top_logprobs":2,
             "include":["message.output_text.logprobs","reasoning.encrypted_content"],
             "seed":7,"top_k":5,"stop":["a"],"provider":{"sort":"price"},
             "store":true,"metadata":{"a":"b"},"user":"u","service_tier":"auto","truncation":"auto","background":false,
             "previous_response_id":null,"stream_options":{"include_obfuscation":false},"something_new":[1],
             "n":3,"max_tokens":99,"text":{"verbosity":"low"}}
            """).Value.Chat;

        Assert.Equal(16, chat.MaxTokens);
        Assert.Equal((0.5, 0.25, 5), (chat.Temperature!.Value, chat.TopP!.Value, chat.TopK!.Value));
        Assert.True(chat is { Stream: true, ParallelToolCalls: false, ReasoningEffort: "low", Seed: 7 });
        Assert.True(chat is { Logprobs: true, TopLogprobs: 2, Choices: 1, IncludeUsage: false });
        Assert.Equal(["a"], chat.Stop);
        Assert.NotNull(chat.Provider);
        Assert.Null(chat.ResponseFormat);
    }

    [Fact]
    public void Tools_and_formats_are_said_in_a_chats_shape()
    {
        var chat = Parse("""
            {"model":"m","input":"x",
             "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},
                      {"type":"function","name":"g","parameters":null,"strict":null}],
             "tool_choice":{"type":"function","name":"f"},
             "text":{"format":{"type":"json_schema","name":"n","description":"e","schema":{"type":"object"},
              "strict":true}}}
            """).Value.Chat;

        Assert.Equal(
            "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
            + "\"parameters\":{\"type\":\"object\"},\"strict\":true}},"
            + "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]", chat.Tools!.Value.GetRawText());
        Assert.Equal("""{"type":"function","function":{"name":"f"}}""", chat.ToolChoice!.Value.GetRawText());
        Assert.Equal(
            """
            {"type":"json_schema","json_schema":{"name":"n","description":"e","schema":{"type":"object"},"strict":true}}
            """, chat.ResponseFormat!.Value.GetRawText());
    }

    [Fact]
    public void Allowed_tools_are_the_only_ones_offered()
    {
        var chat = Parse("""
            {"model":"m","input":"x","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}],
             "tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"}]}}
            """).Value.Chat;

        Assert.Equal("""[{"type":"function","function":{"name":"g"}}]""", chat.Tools!.Value.GetRawText());
        Assert.Equal("required", chat.ToolChoice!.Value.GetString());
    }

    public static TheoryData<string, string?, string?> Mistakes() => new()
    {
        { "", null, null },
        { "[]", null, null },
        { """{"input":"x"}""", "model", "missing_required_parameter" },
        { """{"model":"m"}""", "input", "missing_required_parameter" },
        { """{"model":"m","input":7}""", "input", "invalid_type" },
        { """{"model":"m","input":[]}""", "input", "empty_array" },
        { """{"model":"m","input":[{"type":"reasoning"}]}""", "input", "empty_array" },
        { """{"model":"m","input":["x"]}""", "input[0]", "invalid_type" },
        { Item("""{"content":"x"}"""), "input[0].role", "missing_required_parameter" },
        { Item("""{"role":"tool","content":"x"}"""), "input[0].role", "invalid_value" },
        { Item("""{"role":"user"}"""), "input[0].content", "missing_required_parameter" },
        { Item("""{"role":"user","content":[{"type":"input_file","file_id":"f"}]}"""), "input[0].content[0].type",
            "unsupported_value" },
        { Item("""{"role":"user","content":[{"type":"input_image","file_id":"f"}]}"""), "input[0].content[0].file_id",
            "unsupported_parameter" },
        { Item("""{"role":"user","content":[{"type":"input_image","image_url":"http://10.0.0.1/x.png"}]}"""),
            "input[0].content[0].image_url", "invalid_value" },
        { Item("""{"role":"system","content":[{"type":"input_image","image_url":"data:image/png;base64,AA"}]}"""),
            "input[0].content[0].type", "invalid_value" },
        { Item("""{"type":"item_reference","id":"msg_1"}"""), "input[0].type", "unsupported_value" },
        { Item("""{"type":"web_search_call","id":"w"}"""), "input[0].type", "unsupported_value" },
        { Item("""{"type":"function_call","name":"f","arguments":"{}"}"""), "input[0].call_id",
            "missing_required_parameter" },
        { Item("""{"type":"function_call_output","call_id":"a"}"""), "input[0].output", "missing_required_parameter" },
        { With("\"previous_response_id\":\"resp_1\""), "previous_response_id", "unsupported_parameter" },
        { With("\"conversation\":{\"id\":\"c\"}"), "conversation", "unsupported_parameter" },
        { With("\"prompt\":{\"id\":\"p\"}"), "prompt", "unsupported_parameter" },
        { With("\"background\":true"), "background", "unsupported_parameter" },
        { With("\"tools\":[{\"type\":\"web_search\"}]"), "tools[0].type", "unsupported_value" },
        { With("\"tools\":[{\"type\":\"function\"}]"), "tools[0].name", "missing_required_parameter" },
        { With("\"tool_choice\":{\"type\":\"web_search_preview\"}"), "tool_choice.type", "unsupported_value" },
        { With("\"tool_choice\":{\"type\":\"function\"}"), "tool_choice.name", "missing_required_parameter" },
        { With("\"tool_choice\":\"maybe\""), "tool_choice", "invalid_value" },
        { With("\"text\":{\"format\":{\"type\":\"xml\"}}"), "text.format.type", "invalid_value" },
        { With("\"text\":{\"format\":{}}"), "text.format.type", "missing_required_parameter" },
        { With("\"max_output_tokens\":0"), "max_output_tokens", "integer_below_min_value" },
        { With("\"max_output_tokens\":\"many\""), "max_output_tokens", "invalid_type" },
        { With("\"temperature\":3"), "temperature", "decimal_above_max_value" },
        { With("\"top_logprobs\":21"), "top_logprobs", "integer_above_max_value" },
        { With("\"include\":[7]"), "include[0]", "invalid_type" },
        { With("\"metadata\":{\"a\":7}"), "metadata.a", "invalid_type" },
        { With("\"metadata\":[]"), "metadata", "invalid_type" },
        { With("\"reasoning\":{\"effort\":7}"), "reasoning.effort", "invalid_type" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistakes_get_the_error_object_of_OpenAI(string body, string? param, string? code)
    {
        var error = Parse(body).Error;

        Assert.NotNull(error);
        Assert.Equal((400, "invalid_request_error", param, code), (error.Status, error.Type, error.Param, error.Code));
        Assert.True(param is null || error.Message.Contains($"'{param}'", StringComparison.Ordinal), error.Message);
    }

    [Fact]
    public void What_is_wrong_with_the_chat_is_told_in_the_apps_own_words()
    {
        var error = ResponsesRequest.InOwnWords(
            OpenAiError.InvalidRequest("Invalid 'messages': too long.", "messages", "context_length_exceeded"));

        Assert.Equal(("input", "Invalid 'input': too long."), (error.Param, error.Message));
    }

    [Fact]
    public void Bounds_are_kept()
    {
        var small = new ChatLimits
        {
            MaxBodyBytes = 2_000, MaxMessages = 2, MaxTextLength = 50, MaxTools = 1, MaxToolsBytes = 200,
            MaxToolCalls = 1, MaxSchemaBytes = 200, MaxDepth = 16, MaxImages = 0, MaxJsonTokens = 300, MaxParts = 1,
        };
        const string Call = """{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}""";
        var deep = string.Concat(Enumerable.Repeat("[", 15)) + string.Concat(Enumerable.Repeat("]", 15));
        AssertRefused(413, new string(' ', 3_000));
        AssertRefused(413, With("\"x\":[" + string.Join(',', Enumerable.Repeat(1, 400)) + "]"));
        AssertRefused(400, With("\"x\":" + deep));
        AssertRefused(400, """{"model":"m","input":"long"}""".Replace("long", new string('x', 51)));
        AssertRefused(400, Item(
            """{"role":"user","content":"x"},{"role":"user","content":"x"},{"role":"user","content":"x"}"""));
        AssertRefused(400, Item(
            """{"role":"user","content":"x"},{"role":"user","content":"x"}""", ",\"instructions\":\"i\""));
        AssertRefused(400, Item($"{Call},{Call}"));
        AssertRefused(400, Item(
            """{"role":"user","content":[{"type":"input_text","text":"x"},{"type":"input_text","text":"x"}]}"""));
        AssertRefused(400, Item(
            """{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,"}]}"""));
        AssertRefused(400, With("""
            "tools":[{"type":"function","name":"f"},{"type":"function","name":"f"}]
            """));
        AssertRefused(400, With(
            $"\"tools\":[{{\"type\":\"function\",\"name\":\"f\",\"description\":\"{new string('x', 200)}\"}}]"));
        Assert.True(ResponsesRequest.Parse(Encoding.UTF8.GetBytes(With("\"store\":true")), small).IsOk);

        void AssertRefused(int status, string body) =>
            Assert.Equal(status, ResponsesRequest.Parse(Encoding.UTF8.GetBytes(body), small).Error?.Status ?? 0);
    }

    [Fact]
    public void Any_bytes_give_a_request_or_an_error() =>
        Gen.Byte.Array.Sample(bytes => Assert.Equal(400, ResponsesRequest.Parse(bytes).Error?.Status));

    [Fact]
    public void Damaged_requests_give_a_chat_that_a_provider_takes_or_an_error()
    {
        var whole = Encoding.UTF8.GetBytes("""
            {"model":"m","instructions":"i","input":[{"role":"user","content":[{"type":"input_text","text":"\u00e9x"},
             {"type":"input_image","image_url":"data:image/png;base64,AA"}]},{"type":"function_call","call_id":"a",
             "name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":[
              {"type":"input_text","text":"r"}]}],
             "tools":[{"type":"function","name":"f","parameters":{"a":[1,2.5e3,null]}}],"metadata":{"a":"b"},
             "tool_choice":{"type":"function","name":"f"},"reasoning":{"effort":"low"},"top_logprobs":2,
             "text":{"format":{"type":"json_schema","name":"x","schema":{}}},"include":["a"],"max_output_tokens":20,
             "stream":true}
            """);
        string[] parts = ["null", "7", "-1.5e400", "\"\"", "[]", "{}", "true", "\"\\ud800\"", ",", "\"",
            "99999999999999999999"];
        Assert.True(ResponsesRequest.Parse(whole).IsOk);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[0, 12], Gen.Int[0, parts.Length - 1]).Sample((at, cut, part) =>
        {
            byte[] damaged =
                [.. whole[..at], .. Encoding.UTF8.GetBytes(parts[part]), .. whole[Math.Min(whole.Length, at + cut)..]];
            var parsed = ResponsesRequest.Parse(damaged);
            if (parsed.IsOk)
            {
                Assert.True(ChatRequest.Parse(parsed.Value.Chat.ToProviderBody("m", 1)).IsOk);
            }
            else
            {
                Assert.InRange(parsed.Error.Status, 400, 413);
            }
        }, iter: 5_000);
    }

    internal static ParseResult<ResponsesRequest> Parse(string body) =>
        ResponsesRequest.Parse(Encoding.UTF8.GetBytes(body));

    private static string With(string field) => $$"""{"model":"m","input":"x",{{field}}}""";

    private static string Item(string items, string more = "") => $$"""{"model":"m","input":[{{items}}]{{more}}}""";
}
