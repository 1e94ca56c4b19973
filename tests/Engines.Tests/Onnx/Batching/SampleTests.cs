using System.Text.Json;
using Souk.Engines.Onnx;

namespace Souk.Engines.Tests.Onnx.Batching;

/// <summary>A small fixed part of what bench/Engine measures over a million tokens: the demo model alone, beside
/// neighbours, and reading its own answers back.</summary>
public sealed class SampleTests
{
    private const int Answers = 16;
    private const int Tokens = 60;

    [Fact]
    public async Task Batches_and_prompts_give_the_demo_model_s_tokens()
    {
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = DemoModelTests.Required(), Threads = 1 }, default);
        var asked = Enumerable.Range(0, Answers).Select(i => Ask.For(
            $"What is {i} plus {3 * i}?", maxTokens: Tokens, temperature: i % 2, seed: i, payer: $"{i}",
            more: new { logit_bias = new Dictionary<string, int> { ["1019"] = -100 } })).ToList();
        List<List<EngineEvent>> alone = [];
        foreach (var request in asked)
        {
            alone.Add(await engine.AllAsync(request));
        }

        var together = await Task.WhenAll(asked.Select(request => engine.AllAsync(request with { Payer = "other" })));
        int different = 0;
        for (int i = 0; i < Answers; i++)
        {
            Assert.Equal(Tokens, alone[i].Ids().Length);
            different += alone[i].Ids().SequenceEqual(together[i].Ids()) ? 0 : 1;
            different += i % 2 == 0 ? await ReadBackAsync(engine, asked[i], alone[i]) : 0;
        }

        // The share in docs/decisions/engines-batching.md makes even one of these 1,440 tokens unlikely.
        Assert.InRange(different, 0, 1);
    }

    /// <summary>How many greedy tokens are not what the model holds likeliest when it reads them as a prompt.</summary>
    private static async Task<int> ReadBackAsync(OnnxEngine engine, EngineRequest request, List<EngineEvent> events)
    {
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        var chat = Ask.For("x", more: new { logprobs = true, top_logprobs = 2 }).Chat with { PromptLogprobs = true };
        var read = await engine.AllAsync(request with
        {
            Chat = chat, MaxTokens = 1, PromptIds = [.. prompt, .. events.Ids()],
        });
        var content = read.OfType<PromptScored>().SelectMany(scored =>
            JsonDocument.Parse(scored.Logprobs).RootElement.GetProperty("content").EnumerateArray()).ToList();
        return content.Skip(prompt.Length).Count(entry =>
        {
            // The end token is barred in the answer, and is not in the scores.
            var best = entry.GetProperty("top_logprobs").EnumerateArray()
                .First(other => other.GetProperty("token").GetString() != "<|end|>");
            return best.GetProperty("logprob").GetDouble() > entry.GetProperty("logprob").GetDouble();
        });
    }
}
