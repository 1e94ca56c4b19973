using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Souk.Engines.Onnx;

namespace Souk.Engines.Tests.Onnx;

/// <summary>The model that the repository ships, against ONNX Runtime without a cache, a sampler or an
/// engine.</summary>
public sealed class DemoModelTests
{
    private static readonly string? Folder = Find();

    [Fact]
    public async Task The_demo_model_answers_as_without_a_cache()
    {
        await using var engine = await LoadAsync();
        var events = await engine.AllAsync(Ask.For("What is two plus three?", maxTokens: 24));
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        int[] output = events.Ids();
        Assert.NotEmpty(events.Text());

        using var session = new InferenceSession(Path.Combine(Folder!, "model.onnx"));
        List<int> ids = [.. prompt];
        foreach (int id in output)
        {
            float[] logits = LastLogits(session, ids);

            // A pass over everything at once rounds a little differently from one that uses the cache.
            Assert.True(logits[id] >= logits.Max() - 1e-3, $"token {ids.Count - prompt.Length}");
            ids.Add(id);
        }
    }

    [Fact]
    public async Task The_demo_model_ends_by_itself_and_repeats_itself_for_a_seed()
    {
        await using var engine = await LoadAsync();
        var first = await engine.AllAsync(Ask.For("Hello!", maxTokens: 200, temperature: 0.7, seed: 9));
        var again = await engine.AllAsync(Ask.For("Hello!", maxTokens: 200, temperature: 0.7, seed: 9));
        Assert.Equal(first.Ids(), again.Ids());
        Assert.Equal("stop", first.End().Reason);
    }

    /// <summary>The demo model's folder; skips the test where only a part of the tree is there.</summary>
    public static string Required()
    {
        Assert.SkipUnless(
            Folder is not null || Environment.GetEnvironmentVariable("CI") == "true", "models/demo/model is missing.");
        return Folder!;
    }

    private static async Task<OnnxEngine> LoadAsync() =>
        await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = Required(), Threads = 1 }, default);

    private static float[] LastLogits(InferenceSession session, List<int> ids)
    {
        long[] tokens = [.. ids.Select(id => (long)id)];
        List<NamedOnnxValue> inputs = [];
        foreach (var (name, node) in session.InputMetadata)
        {
            int[] shape = name.StartsWith("past", StringComparison.Ordinal)
                ? [1, node.Dimensions[1], 0, node.Dimensions[3]] : [1, tokens.Length];
            inputs.Add(name switch
            {
                "input_ids" => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(tokens, shape)),
                "attention_mask" => NamedOnnxValue.CreateFromTensor(
                    name, new DenseTensor<long>(Enumerable.Repeat(1L, tokens.Length).ToArray(), shape)),
                "position_ids" => NamedOnnxValue.CreateFromTensor(
                    name, new DenseTensor<long>(tokens.Select((_, at) => (long)at).ToArray(), shape)),
                _ => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(shape)),
            });
        }

        using var outputs = session.Run(inputs, ["logits"]);
        float[] all = [.. outputs[0].AsEnumerable<float>()];
        return all[^(all.Length / tokens.Length)..];
    }

    private static string? Find()
    {
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
        {
            string folder = Path.Combine(up.FullName, "models", "demo", "model");
            if (File.Exists(Path.Combine(folder, "model.onnx")))
            {
                return folder;
            }
        }

        return null;
    }
}
