using System.Text;
using CsCheck;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Tests.Chat;

/// <summary>Chunks as the servers that people run send them.</summary>
public sealed class ChatChunkTests
{
    [Fact]
    public void VLLM_sends_ids_of_prompt_and_answer()
    {
        var first = Parse("""
            {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"q","choices":[{"index":0,"delta":
             {"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":[1,2,3]}
            """);
        var next = Parse("""
            {"id":"chatcmpl-9","choices":[{"index":0,"delta":{"content":" Hi","reasoning_content":null},"logprobs":null,
             "finish_reason":null,"token_ids":[42,7]}],"usage":{"prompt_tokens":3,"total_tokens":5,
              "completion_tokens":2}}
            """);

        Assert.Equal([1, 2, 3], first.PromptTokenIds!);
        Assert.Null(first.Choices[0].TokenIds);
        Assert.Equal([42, 7], next.Choices[0].TokenIds!);
        Assert.Equal(new Usage(3, 2), next.Usage);
    }

    [Fact]
    public void Llama_cpp_Ollama_SGLang_and_hosted_servers_are_read()
    {
        var llama = Parse("""
            {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":2,"id":"x","model":"l",
             "system_fingerprint":"b1",
             "object":"chat.completion.chunk","timings":{"prompt_n":1,"predicted_ms":2.5}}
            """);
        var ollama = Parse("""
            {"id":"o","object":"chat.completion.chunk","created":3,"model":"l","system_fingerprint":"fp_ollama",
             "choices":[{"index":0,
             "delta":{"role":"assistant","content":"","reasoning":"think"},"finish_reason":null}]}
            """);
        var sglang = Parse("""
            {"id":"s","choices":[{"index":0,"delta":{"role":null,"content":"a","reasoning_content":null,
             "tool_calls":null},
             "logprobs":null,"finish_reason":"","matched_stop":null}],"usage":null}
            """);
        var openAi = Parse("""
            {"id":"c","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,
             "prompt_tokens_details":
             {"cached_tokens":8,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3},"cost":1.25e-5},
              "obfuscation":"x"}
            """);
        var deepSeek = Parse(
            """{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":6}}""");

        Assert.Equal(("length", "b1"), (llama.Choices[0].FinishReason, llama.SystemFingerprint));
        Assert.Equal("think", ollama.Choices[0].Reasoning);
        Assert.Equal(("a", ""), (sglang.Choices[0].Content, sglang.Choices[0].FinishReason));
        Assert.Null(sglang.Usage);
        Assert.Equal(new Usage(10, 5) { CachedTokens = 8, ReasoningTokens = 3 }, openAi.Usage);
        Assert.Equal(6, deepSeek.Usage!.CachedTokens);
        Assert.Equal("stop", FinishReasons.Accepted("eos"));
        Assert.Equal("length", FinishReasons.Accepted("abort"));
    }

    [Fact]
    public void Ids_are_found_wherever_servers_put_them()
    {
        Assert.Equal([1], Parse("""{"choices":[{"delta":{"content":"a","token_ids":[1]}}]}""").Choices[0].TokenIds!);
        Assert.Equal([2], Parse("""{"choices":[{"delta":{"content":"a"}}],"token_ids":[2]}""").Choices[0].TokenIds!);
        var many = string.Join(',', Enumerable.Range(0, 20));
        Assert.Equal(
            Enumerable.Range(0, 20), Parse($$"""{"choices":[{"token_ids":[{{many}}]}]}""").Choices[0].TokenIds!);
    }

    [Fact]
    public void Tool_calls_and_logprobs_stay_JSON_without_line_ends()
    {
        var choice = Parse("""
            {"choices":[{"index":1,"delta":{"tool_calls":[
               {"index":0,
                "function":{"arguments":"{\"a\n"}}]},"logprobs":{"content":[ ]}}]}
            """.Replace("{\\\"a\n", "{\\\"a\\n")).Choices[0];

        Assert.Equal("""[{"index":0,"function":{"arguments":"{\"a\n"}}]""".Replace("a\n", "a\\n"),
            Encoding.UTF8.GetString(choice.ToolCalls.Span));
        Assert.Equal("""{"content":[]}""", Encoding.UTF8.GetString(choice.Logprobs.Span));
    }

    [Theory]
    [InlineData("{\"error\":{\"message\":\"busy\",\"type\":\"x\",\"code\":429}}", 429, "busy")]
    [InlineData("{\"error\":\"boom\"}", 502, "boom")]
    [InlineData("{\"object\":\"error\",\"message\":\"too long\",\"code\":400}", 400, "too long")]
    public void Errors_inside_a_stream_are_seen(string json, int status, string message)
    {
        var error = Parse(json).Error;

        Assert.Equal((status, message), (error?.Status ?? 0, error?.Message));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    [InlineData("{\"choices\":[{\"index\":-1}]}")]
    [InlineData("{\"choices\":[{\"index\":1000000000}]}")]
    [InlineData("{\"choices\":[{\"token_ids\":[-1]}]}")]
    [InlineData("{\"choices\":[{\"token_ids\":[1.5]}]}")]
    [InlineData("{\"choices\":[{\"token_ids\":\"x\"}]}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":-5}}")]
    [InlineData("{\"usage\":{\"completion_tokens\":1e99}}")]
    [InlineData("{\"choices\":[{\"delta\":{\"content\":\"\\udc00\"}}]}")]
    public void What_could_cost_money_if_misread_is_malformed(string json)
    {
        var error = ChatChunk.Parse(Encoding.UTF8.GetBytes(json)).Error;

        Assert.Equal((502, "malformed_chunk"), (error?.Status ?? 0, error?.Code));
    }

    [Fact]
    public void Damaged_chunks_parse_or_are_malformed_but_never_throw()
    {
        var whole = Encoding.UTF8.GetBytes("""
            {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,
             "delta":{"role":"assistant",
             "content":"\u00e9","tool_calls":[{"index":0}]},"logprobs":{"content":null},"finish_reason":null,
              "token_ids":[1,2]}],
             "usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":1},"cost":1.5},"error":null,
              "prompt_token_ids":[3]}
            """);
        string[] parts = ["null", "7", "\"\"", "[", "]", "{", "}", "true", "\"\\ud800\"", ",", "\"", ":", "\u00ff",
            "1e999"];
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[0, 8], Gen.Int[0, parts.Length - 1]).Sample((at, cut, part) =>
        {
            byte[] damaged = [.. whole[..at], .. Encoding.Latin1.GetBytes(parts[part]),
                .. whole[Math.Min(whole.Length, at + cut)..]];
            var parsed = ChatChunk.Parse(damaged);
            Assert.True(parsed.IsOk || parsed.Error.Status == 502);
        }, iter: 20_000);
    }

    private static ChatChunk Parse(string json)
    {
        var parsed = ChatChunk.Parse(Encoding.UTF8.GetBytes(json));
        Assert.True(parsed.IsOk, parsed.Error?.Message);
        return parsed.Value;
    }
}
