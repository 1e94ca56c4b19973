using System.Text;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Tests.Chat;

public sealed class ChatRequestTests
{
    private const string Hello = """[{"role":"user","content":"Hello"}]""";

    [Fact]
    public void Odd_but_legal_values_are_taken()
    {
        var request = Parse($$"""
            {"model":"m","messages":[{"role":"developer","content":"d"},{"role":"user","content":"u"}],
             "seed":-9007199254740991,"max_tokens":0,"temperature":2,"top_p":0.5,
             "top_k":-1,"min_p":0.1,"n":16.0,"min_tokens":0,
             "presence_penalty":-2,"frequency_penalty":2.0,"stop":"x","stream":true,
              "stream_options":{"include_usage":true},
             "return_token_ids":true,"logprobs":true,"top_logprobs":3,"logit_bias":{"7":-100,"3":1.5},"user":"u",
              "store":true,
             "metadata":{"a":"b"},"service_tier":"auto","something_new":[1,{"x":null}],"reasoning_effort":"low"}
            """).Value;

        Assert.Equal(-9007199254740991L, request.Seed);
        Assert.Equal(0, request.MaxTokens);
        Assert.Equal(0, request.MinTokens);
        Assert.Equal(2.0, request.Temperature);
        Assert.Equal(0.5, request.TopP);
        Assert.Equal(-1, request.TopK);
        Assert.Equal(0.1, request.MinP);
        Assert.Equal(16, request.Choices);
        Assert.Equal(-2.0, request.PresencePenalty);
        Assert.Equal(2.0, request.FrequencyPenalty);
        Assert.Equal(["x"], request.Stop);
        Assert.True(request is { Stream: true, IncludeUsage: true, ReturnTokenIds: true, Logprobs: true,
            TopLogprobs: 3 });
        Assert.Equal([new(3, 1.5), new(7, -100)], request.LogitBias);
        Assert.Equal("low", request.ReasoningEffort);
        Assert.Equal("developer", request.Messages[0].Role);
        Assert.True(request.Root.TryGetProperty("something_new", out _));
    }

