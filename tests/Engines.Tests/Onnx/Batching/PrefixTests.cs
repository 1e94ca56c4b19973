using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Onnx.Batching;

/// <summary>Equal beginnings of prompts are computed once, for the payer that they belong to.</summary>
public sealed class PrefixTests : IAsyncLifetime
{
    private static readonly TinyShape Shape = new() { Seed = 31 };
    private readonly ModelFolder folder = ModelFolder.Create(new TinyLlama(Shape));
    private OnnxEngine engine = null!;

    public async ValueTask InitializeAsync() => engine = await OnnxEngine.LoadAsync(
        new OnnxEngineOptions { Directory = folder.Path, Threads = 1, PrefillTokens = 16, KvTokens = 512 }, default);

    public async ValueTask DisposeAsync()
    {
        await engine.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task The_same_prompt_again_is_cached_but_for_its_last_token_and_answered_alike()
    {
        var request = Ask.For(new string('p', 61), maxTokens: 20, temperature: 1, seed: 3);
        var first = await engine.AllAsync(request);
        var again = await engine.AllAsync(request);
        Assert.Equal((64, 0), Counted(first));
        Assert.Equal((1, 63), Counted(again));
        Assert.Equal(first.Ids(), again.Ids());
    }

    [Fact]
    public async Task A_longer_prompt_reuses_what_it_shares_and_computes_the_rest()
    {
        await engine.AllAsync(Ask.For(new string('p', 40), maxTokens: 1));
        var longer = Ask.For(new string('p', 40) + "and something else", maxTokens: 24);
        var events = await engine.AllAsync(longer);

        // Begin, user and 40 letters; the assistant token that followed is another token here.
        Assert.Equal((19, 42), Counted(events));
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        var logits = new ReferenceLlama(new TinyLlama(Shape)).Logits([.. prompt, .. events.Ids()]);
        for (int i = 0; i < events.Ids().Length; i++)
        {
            double[] expected = logits[prompt.Length - 1 + i];
            Assert.True(expected[events.Ids()[i]] >= expected.Max() - 1e-3);
        }
    }

    [Fact]
    public async Task A_conversation_goes_on_from_its_own_answer()
    {
        var request = Ask.For(new string('p', 30), maxTokens: 20, temperature: 1, seed: 5);
        var first = await engine.AllAsync(request);
        int[] prompt = first.OfType<PromptCounted>().Single().PromptIds!;
        int[] whole = [.. prompt, .. first.Ids(), ModelFolder.User, 'x', ModelFolder.Assistant];
        var next = await engine.AllAsync(request with { PromptIds = whole });

        // The last token of the answer was never fed to the model.
        Assert.Equal((4, whole.Length - 4), Counted(next));
    }

    [Fact]
    public async Task Another_payer_s_prompt_is_never_reused()
    {
        await engine.AllAsync(Ask.For(new string('p', 61), maxTokens: 1, payer: "one"));
        Assert.Equal((64, 0), Counted(await engine.AllAsync(Ask.For(new string('p', 61), maxTokens: 1, payer: "two"))));
        Assert.Equal((1, 63), Counted(await engine.AllAsync(Ask.For(new string('p', 61), maxTokens: 1, payer: "one"))));
    }

    [Fact]
    public async Task The_least_recently_used_beginning_gives_way()
    {
        // Room for 512: two of 128 beside the one that runs.
        foreach (char letter in "abcbd")
        {
            await engine.AllAsync(Ask.For(new string(letter, 125), maxTokens: 1));
        }

        Assert.Equal((1, 127), Counted(await engine.AllAsync(Ask.For(new string('b', 125), maxTokens: 1))));
        Assert.Equal((128, 0), Counted(await engine.AllAsync(Ask.For(new string('c', 125), maxTokens: 1))));
    }

    [Fact]
    public async Task A_short_beginning_is_not_worth_it()
    {
        await engine.AllAsync(Ask.For("twelve", maxTokens: 1));
        Assert.Equal((9, 0), Counted(await engine.AllAsync(Ask.For("twelve", maxTokens: 1))));
    }

    private static (int Input, int Cached) Counted(List<EngineEvent> events)
    {
        var counted = events.OfType<PromptCounted>().Single();
        return (counted.Input, counted.Cached);
    }
}
