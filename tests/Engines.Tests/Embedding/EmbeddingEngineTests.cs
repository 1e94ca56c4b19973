using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.Protocol;

namespace Souk.Engines.Tests.Embedding;

/// <summary>Pooling, normalization, batches and bounds, against sums computed here from the table itself.</summary>
public sealed class EmbeddingEngineTests
{
    private static readonly string[] Texts = ["a", "b c d", "abc", "h g f e d c b a", "zzz", "A, b"];

    [Theory]
    [InlineData("mean_tokens", false)]
    [InlineData("mean_tokens", true)]
    [InlineData("cls_token", false)]
    [InlineData("lasttoken", true)]
    [InlineData("max_tokens", false)]
    public async Task Vectors_are_the_stated_pooling_of_the_states(string pooling, bool normalizes)
    {
        using var folder = TinyEncoder.Write(pooling, normalizes);
        await using var engine = await LoadAsync(folder);
        var inputs = Inputs(Texts);
        int[][] ids = engine.EncodeInputs(inputs)!;
        var made = await engine.EmbedAsync(new EmbeddingRequest(inputs, ids, ""), default);

        Assert.Equal(ids.Sum(row => row.Length), made.InputTokens);
        Assert.All(ids, row => Assert.Equal((2, 3), (row[0], row[^1])));
        for (int i = 0; i < ids.Length; i++)
        {
            AssertNear(Expected(ids[i], pooling, normalizes), made.Vectors[i], 1e-5);
        }
    }

    [Fact]
    public async Task Inputs_of_unequal_length_do_not_see_each_other_s_padding()
    {
        using var folder = TinyEncoder.Write();
        await using var engine = await LoadAsync(folder);
        string[] many = [.. Enumerable.Range(0, 200).Select(i => string.Join(' ', "abcdefgh"[..((i * 5 % 8)
            + 1)].ToArray()))];
        var together = await engine.EmbedAsync(new EmbeddingRequest(Inputs(many), null, ""), default);
        for (int i = 0; i < many.Length; i += 23)
        {
            var alone = await engine.EmbedAsync(new EmbeddingRequest(Inputs(many[i]), null, ""), default);
            AssertNear(alone.Vectors[0].Select(v => (double)v), together.Vectors[i], 1e-5);
        }
    }

    [Theory]
    [InlineData("token_embeddings", false)]
    [InlineData("sentence_embedding", false)]
    [InlineData("last_hidden_state", true)]
    public async Task Other_published_outputs_are_read_too(string output, bool isHalf)
    {
        using var folder = TinyEncoder.Write(output: output, isHalf: isHalf, hasKinds: false);
        await using var engine = await LoadAsync(folder);
        int[] ids = engine.EncodeInputs(Inputs("a b"))![0];
        var made = await engine.EmbedAsync(new EmbeddingRequest(Inputs("a b"), [ids], ""), default);

        double[] expected = Expected(ids, "mean_tokens", false);
        double factor = output == "sentence_embedding" ? ids.Length : 1;
        AssertNear(expected.Select(value => value * factor), made.Vectors[0], isHalf ? 0.02 : 1e-4);
    }

    [Fact]
    public async Task It_offers_embeddings_and_nothing_else()
    {
        using var folder = TinyEncoder.Write();
        await using var engine = await LoadAsync(folder);

        Assert.Equal([EngineFeatures.Embeddings], engine.Model.Features);
        Assert.Equal(TinyEncoder.Longest, engine.Model.Context);
        Assert.Null(engine.Model.SamplerName);
        Assert.Contains(engine.Model.Manifest.Files, file => file.Path == "1_Pooling/config.json");
        Assert.Contains(engine.Model.Manifest.Files, file => file.Path == "onnx/model.onnx");
        var refused = Assert.Throws<EngineException>(() => engine.EncodePrompt(Ask.For("Hello").Chat));
        Assert.Equal((Fault.Theirs, "model_not_supported"), (refused.Fault, refused.Code));
    }