    [Theory]
    [InlineData("\"max_tokens\":4,\"min_tokens\":5", "min_tokens", "invalid_value")]
    [InlineData("\"max_tokens\":9,\"max_completion_tokens\":4,\"min_tokens\":5", "min_tokens", "invalid_value")]
    [InlineData("\"min_tokens\":-1", "min_tokens", "integer_below_min_value")]
    [InlineData("\"top_logprobs\":21,\"logprobs\":true", "top_logprobs", "integer_above_max_value")]
    [InlineData("\"top_logprobs\":2", "top_logprobs", "invalid_value")]
    [InlineData("\"functions\":[{\"name\":\"f\"}]", "functions", "unsupported_parameter")]
    [InlineData("\"function_call\":\"auto\"", "function_call", "unsupported_parameter")]
    [InlineData("\"modalities\":[\"text\",\"audio\"]", "modalities", "unsupported_value")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice", "invalid_value")]
    [InlineData(
        "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}},\"tools\":[{\"type\":\"function\","
        + "\"function\":{\"name\":\"f\"}}]", "tool_choice", "invalid_value")]
    [InlineData("\"tool_choice\":{\"type\":\"allowed_tools\"}", "tool_choice.type", "unsupported_value")]
    [InlineData("\"web_search_options\":{}", "web_search_options", "unsupported_parameter")]
    public void What_cannot_be_served_is_refused_by_its_name(string fields, string param, string code)
    {
        var error = Parse($$"""{"model":"m","messages":{{Hello}},{{fields}}}""").Error!;
        Assert.Equal((400, param, code), (error.Status, error.Param, error.Code));
    }

    [Fact]
    public void Fields_that_change_nothing_here_are_taken()
    {
        var request = Parse($$"""
            {"model":"m","messages":{{Hello}},"store":false,"metadata":null,"user":"u","service_tier":"flex",
             "prompt_cache_key":"k","safety_identifier":"s","verbosity":"low","prediction":{"type":"content"},
             "modalities":["text"],"functions":null,"prompt_cache_retention":"24h","max_completion_tokens":3,
             "max_tokens":9,"min_tokens":3}
            """).Value;
        Assert.Equal((3, 3), (request.MaxTokens, request.MinTokens));
    }

    [Fact]
    public void What_the_app_left_out_or_gave_as_null_is_unset()
    {
        var request = Parse($$"""
            {"model":"m","messages":{{Hello}},"temperature":null,"stop":null,"tools":null,"seed":null,"n":null,
             "stream":null,
             "max_tokens":null,"response_format":null,"stream_options":null,"logit_bias":null}
            """).Value;

        Assert.Null(request.Temperature);
        Assert.Null(request.Seed);
        Assert.Null(request.MaxTokens);
        Assert.Null(request.Tools);
        Assert.Equal(1, request.Choices);
        Assert.False(request.Stream || request.IncludeUsage || request.Logprobs || request.HasImages);
        Assert.Empty(request.Stop);
    }

    [Fact]
    public void The_newer_name_of_the_token_limit_wins()
    {
        Assert.Equal(5, Parse(With("\"max_tokens\":9,\"max_completion_tokens\":5")).Value.MaxTokens);
        Assert.Equal(9, Parse($$"""{"model":"m","messages":{{Hello}},"max_tokens":9}""").Value.MaxTokens);
    }

    [Fact]
    public void Messages_of_every_role_and_shape_are_read()
    {
        var request = Parse("""
            {"model":"m","messages":[
              {"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"n"},
              {"role":"user","content":[{"type":"text","text":"look"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
              {"role":"assistant","content":null,"refusal":null,"reasoning_content":"why","tool_calls":[
                {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"r"},
              {"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}]}
            """).Value;

        Assert.Equal("a\nb", request.Messages[0].Text);
        Assert.Equal("n", request.Messages[0].Name);
        Assert.True(request.Messages[1].HasImage);
        Assert.True(request.HasImages);
        Assert.Null(request.Messages[2].Text);
        Assert.Equal("why", request.Messages[2].Reasoning);
        Assert.Equal(new ToolCall("c1", "f", "{}"), Assert.Single(request.Messages[2].ToolCalls));
        Assert.Equal("c1", request.Messages[3].ToolCallId);
        Assert.Equal("no", request.Messages[4].Text);
    }

    public static TheoryData<string, string?, string?> Mistakes() => new()
    {
        { "", null, null },
        { "[]", null, null },
        { "{\"model\":\"m\"", null, null },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", null, null },
        { "{\"messages\":[]}", "model", "missing_required_parameter" },
        { "{\"model\":7,\"messages\":[]}", "model", "invalid_type" },
        { "{\"model\":\"m\"}", "messages", "missing_required_parameter" },
        { "{\"model\":\"m\",\"messages\":{}}", "messages", "invalid_type" },
        { "{\"model\":\"m\",\"messages\":[]}", "messages", "empty_array" },
        { "{\"model\":\"m\",\"messages\":[7]}", "messages[0]", "invalid_type" },
        { "{\"model\":\"m\",\"messages\":[{\"content\":\"x\"}]}", "messages[0].role", "missing_required_parameter" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"boss\",\"content\":\"x\"}]}", "messages[0].role",
        "invalid_value" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}]}", "messages[0].content", "missing_required_parameter" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":7}]}", "messages[0].content", "invalid_type" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}]}",
            "messages[0].content[0].type", "invalid_value" },
        { Image("http://10.0.0.1/x.png"), "messages[0].content[0].image_url.url", "invalid_value" },
        { Image("file:///etc/passwd"), "messages[0].content[0].image_url.url", "invalid_value" },
        { Image("data:text/html,x"), "messages[0].content[0].image_url.url", "invalid_value" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
            "messages[0].tool_call_id", "missing_required_parameter" },
        { With("\"temperature\":2.1"), "temperature", "decimal_above_max_value" },
        { With("\"temperature\":-1"), "temperature", "decimal_below_min_value" },
        { With("\"temperature\":\"hot\""), "temperature", "invalid_type" },
        { With("\"top_p\":1.5"), "top_p", "decimal_above_max_value" },
        { With("\"n\":0"), "n", "integer_below_min_value" },
        { With("\"n\":129"), "n", "integer_above_max_value" },
        { With("\"n\":1.5"), "n", "invalid_type" },
        { With("\"max_tokens\":-1"), "max_tokens", "integer_below_min_value" },
        { With("\"max_tokens\":1e300"), "max_tokens", "integer_above_max_value" },
        { With("\"seed\":9223372036854775808"), "seed", "integer_above_max_value" },
        { With("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), "stop", "array_above_max_length" },
        { With("\"stop\":[7]"), "stop[0]", "invalid_type" },
        { With("\"stream\":\"yes\""), "stream", "invalid_type" },
        { With("\"stream_options\":{\"include_usage\":true}"), "stream_options", "invalid_value" },
        { With("\"top_logprobs\":3"), "top_logprobs", "invalid_value" },
        { With("\"logit_bias\":{\"a\":1}"), "logit_bias", "invalid_value" },
        { With("\"logit_bias\":{\"1\":101}"), "logit_bias", "invalid_value" },
        { With("\"tools\":[{\"type\":\"web_search\"}]"), "tools[0].type", "invalid_value" },
        { With("\"tools\":[{\"type\":\"function\",\"function\":{}}]"), "tools[0].function.name", "missing_required"
            + "_parameter" },
        { With("\"tool_choice\":\"maybe\""), "tool_choice", "invalid_value" },
        { With("\"response_format\":{\"type\":\"xml\"}"), "response_format.type", "invalid_value" },
        { With("\"response_format\":{\"type\":\"json_schema\"}"), "response_format.json_schema", "missing_required"
            + "_parameter" },
        { With("\"provider\":7"), "provider", "invalid_type" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistakes_get_the_error_object_of_OpenAI(string body, string? param, string? code)
    {
        var error = Parse(body).Error;

        Assert.NotNull(error);
        Assert.Equal((400, "invalid_request_error", param, code), (error.Status, error.Type, error.Param, error.Code));
    }

    [Fact]
    public void Bounds_are_kept()
    {
        var small = new ChatLimits
        {
            MaxBodyBytes = 4_000, MaxMessages = 2, MaxTextLength = 50, MaxChoices = 2, MaxTools = 1,
                MaxToolsBytes = 200,
            MaxSchemaBytes = 200, MaxSchemaDepth = 4, MaxStopLength = 3, MaxDepth = 16, MaxImages = 0,
                MaxJsonTokens = 300,
            MaxTemplateVariables = 1,
        };
        var deep = string.Concat(Enumerable.Repeat("[", 20)) + string.Concat(Enumerable.Repeat("]", 20));
        var tool = "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}";
        AssertRefused(413, new string(' ', 5_000));
        AssertRefused(413, With("\"x\":[" + string.Join(',', Enumerable.Repeat(1, 400)) + "]"));
        AssertRefused(400, With("\"x\":" + deep));
        AssertRefused(400, "{\"model\":\"m\",\"messages\":" + Hello.Replace("Hello", new string('x', 51)) + "}");
        AssertRefused(400, "{\"model\":\"m\",\"messages\":[" + string.Join(',', Enumerable.Repeat(Hello[1..^1],
            3)) + "]}");
        AssertRefused(400, With("\"n\":3"));
        AssertRefused(400, With("\"stop\":\"long\""));
        AssertRefused(400, With($"\"tools\":[{tool},{tool}]"));
        AssertRefused(400, With("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"" + new string('f',
            200) + "\"}}]"));
        AssertRefused(400, With("\"response_format\":{\"type\":\"json_schema\","
            + "\"json_schema\":{\"a\":{\"b\":{\"c\":{}}}}}"));
        AssertRefused(400, With("\"response_format\":{\"type\":\"json_object\",\"x\":\"" + new string('x',
            200) + "\"}"));
        AssertRefused(400, With("\"chat_template_kwargs\":{\"a\":1,\"b\":2}"));
        AssertRefused(400, Image("data:image/png;base64,AA=="));
        Assert.True(ChatRequest.Parse(Encoding.UTF8.GetBytes(With("\"n\":2")), small).IsOk);

        void AssertRefused(int status, string body) =>
            Assert.Equal(status, ChatRequest.Parse(Encoding.UTF8.GetBytes(body), small).Error?.Status ?? 0);
    }

    [Fact]
    public void Any_bytes_give_a_request_or_an_error() =>
        Gen.Byte.Array.Sample(bytes => Assert.Equal(400, ChatRequest.Parse(bytes).Error?.Status));

    [Fact]
    public void Damaged_requests_give_a_request_or_an_error()
    {
        var whole = Encoding.UTF8.GetBytes("""
            {"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\u00e9x"},{"type":"image_url",
             "image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"assistant","content":null,
              "tool_calls":[{"id":"i",
             "type":"function","function":{"name":"f","arguments":"{}"}}]}],"n":2,"stop":["a"],"seed":1,
              "temperature":0.5,
             "tools":[{"type":"function","function":{"name":"f","parameters":{"a":[1,2.5e3,null]}}}],
              "logit_bias":{"1":2},
             "response_format":{"type":"json_schema","json_schema":{"name":"x"}},
              "stream_options":{"include_usage":true},
             "stream":true}
            """);
        string[] parts = ["null", "7", "-1.5e400", "\"\"", "[]", "{}", "true", "\"\\ud800\"", ",", "\"",
            "99999999999999999999"];
        Assert.True(ChatRequest.Parse(whole).IsOk);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[0, 12], Gen.Int[0, parts.Length - 1]).Sample((at, cut, part) =>
        {
            byte[] damaged =
                [.. whole[..at], .. Encoding.UTF8.GetBytes(parts[part]), .. whole[Math.Min(whole.Length, at + cut)..]];
            var parsed = ChatRequest.Parse(damaged);
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

    internal static string With(string field) => $$"""{"model":"m","messages":{{Hello}},{{field}}}""";

    private static string Image(string url) =>
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
            + "\"image_url\":{\"url\":\""
        + url + "\"}}]}]}";

    private static ParseResult<ChatRequest> Parse(string body) => ChatRequest.Parse(Encoding.UTF8.GetBytes(body));
}
