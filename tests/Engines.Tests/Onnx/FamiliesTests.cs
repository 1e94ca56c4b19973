using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels.Families;
using Souk.OpenAi.Chat;

namespace Souk.Engines.Tests.Onnx;

/// <summary>Directories of the published families: real configuration, tokenizer settings, template and names, random
/// weights. They load, generate what a float64 pass over the whole sequence says, and repeat themselves.</summary>
public sealed class FamiliesTests
{
    public static TheoryData<string> Names =>
    [
        "llama-2-7b", "llama-3.2-3b", "qwen2-7b", "qwen3-0.6b", "mistral-7b", "gemma-2-9b", "gemma-3-1b", "phi-2",
        "phi-3-mini-4k",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_family_generates_what_its_architecture_says(string name)
    {
        using var made = FamilyFolder.Create(name);
        await using var engine = await LoadAsync(made);
        Assert.Equal(Family.Context, engine.Model.Context);
        Assert.Equal(made.Family.Vocabulary, engine.Model.Vocabulary);
        var events = await engine.AllAsync(Question(name));
        int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
        int[] output = events.Ids();
        Assert.InRange(prompt.Length, 2 * Family.Window, 200);
        Assert.InRange(output.Length, 1, 16);

        var logits = new FamilyReference(made.Family, made.Weights).Logits([.. prompt, .. output]);
        for (int i = 0; i < output.Length; i++)
        {
            double[] expected = logits[prompt.Length - 1 + i];
            Assert.True(
                expected[output[i]] >= expected.Max() - 2e-3,
                $"{name}: token {i} has {expected[output[i]]}, the greatest is {expected.Max()}");
        }

        var again = await engine.AllAsync(Question(name));
        Assert.Equal(output, again.Ids());
        Assert.Equal(events.Text(), again.Text());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_text_of_a_sampled_answer_is_what_its_ids_decode_to(string name)
    {
        using var made = FamilyFolder.Create(name);
        await using var engine = await LoadAsync(made);
        var request = Question(name) with { MaxTokens = 60, Sampling = Ask.For("x", temperature: 1.5).Sampling };
        var events = await engine.AllAsync(request);
        var decoder = Souk.Engines.PromptFiles.Build(engine.Model.PublicFiles).Value.Tokenizer;

        Assert.StartsWith(events.Text(), decoder.Decode(events.Ids(), skipSpecial: true), StringComparison.Ordinal);
        Assert.Equal(decoder.Decode(events.Ids(), skipSpecial: true), events.Text());
    }

    [Theory]
    [InlineData(false, false, "onnx/model_q4.onnx")]
    [InlineData(true, true, "model_fp16.onnx")]
    [InlineData(false, true, "onnx/model.onnx")]
    public async Task Layouts_and_inputs_of_other_exports_give_the_same_answer(
        bool hasPositions, bool hasKeep, string file)
    {
        using var usual = FamilyFolder.Create("llama-2-7b");
        using var other = FamilyFolder.Create("llama-2-7b", hasPositions, hasKeep, file);
        await using var first = await LoadAsync(usual);
        await using var second = await LoadAsync(other);
        Assert.Equal(
            (await first.AllAsync(Question("llama-2-7b"))).Ids(), (await second.AllAsync(Question("llama-2-7b")))
                .Ids());
    }

    [Fact]
    public async Task Several_quantisations_without_the_usual_file_ask_which_is_meant()
    {
        using var made = FamilyFolder.Create("llama-2-7b", onnxFile: "onnx/model_q4.onnx");
        File.Copy(
            Path.Combine(made.Folder.Path, "onnx/model_q4.onnx"), Path.Combine(made.Folder.Path, "model_fp16.onnx"));
        var refused = await Assert.ThrowsAsync<EngineException>(() => LoadAsync(made));
        Assert.Equal("model_ambiguous", refused.Code);
        Assert.Contains("model_fp16.onnx, onnx/model_q4.onnx", refused.Message, StringComparison.Ordinal);

        var options = new OnnxEngineOptions { Directory = made.Folder.Path, OnnxFile = "model_fp16.onnx" };
        await using var chosen = await LocalEngine.LoadAsync(options, default);
        Assert.Contains(chosen.Model.Manifest.Files, entry => entry.Path == "model_fp16.onnx");
    }

    [Fact]
    public async Task A_configuration_one_level_down_and_a_template_in_json_are_read()
    {
        using var made = FamilyFolder.Create("gemma-3-1b");
        string text = await File.ReadAllTextAsync(Path.Combine(made.Folder.Path, "config.json"));
        made.Folder.Write("config.json", $$"""{"model_type":"gemma3","eos_token_id":[1,106],"text_config":{{text}}}""");
        string template = Path.Combine(made.Folder.Path, "chat_template.jinja");
        made.Folder.Write("chat_template.json", new { chat_template = await File.ReadAllTextAsync(template) });
        File.Delete(template);
        await using var engine = await LoadAsync(made);

        Assert.Equal(Family.Context, engine.Model.Context);
        Assert.NotEmpty((await engine.AllAsync(Question("gemma-3-1b"))).Ids());
        Assert.Contains("chat_template.json", engine.Model.PublicFiles.Keys);
    }

    private static Task<IEngine> LoadAsync(FamilyFolder made) => LocalEngine.LoadAsync(
        new OnnxEngineOptions { Directory = made.Folder.Path, Threads = 1, PrefillTokens = 7 }, default);

    /// <summary>Phi 2 has no chat template, so it completes a text.</summary>
    private static EngineRequest Question(string name)
    {
        var request = Ask.For("What is the tallest tree, and how old is it?", maxTokens: 16);
        return name != "phi-2" ? request
            : request with { Chat = request.Chat with { Prompt = new RawPrompt("What is the tallest tree? It is") } };
    }
}
