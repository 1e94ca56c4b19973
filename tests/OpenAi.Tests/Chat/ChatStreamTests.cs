using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Streaming;

namespace Souk.OpenAi.Tests.Chat;

public sealed class ChatStreamTests
{
    private const string Head = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
        + "\"created\":1700000000,"
        + "\"model\":\"m\",\"system_fingerprint\":\"fp\",\"choices\":[";

    [Fact]
    public void A_stream_has_the_shape_and_order_that_SDKs_accept()
    {
        using var writer = new ChatStreamWriter("chatcmpl-1", 1_700_000_000, "m", "fp");
        var usage = new Usage(11, 3) { CachedTokens = 4, ReasoningTokens = 1, Cost = "0.000012300000000000" };

        Assert.Equal(
            Head + "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
                + "\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            Text(writer.Role(0)));
        Assert.Equal(
            Head + "{\"index\":0,\"delta\":{\"content\":\"H\\\"i é\\n\"},\"logprobs\":null,\"finish_reason\":null,"
                + "\"token_ids\":[5,6]}]}\n\n",
            Text(writer.Text(0, "H\"i é\n", [5, 6])));
        Assert.Equal(
            Head + "{\"index\":1,\"delta\":{\"reasoning_content\":\"r\"},\"logprobs\":null,"
                + "\"finish_reason\":null}]}\n\n",
            Text(writer.Reasoning(1, "r")));
        Assert.Equal(
            Head + "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\","
                + "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            + "\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            Text(writer.ToolCall(0, 0, new ToolCall("c", "f", "{}"))));
        Assert.Equal(
            Head + "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\",\"token_ids\":[2]}]}\n\n",
            Text(writer.Finish(0, FinishReasons.Stop, [2])));
        Assert.Equal(
            Head + "],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3,\"total_tokens\":14,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":4},"
            + "\"completion_tokens_details\":{\"reasoning_tokens\":1},\"cost\":0.000012300000000000}}\n\n",
            Text(writer.Usage(usage)));
        Assert.Equal(
            "data: {\"error\":{\"message\":\"gone\",\"type\":\"server_error\",\"param\":null,"
                + "\"code\":\"provider_error\"}}\n\n",
            Text(writer.Error(OpenAiError.BadGateway("gone"))));
        Assert.Equal("data: [DONE]\n\n", Text(ChatStreamWriter.Done));
    }

    [Fact]
    public void Chunks_that_are_written_are_read_back()
    {
        using var writer = new ChatStreamWriter("i", 7, "m");
        Gen.Select(Gen.Int[0, 255], Gen.String, Gen.Int[0, 300_000].Array[0, 30]).Sample((index, text, ids) =>
        {
            using var own = new ChatStreamWriter("i", 7, "m");
            var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            var choice = Assert.Single(Chunk(own.Text(index, text, ids)).Choices);
            Assert.Equal((index, expected), (choice.Index, choice.Content));
            Assert.Equal(ids, choice.TokenIds ?? []);
        });

        var usage = new Usage(3, 2) { CachedTokens = 1, ReasoningTokens = 2, Cost = "12.50" };
        Assert.Equal(usage, Chunk(writer.Usage(usage)).Usage);
        Assert.Empty(Chunk(writer.Usage(usage)).Choices);
        Assert.Equal("length", Chunk(writer.Finish(3, "length")).Choices[0].FinishReason);
        Assert.Equal("assistant", Chunk(writer.Role(0)).Choices[0].Role);
        Assert.Equal("r", Chunk(writer.Reasoning(0, "r")).Choices[0].Reasoning);
        Assert.Equal(OpenAiError.Server("x"),
            Chunk(writer.Error(OpenAiError.Server("x"))).Error! with { Status = 500 });
        Assert.Equal(
            "[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]",
            Text(Chunk(writer.ToolCall(0, 0, new ToolCall("c", "f", ""))).Choices[0].ToolCalls));
        Assert.True(ChatChunk.IsDone("[DONE]"u8));
        Assert.True(ChatChunk.IsDone(" [DONE] "u8));
        Assert.False(ChatChunk.IsDone("{}"u8));
    }

    [Fact]
    public void An_unstreamed_reply_has_the_fields_that_SDKs_need()
    {
        var reply = new ChatCompletion(
            "chatcmpl-1",
            5,
            "m",
            [
                new ChatChoice(0, "hi", "stop") { TokenIds = [1, 2], Reasoning = "r" },
                new ChatChoice(1, null, "tool_calls") { ToolCalls = [new ToolCall("c", "f", "{}")],
                    Logprobs = "{\"content\":[]}"u8.ToArray() },
            ],
            new Usage(1, 2));
        var json = reply.ToJson();

        Assert.Equal(
            "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":5,\"model\":\"m\",\"choices\":["
            + "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\",\"reasoning_content\":\"r\","
            + "\"refusal\":null},"
            + "\"logprobs\":null,\"finish_reason\":\"stop\",\"token_ids\":[1,2]},"
            + "{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\","
            + "\"type\":\"function\","
            + "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}],\"refusal\":null},"
            + "\"logprobs\":{\"content\":[]},\"finish_reason\":\"tool_calls\"}],"
            + "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":0},"
            + "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}",
            Text(json));
        var read = ChatChunk.Parse(json).Value;
        Assert.Equal("hi", read.Choices[0].Content);
        Assert.Equal([1, 2], read.Choices[0].TokenIds!);
        Assert.Equal("tool_calls", read.Choices[1].FinishReason);
    }

    [Theory]
    [InlineData("12.5", true)]
    [InlineData("0", true)]
    [InlineData("0.000000000000000001", true)]
    [InlineData("-1.0", true)]
    [InlineData("01", false)]
    [InlineData("1.", false)]
    [InlineData(".5", false)]
    [InlineData("1e5", false)]
    [InlineData("1,\"x\":2", false)]
    [InlineData("", false)]
    [InlineData("-", false)]
    public void A_cost_is_written_raw_only_if_it_is_a_plain_decimal(string cost, bool isTaken)
    {
        using var writer = new ChatStreamWriter("i", 1, "m");
        var usage = new Usage(1, 1) { Cost = cost };
        if (!isTaken)
        {
            Assert.Throws<InvalidOperationException>(() => writer.Usage(usage));
            return;
        }

        using var json = JsonDocument.Parse(writer.Usage(usage)[6..]);
        Assert.Equal(cost, json.RootElement.GetProperty("usage").GetProperty("cost").GetRawText());
        Assert.Equal(decimal.Parse(cost, CultureInfo.InvariantCulture),
            json.RootElement.GetProperty("usage").GetProperty("cost").GetDecimal());
    }

    [Fact]
    public void Writing_a_token_allocates_nothing()
    {
        using var writer = new ChatStreamWriter("chatcmpl-1", 1, "m", "fp");
        int[] ids = [17];
        Write(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Write(1_000);

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000);

        void Write(int times)
        {
            for (var i = 0; i < times; i++)
            {
                Assert.False(writer.Text(0, " hello", ids).IsEmpty);
            }
        }
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static ChatChunk Chunk(ReadOnlyMemory<byte> framed)
    {
        var parser = new SseParser();
        parser.Append(framed.Span);
        Assert.True(parser.TryRead(out var item));
        var parsed = ChatChunk.Parse(item.Bytes.Span);
        Assert.True(parsed.IsOk, parsed.Error?.Message);
        return parsed.Value;
    }
}
