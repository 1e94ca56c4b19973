using System.Text.Json;
using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Onnx.Batching;

/// <summary>Log-probabilities against a softmax over the reference pass, both of which are the test's own.</summary>
public sealed class LogprobTests : IAsyncLifetime
{
    private readonly TinyLlama model = new(new TinyShape { Seed = 41 });
    private ModelFolder folder = null!;
    private OnnxEngine engine = null!;

    public async ValueTask InitializeAsync()
    {
        folder = ModelFolder.Create(model);
        engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1, PrefillTokens = 16 }, default);
    }

    public async ValueTask DisposeAsync()
    {
        await engine.DisposeAsync();
        folder.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public async Task An_answer_s_are_those_of_the_model_itself(int top)
    {
        // Temperature, bias and penalties steer the choice, not what the model holds of it.
        var more = new { logprobs = true, top_logprobs = top, logit_bias = new Dictionary<string, int> { ["65"] = 5 } };
        var request = Ask.For("Score me", maxTokens: 12, temperature: 0.7, seed: 6, choices: 2, more: more);
        var events = await engine.AllAsync(request);
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        for (int choice = 0; choice < 2; choice++)
        {
            int[] ids = [.. events.Ids(choice).Where(id => id != ModelFolder.End)];
            var logits = new ReferenceLlama(model).Logits([.. prompt, .. ids]);
            var content = Content(events.OfType<TokenOut>().Where(token => token.Choice == choice)
                .Select(token => token.Logprobs));
            Assert.Equal(ids.Length, content.Count);
            for (int i = 0; i < ids.Length; i++)
            {
                Check(content[i], ids[i], logits[prompt.Length - 1 + i], top);
            }
        }
    }

    [Fact]
    public async Task A_prompt_s_are_told_before_its_answer_and_the_first_token_has_none()
    {
        var request = Ask.For(new string('s', 40), maxTokens: 2, more: new { logprobs = true, top_logprobs = 3 });
        request = request with { Chat = request.Chat with { PromptLogprobs = true } };

        // Even where the prompt was computed before: kept keys and values have no logits.
        await engine.AllAsync(request);
        var events = await engine.AllAsync(request);
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        Assert.True(events.FindLastIndex(e => e is PromptScored) < events.FindIndex(e => e is TokenOut));
        var content = Content(events.OfType<PromptScored>().Select(scored => scored.Logprobs));
        Assert.Equal(prompt.Length, content.Count);
        Assert.Equal(JsonValueKind.Null, content[0].GetProperty("logprob").ValueKind);
        Assert.Equal(0, content[0].GetProperty("top_logprobs").GetArrayLength());
        var logits = new ReferenceLlama(model).Logits(prompt);
        for (int i = 1; i < prompt.Length; i++)
        {
            Check(content[i], prompt[i], logits[i - 1], 3);
        }
    }

    [Fact]
    public async Task A_prompt_can_be_scored_without_an_answer()
    {
        var request = Ask.For("Only this", maxTokens: 0, more: new { logprobs = true });
        request = request with { Chat = request.Chat with { PromptLogprobs = true } };
        var events = await engine.AllAsync(request);
        Assert.Equal(12, Content(events.OfType<PromptScored>().Select(scored => scored.Logprobs)).Count);
        Assert.Equal(new Finished(0, "length", 0), events.End());
    }

    [Fact]
    public async Task Those_of_a_stop_string_are_withheld_with_its_text()
    {
        var free = await engine.AllAsync(Ask.For("Stop", maxTokens: 40, temperature: 1, seed: 12));
        string text = free.Text();
        string stop = text.Substring(text.Length / 2, 3);
        var asked = Ask.For(
            "Stop", maxTokens: 40, temperature: 1, seed: 12, stop: [stop], more: new { logprobs = true });
        var events = await engine.AllAsync(asked);
        var content = Content(events.OfType<TokenOut>().Select(token => token.Logprobs));
        var bytes = content.SelectMany(entry => entry.GetProperty("bytes").EnumerateArray().Select(b => b.GetByte()));
        Assert.Equal(events.Text(), System.Text.Encoding.UTF8.GetString([.. bytes]));
        Assert.True(content.Count < events.Ids().Length);
    }

    [Fact]
    public async Task No_answer_ends_before_its_least_length()
    {
        // The end token is by far the likeliest, and every letter is a stop string.
        var bias = new Dictionary<string, int> { ["257"] = 100, ["66"] = 90 };
        var request = Ask.For("Least", maxTokens: 30, stop: ["B"], more: new { logit_bias = bias, min_tokens = 5 });
        var events = await engine.AllAsync(request);
        Assert.Equal([66, 66, 66, 66, 66, ModelFolder.End], [.. events.Ids().Append(ModelFolder.End).Take(6)]);
        Assert.Equal("stop", events.End().Reason);
        Assert.Equal(5, events.Ids().Length);
        Assert.Equal("BBBB", events.Text());
    }

    private static List<JsonElement> Content(IEnumerable<ReadOnlyMemory<byte>> pieces) =>
        [.. pieces.Where(piece => !piece.IsEmpty).SelectMany(piece =>
            JsonDocument.Parse(piece).RootElement.GetProperty("content").EnumerateArray())];

    private static void Check(JsonElement entry, int id, double[] logits, int top)
    {
        double total = logits.Sum(Math.Exp);
        Assert.Equal(Math.Log(Math.Exp(logits[id]) / total), entry.GetProperty("logprob").GetDouble(), 1e-3);
        Assert.Equal(id < 256 ? [id] : [], id < 256 ? Bytes(entry) : []);
        var best = entry.GetProperty("top_logprobs").EnumerateArray().ToList();
        double[] expected = [.. logits.OrderDescending().Take(top)];
        Assert.Equal(top, best.Count);
        for (int i = 0; i < top; i++)
        {
            double told = best[i].GetProperty("logprob").GetDouble();
            Assert.Equal(Math.Log(Math.Exp(expected[i]) / total), told, 1e-3);
        }
    }

    private static int[] Bytes(JsonElement entry) =>
        [.. entry.GetProperty("bytes").EnumerateArray().Select(one => one.GetInt32())];
}
