using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Onnx;

/// <summary>Every shape the engine claims to run, against a float64 forward pass that knows nothing of
/// caches.</summary>
public sealed class OnnxShapesTests
{
    public static TheoryData<string> Shapes => [.. Named.Keys];

    private static readonly Dictionary<string, TinyShape> Named = new()
    {
        ["grouped queries"] = new TinyShape(),
        ["one layer, one key head"] = new TinyShape { Layers = 1, KvHeads = 1, Seed = 2 },
        ["every head its own keys"] = new TinyShape { Layers = 3, KvHeads = 4, Vocabulary = 517, Seed = 3 },
        ["five layers, wide heads"] = new TinyShape { Layers = 5, Heads = 2, KvHeads = 1, HeadSize = 16, Seed = 4 },
        ["float16"] = new TinyShape { IsHalf = true, Seed = 5 },
        ["no attention mask"] = new TinyShape { HasMask = false, Seed = 6 },
        ["no positions"] = new TinyShape { HasPositions = false, Seed = 7 },
        ["neither mask nor positions"] = new TinyShape { HasMask = false, HasPositions = false, Seed = 8 },
        ["fused attention"] = new TinyShape { IsFused = true, HasPositions = false, HeadSize = 16, Seed = 10 },
        ["open sizes"] = new TinyShape { IsSymbolic = true, Seed = 9 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task Greedy_tokens_are_the_reference_pass_s_greatest(string name)
    {
        var model = new TinyLlama(Named[name]);
        using var folder = ModelFolder.Create(model);

        // Prompts longer than a prefill pass, so that cached positions meet several new ones at once.
        var options = new OnnxEngineOptions { Directory = folder.Path, Threads = 1, PrefillTokens = 7 };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        var events = await engine.AllAsync(Ask.For("What is the tallest tree?", maxTokens: 24));

        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        int[] output = events.Ids();
        Assert.InRange(output.Length, 1, 24);
        var logits = new ReferenceLlama(model).Logits([.. prompt, .. output]);
        double tolerance = Named[name].IsHalf ? 0.1 : 1e-3;
        for (int i = 0; i < output.Length; i++)
        {
            double[] expected = logits[prompt.Length - 1 + i];
            Assert.True(
                expected[output[i]] >= expected.Max() - tolerance,
                $"token {i} has {expected[output[i]]}, the greatest is {expected.Max()}");
        }
    }

    [Fact]
    public async Task The_reference_tells_a_wrong_token_apart()
    {
        var model = new TinyLlama(new TinyShape());
        using var folder = ModelFolder.Create(model);
        var options = new OnnxEngineOptions { Directory = folder.Path };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        var events = await engine.AllAsync(Ask.For("Hello", maxTokens: 1));
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;

        // Another prompt of the same length gives other logits, so the check above is not blind to the prompt.
        var right = new ReferenceLlama(model).Logits(prompt)[^1];
        var wrong = new ReferenceLlama(model).Logits([.. prompt.Reverse()])[^1];
        Assert.True(right[events.Ids()[0]] >= right.Max() - 1e-3);
        Assert.False(wrong[events.Ids()[0]] >= wrong.Max() - 1e-3);
    }

    [Theory]
    [InlineData("use_cache_branch")]
    [InlineData("pixel_values")]
    [InlineData("past_key_values.7.key")]
    public async Task A_model_with_an_unknown_input_is_refused_by_its_name(string input)
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape { ExtraInput = input }));
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = folder.Path }, default));
        Assert.Equal("model_unsupported", refused.Code);
        Assert.Contains(input, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_sizes_without_a_configuration_are_refused_by_name()
    {
        var model = new TinyLlama(new TinyShape { IsSymbolic = true });
        using var folder = ModelFolder.Create(model);
        folder.Write("config.json", new { max_position_embeddings = 64 });
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = folder.Path }, default));
        Assert.Contains("num_key_value_heads", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_model_is_refused()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        folder.Write("model.onnx", "not an ONNX file at all");
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = folder.Path }, default));
        Assert.Equal("model_unsupported", refused.Code);
    }
}
