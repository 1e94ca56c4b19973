using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;
using Souk.Protocol;

namespace Souk.Engines.Tests.Onnx;

public sealed class OnnxEngineTests : IAsyncLifetime
{
    private readonly ModelFolder folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
    private OnnxEngine engine = null!;

    public async ValueTask InitializeAsync() => engine = await OnnxEngine.LoadAsync(
        new OnnxEngineOptions { Directory = folder.Path, Threads = 1, Concurrency = 2, Waiting = 1 }, default);

    public async ValueTask DisposeAsync()
    {
        await engine.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task The_prompt_is_the_rendered_template()
    {
        var events = await engine.AllAsync(Ask.For("Hi", maxTokens: 1));
        int[] expected =
        [
            ModelFolder.Begin, ModelFolder.User, 'H', 'i', ModelFolder.Assistant,
        ];
        var counted = Assert.IsType<PromptCounted>(events[0]);
        Assert.Equal(expected, counted.PromptIds);
        Assert.Equal((5, 0), (counted.Input, counted.Cached));
    }

    [Fact]
    public async Task An_answer_ends_at_max_tokens_with_length()
    {
        var events = await engine.AllAsync(Ask.For("Go on", maxTokens: 5, temperature: 1, seed: 3));
        Assert.Equal(5, events.Ids().Length);
        Assert.Equal(new Finished(0, "length", 5), events.End());
        Assert.Equal(5, events.OfType<TokenOut>().Count());
    }

    [Fact]
    public async Task Zero_tokens_give_the_prompt_count_alone()
    {
        var events = await engine.AllAsync(Ask.For("Go on", maxTokens: 0, choices: 2));
        Assert.Equal(3, events.Count);
        Assert.Equal(new Finished(0, "length", 0), events.End());
        Assert.Equal(new Finished(1, "length", 0), events.End(1));
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_answer_and_another_seed_another()
    {
        int[] first = (await engine.AllAsync(Ask.For("Tell", maxTokens: 20, temperature: 1, seed: 7))).Ids();
        int[] again = (await engine.AllAsync(Ask.For("Tell", maxTokens: 20, temperature: 1, seed: 7))).Ids();
        int[] other = (await engine.AllAsync(Ask.For("Tell", maxTokens: 20, temperature: 1, seed: 8))).Ids();
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public async Task Tokens_are_those_that_the_sampler_picks_from_the_reference_logits()
    {
        var model = new TinyLlama(new TinyShape());
        var request = Ask.For("Sampled", maxTokens: 12, temperature: 0.8, seed: 42, choices: 2);
        request = request with { Sampling = request.Sampling with { TopP = 0.9 } };
        var events = await engine.AllAsync(request);
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        for (int choice = 0; choice < 2; choice++)
        {
            int[] output = events.Ids(choice);
            var logits = new ReferenceLlama(model).Logits([.. prompt, .. output]);
            var sampler = new Sampler(request.Sampling, request.Key, logits[0].Length);
            for (int i = 0; i < output.Length; i++)
            {
                float[] next = Array.ConvertAll(logits[prompt.Length - 1 + i], value => (float)value);
                Assert.Equal(sampler.Next(next, choice, i), output[i]);
            }
        }
    }

    [Fact]
    public async Task Choices_share_the_prompt_and_differ()
    {
        var events = await engine.AllAsync(Ask.For("Many", maxTokens: 15, temperature: 1, seed: 5, choices: 3));
        Assert.Single(events.OfType<PromptCounted>());
        Assert.NotEqual(events.Ids(0), events.Ids(1));
        Assert.NotEqual(events.Ids(1), events.Ids(2));

        // A choice does not depend on how many others there are.
        var alone = await engine.AllAsync(Ask.For("Many", maxTokens: 15, temperature: 1, seed: 5));
        Assert.Equal(alone.Ids(), events.Ids(0));
    }

    [Fact]
    public async Task An_end_token_ends_the_answer_and_is_counted()
    {
        var bias = new { logit_bias = new Dictionary<string, int> { ["257"] = 100 } };
        var request = Ask.For("End", maxTokens: 30, more: bias);
        var events = await engine.AllAsync(request);
        Assert.Equal([ModelFolder.End], events.Ids());
        Assert.Equal("", events.Text());
        Assert.Equal(new Finished(0, "stop", 1), events.End());
    }

    [Fact]
    public async Task A_stop_string_is_withheld_across_tokens_and_its_tokens_are_counted()
    {
        var free = await engine.AllAsync(Ask.For("Stop here", maxTokens: 40, temperature: 1, seed: 11));
        string text = free.Text();

        // Three letters from the middle of the answer: more than one token, since each token is a byte.
        string stop = text.Substring(text.Length / 2, 3);
        int at = text.IndexOf(stop, StringComparison.Ordinal);
        var stopped = await engine.AllAsync(
            Ask.For("Stop here", maxTokens: 40, temperature: 1, seed: 11, stop: [stop]));

        Assert.Equal(text[..at], stopped.Text());
        Assert.Equal("stop", stopped.End().Reason);
        Assert.Equal(stopped.Ids().Length, stopped.End().OutputTokens);
        Assert.Equal(free.Ids()[..stopped.Ids().Length], stopped.Ids());
        Assert.True(stopped.Ids().Length > at);
    }

    [Fact]
    public async Task A_penalty_keeps_a_token_from_repeating()
    {
        var bias = new { logit_bias = new Dictionary<string, int> { ["65"] = 50, ["66"] = 49 } };
        var plain = await engine.AllAsync(Ask.For("Again", maxTokens: 4, more: bias));
        Assert.Equal([65, 65, 65, 65], plain.Ids());

        var request = Ask.For("Again", maxTokens: 4, more: bias);
        request = request with { Sampling = request.Sampling with { PresencePenalty = 60 } };
        Assert.Equal(2, (await engine.AllAsync(request)).Ids()[..2].Distinct().Count());
    }

    [Fact]
    public async Task The_answer_is_cut_to_the_room_that_the_prompt_leaves()
    {
        string prompt = new('x', 256 - 4 - 3 - 1);
        var events = await engine.AllAsync(Ask.For(prompt, maxTokens: 100, temperature: 1));
        int used = events.OfType<PromptCounted>().Single().Input;
        Assert.Equal(256 - used, events.Ids().Length);
        Assert.Equal("length", events.End().Reason);
    }

    [Fact]
    public async Task A_prompt_that_leaves_no_room_is_refused_as_theirs()
    {
        var refused = await engine.RefusedAsync(Ask.For(new string('x', 300)));
        Assert.Equal((Fault.Theirs, "context_length_exceeded"), (refused.Fault, refused.Code));
        Assert.Contains("256", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bias_beyond_the_vocabulary_is_refused()
    {
        var request = Ask.For("x", more: new { logit_bias = new Dictionary<string, int> { ["300"] = 1 } });
        Assert.Equal((Fault.Theirs, "invalid_logit_bias"), Blame(await engine.RefusedAsync(request)));
    }

    [Fact]
    public async Task What_the_engine_cannot_do_is_refused_by_name()
    {
        var tool = new { type = "function", function = new { name = "f" } };
        var calling = Ask.For("x", more: new { tools = new[] { tool } });
        Assert.Contains("tools", (await engine.RefusedAsync(calling)).Message, StringComparison.Ordinal);
        var many = Ask.For("x", choices: 9);
        Assert.Equal((Fault.Theirs, "feature_unsupported"), Blame(await engine.RefusedAsync(many)));
        var hot = Ask.For("x", temperature: double.NaN);
        Assert.Equal((Fault.Theirs, "sampling_out_of_range"), Blame(await engine.RefusedAsync(hot)));
    }

    private static (Fault Fault, string Code) Blame(EngineException refused) => (refused.Fault, refused.Code);
}
