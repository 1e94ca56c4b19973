using CsCheck;
using Souk.Engines.Upstream;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

public sealed class UpstreamAnswerTests
{
    private static Gen<string?> Among(params string?[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static readonly Gen<ChunkChoice> Choices =
        Gen.Select(Gen.Int[-1, 3], Among("", "a", null), Gen.Int[0, 3], Among(null, null, "stop", "odd"))
            .Select((index, text, ids, reason) => new ChunkChoice(index)
            {
                Content = text, TokenIds = ids == 0 ? null : new int[ids], FinishReason = reason,
            });

    private static readonly Gen<ChatChunk> Chunks =
        Gen.Select(Choices.List[0, 2], Gen.Long[-5, 1L << 40], Gen.Long[-5, 1L << 40], Gen.Int[0, 3])
            .Select((choices, prompt, output, usage) => new ChatChunk
            {
                Choices = choices, Usage = usage == 0 ? new Usage(prompt, output) { CachedTokens = output } : null,
                PromptTokenIds = usage == 1 ? [1, 2] : null,
            });

    [Fact]
    public void Whatever_arrives_the_bill_stays_within_what_was_asked() =>
        Gen.Select(Chunks.List[0, 12], Gen.Bool).Sample((chunks, countsIds) =>
        {
            const int most = 4;
            var answer = new UpstreamAnswer(2, most, countsIds, null);
            List<EngineEvent> events = [];
            try
            {
                foreach (var chunk in chunks)
                {
                    events.AddRange(answer.Take(chunk));
                }

                events.AddRange(answer.End());
            }
            catch (EngineException failure)
            {
                Assert.Equal(Fault.Ours, failure.Fault);
                return;
            }

            var ends = events.OfType<Finished>().ToList();
            Assert.Equal([0, 1], ends.Select(end => end.Choice));
            Assert.InRange(ends.Sum(end => end.OutputTokens), 0, 2 * most);
            Assert.All(ends, end => Assert.Contains(end.Reason, new[] { "stop", "length" }));
            var prompt = events.OfType<PromptCounted>().Last();
            Assert.True(prompt is { Input: >= 0, Cached: >= 0 });
            if (countsIds)
            {
                Assert.Equal(ends.Sum(end => end.OutputTokens), events.Ids(0).Length + events.Ids(1).Length);
            }
        });

    [Fact]
    public void One_chunk_with_several_kinds_of_content_loses_none()
    {
        var answer = new UpstreamAnswer(1, 9, countsIds: true, [1]);
        var choice = new ChunkChoice(0)
        {
            Reasoning = "so", Content = "x", ToolCalls = "[{}]"u8.ToArray(), TokenIds = [7, 8], Refusal = "",
        };
        var steps = answer.Take(new ChatChunk { Choices = [choice] }).Cast<TokenOut>().ToList();
        Assert.Equal(["so", null, null], steps.Select(step => step.Reasoning));
        Assert.Equal(["", "x", ""], steps.Select(step => step.Text));
        Assert.Equal([true, true, false], steps.Select(step => step.ToolCalls.IsEmpty));
        Assert.Equal([2, 0, 0], steps.Select(step => step.Ids.Length));
        Assert.All(steps, step => Assert.Null(step.Refusal));
    }

    [Theory]
    [InlineData("""{"data":[{"id":"a","owned_by":"vllm","max_model_len":8192}]}""", "vllm", 8192)]
    [InlineData("""{"data":[{"id":"a","owned_by":"sglang","max_model_len":4096}]}""", "sglang", 4096)]
    [InlineData("""{"data":[{"id":"a","owned_by":"llamacpp","meta":{"n_ctx_train":2048}}]}""", "llama.cpp", 2048)]
    [InlineData("""{"data":[{"id":"a","owned_by":"library"}]}""", "ollama", 0)]
    [InlineData("""{"data":[{"id":"a","owned_by":"organization_owner"}]}""", "openai-compatible", 0)]
    public void The_list_of_models_tells_servers_apart(string list, string server, int context)
    {
        var probe = UpstreamProbe.Pick(System.Text.Encoding.UTF8.GetBytes(list), null);
        Assert.Equal(("a", server, context), (probe.Model, probe.Server, probe.Context));
    }

    [Theory]
    [InlineData("""{"data":[{"id":"a"},{"id":"b"}]}""", null, "a, b")]
    [InlineData("""{"data":[{"id":"a"}]}""", "c", "\"c\"")]
    [InlineData("""{"data":[]}""", null, "0 models")]
    [InlineData("""{"data":{}}""", null, "shape")]
    [InlineData("""<html>""", null, "JSON")]
    public void A_list_without_the_model_is_refused_and_says_what_there_is(string list, string? model, string told)
    {
        var refused = Assert.Throws<EngineException>(
            () => UpstreamProbe.Pick(System.Text.Encoding.UTF8.GetBytes(list), model));
        Assert.Equal("upstream_unusable", refused.Code);
        Assert.Contains(told, refused.Message, StringComparison.Ordinal);
    }
}
