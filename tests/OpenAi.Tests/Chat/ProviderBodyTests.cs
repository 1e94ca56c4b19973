using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Tests.Chat;

public sealed class ProviderBodyTests
{
    [Fact]
    public void Only_known_fields_reach_the_provider()
    {
        var request = ChatRequest.Parse(Encoding.UTF8.GetBytes("""
            {"model":"public","messages":[{"role":"user","content":"x","secret":"y"}],"guided_grammar":"root ::= x",
             "grammar":"x","webhook":"http://10.0.0.1/","provider":{"only":["p"]},"user":"me","metadata":{"a":"b"},
             "store":true,"max_completion_tokens":9,"stream":false,"seed":3,"stop":["s"],"n":2,"temperature":0.7}
            """)).Value;

        Assert.Equal(
            """{"model":"digest","messages":[{"role":"user","content":"x"}],"temperature":0.7,"seed":3,"stop":["s"],"""
            + "\"max_tokens\":5,"
            + """{"n":2,"stream":true,"stream_options":{"include_usage":true},"return_token_ids":true}"""[1..],
            Encoding.UTF8.GetString(request.ToProviderBody("digest", 5)));
    }

    [Fact]
    public void A_lowered_limit_lowers_the_least_number_of_tokens_too()
    {
        var request = ChatRequest.Parse(Encoding.UTF8.GetBytes(
            """{"model":"m","messages":[{"role":"user","content":"x"}],"min_tokens":8}""")).Value;
        var sent = ChatRequest.Parse(request.ToProviderBody("digest", 5)).Value;
        Assert.Equal((5, 5), (sent.MaxTokens, sent.MinTokens));
        Assert.Equal(8, ChatRequest.Parse(request.ToProviderBody("digest", null)).Value.MinTokens);
    }

    [Fact]
    public void What_was_read_is_what_is_sent()
    {
        var request = ChatRequest.Parse(Encoding.UTF8.GetBytes("""
            {"model":"m","messages":[{"role":"system","content":"Zażółć \"𝒜\" \n\u2028<b>"},
             {"role":"user","name":"n","content":[{"type":"text","text":"t"},{"type":"image_url",
               "image_url":{"url":"data:image/png;base64,AA==","detail":"high"}}]},
             {"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"i","type":"function",
               "function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"i","content":"r"},
             {"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}],
             "top_p":0.9,"top_k":40,"min_p":0.05,"frequency_penalty":0.1,"presence_penalty":0.2,"logprobs":true,
             "top_logprobs":2,"logit_bias":{"5":1},"tools":[{"type":"function","function":{"name":"f",
              "parameters":{"x":1.50}}}],
             "tool_choice":"auto","parallel_tool_calls":false,"response_format":{"type":"json_object"},
             "reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":false},"seed":-5,"max_tokens":7}
            """)).Value;

        var again = ChatRequest.Parse(request.ToProviderBody("m", null)).Value;

        Assert.Equal(7, again.MaxTokens);
        Assert.Equal(request.Messages.Select(Shown), again.Messages.Select(Shown));
        Assert.Equal(
            (request.TopP, request.TopK, request.MinP, request.FrequencyPenalty, request.PresencePenalty, request.Seed),
            (again.TopP, again.TopK, again.MinP, again.FrequencyPenalty, again.PresencePenalty, again.Seed));
        Assert.Equal(request.LogitBias, again.LogitBias);
        Assert.Equal((true, 2, "high", false), (again.Logprobs, again.TopLogprobs!.Value, again.ReasoningEffort,
            again.ParallelToolCalls));
        Assert.True(JsonElement.DeepEquals(request.Tools!.Value, again.Tools!.Value));
        Assert.True(JsonElement.DeepEquals(request.ToolChoice!.Value, again.ToolChoice!.Value));
        Assert.True(JsonElement.DeepEquals(request.ResponseFormat!.Value, again.ResponseFormat!.Value));
        Assert.True(JsonElement.DeepEquals(request.TemplateVariables!.Value, again.TemplateVariables!.Value));
    }

    [Fact]
    public void The_sender_decides_limits_names_and_delivery()
    {
        var request = ChatRequest.Parse(Encoding.UTF8.GetBytes(
            ChatRequestTests.With("\"max_tokens\":100,\"n\":4,\"stop\":\"s\",\"seed\":1"))).Value;

        var body = Encoding.UTF8.GetString(request.WithLimits(10, 2).ToProviderBody(new ProviderBody("x")
        {
            MaxTokensField = "max_completion_tokens",
            Stream = false,
            ReturnTokenIds = false,
            Seed = 9,
            WithStop = false,
            Extra = writer => writer.WriteBoolean("cache", true),
        }));

        Assert.Equal(
            """{"model":"x","messages":[{"role":"user","content":"Hello"}],"seed":9,"max_completion_tokens":10,"""
            + "\"n\":2,\"cache\":true}",
            body);
    }

    private static string Shown(ChatMessage message) => string.Join('|',
        message.Role, message.Name, message.ToolCallId, message.Refusal, message.Reasoning, message.IsPartArray,
        string.Join(';', message.Parts), string.Join(';', message.ToolCalls));
}