    [Fact]
    public async Task Inputs_beyond_the_bounds_are_their_fault()
    {
        using var folder = TinyEncoder.Write();
        await using var engine = await LoadAsync(folder);
        EngineException Refused(EmbeddingInputs inputs) =>
            Assert.Throws<EngineException>(() => engine.EncodeInputs(inputs));

        Assert.Equal("context_length_exceeded", Refused(Inputs("a b c d e f g h a b c")).Code);
        Assert.Equal("context_length_exceeded", Refused(new EmbeddingInputs([new RawPrompt([])], null)).Code);
        Assert.Equal("invalid_dimensions", Refused(Inputs("a") with { Dimensions = 3 }).Code);
        Assert.Equal(Fault.Theirs, Refused(new EmbeddingInputs([new RawPrompt([999])], null)).Fault);
        Assert.NotNull(engine.EncodeInputs(Inputs("a") with { Dimensions = TinyEncoder.Size }));
        var sneaked = await Assert.ThrowsAsync<EngineException>(
            () => engine.EmbedAsync(new EmbeddingRequest(Inputs("a"), [[999]], ""), default));
        Assert.Equal(Fault.Theirs, sneaked.Fault);
    }

    [Fact]
    public async Task Cancelled_and_stopped_requests_end()
    {
        using var folder = TinyEncoder.Write();
        var engine = await LoadAsync(folder);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => engine.EmbedAsync(new EmbeddingRequest(Inputs("a"), null, ""), cancelled.Token));
        await engine.DisposeAsync();
        var stopped = await Assert.ThrowsAsync<EngineException>(
            () => engine.EmbedAsync(new EmbeddingRequest(Inputs("a"), null, ""), default));
        Assert.Equal("engine_stopped", stopped.Code);
    }

    public static TheoryData<string, string> Changes() => new()
    {
        { "no pooling", "1_Pooling" },
        { "two poolings", "pooling" },
        { "Dense", "Dense" },
        { "mean_sqrt_len_tokens", "mean_sqrt_len_tokens" },
        { "prompt", "prompt" },
        { "lower", "do_lower_case" },
        { "input", "pixel_values" },
        { "output", "last_hidden_state" },
        { "modules", "pooling files" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task What_is_not_implemented_is_refused_with_the_reason(string change, string reason)
    {
        using var folder = change switch
        {
            "no pooling" => TinyEncoder.Write(pooling: null),
            "input" => TinyEncoder.Write(extraInput: "pixel_values"),
            "output" => TinyEncoder.Write(output: "states"),
            "mean_sqrt_len_tokens" => TinyEncoder.Write(pooling: change),
            _ => TinyEncoder.Write(),
        };
        switch (change)
        {
            case "two poolings":
                folder.Write("1_Pooling/config.json", new { pooling_mode_cls_token = true,
                    pooling_mode_mean_tokens = true });
                break;
            case "Dense":
                folder.Write("modules.json", TinyEncoder.Modules(false, "Dense"));
                break;
            case "prompt":
                folder.Write("config_sentence_transformers.json", new { default_prompt_name = "query" });
                break;
            case "lower":
                folder.Write("sentence_bert_config.json", new { max_seq_length = 8, do_lower_case = true });
                break;
            case "modules":
                folder.Write("modules.json", new { });
                break;
        }

        var refused = await Assert.ThrowsAsync<EngineException>(() => LoadAsync(folder));
        Assert.Equal("model_unsupported", refused.Code);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private static async Task<IEngine> LoadAsync(ModelFolder folder) =>
        await LocalEngine.LoadAsync(new OnnxEngineOptions { Directory = folder.Path, Threads = 1 }, default);

    private static EmbeddingInputs Inputs(params string[] texts) =>
        new([.. texts.Select(text => new RawPrompt(text))], null);

    private static double[] Expected(int[] ids, string pooling, bool normalizes)
    {
        double[][] states = [.. ids.Select(id => TinyEncoder.Row(id).Select(value => value + (double)ids.Length)
            .ToArray())];
        double[] vector = pooling switch
        {
            "cls_token" => states[0],
            "lasttoken" => states[^1],
            "max_tokens" => [.. Enumerable.Range(0, TinyEncoder.Size).Select(i => states.Max(state => state[i]))],
            _ => [.. Enumerable.Range(0, TinyEncoder.Size).Select(i => states.Average(state => state[i]))],
        };
        double length = normalizes ? Math.Sqrt(vector.Sum(value => value * value)) : 1;
        return [.. vector.Select(value => value / length)];
    }

    private static void AssertNear(IEnumerable<double> expected, float[] actual, double tolerance)
    {
        double[] values = [.. expected];
        Assert.Equal(values.Length, actual.Length);
        Assert.All(values.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }
}
