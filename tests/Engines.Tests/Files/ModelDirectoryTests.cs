using System.Security.Cryptography;
using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Files;

public sealed class ModelDirectoryTests : IDisposable
{
    private readonly ModelFolder folder = ModelFolder.Create(new TinyLlama(new TinyShape()));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_manifest_holds_each_file_with_its_hash_and_leaves_others_out()
    {
        folder.Write("README.md", "hello");
        folder.Write("model.safetensors", "other weights");
        await using var engine = await LoadAsync();
        string[] paths = [.. engine.Model.Manifest.Files.Select(file => file.Path)];
        Assert.Equal(
            ["config.json", "generation_config.json", "model.onnx", "tokenizer.json", "tokenizer_config.json"], paths);
        foreach (var file in engine.Model.Manifest.Files)
        {
            byte[] bytes = await File.ReadAllBytesAsync(Path.Combine(folder.Path, file.Path));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), file.Sha256.ToString()[2..]);
            Assert.Equal((ulong)bytes.Length, file.Size);
        }

        Assert.Equal("w=float32,a=float32,kv=float32", engine.Model.Manifest.Numerics);
    }

    [Fact]
    public async Task Half_precision_shows_in_the_numerics()
    {
        using var half = ModelFolder.Create(new TinyLlama(new TinyShape { IsHalf = true }));
        await using var engine = await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = half.Path }, default);
        Assert.Equal("w=float16,a=float16,kv=float16", engine.Model.Manifest.Numerics);
    }

    [Fact]
    public async Task Public_files_are_the_bytes_that_a_customer_needs_to_count()
    {
        await using var engine = await LoadAsync();
        Assert.Contains("tokenizer.json", engine.Model.PublicFiles.Keys);
        Assert.DoesNotContain("model.onnx", engine.Model.PublicFiles.Keys);
        foreach (var (name, bytes) in engine.Model.PublicFiles)
        {
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(folder.Path, name)), bytes.ToArray());
        }
    }

    [Fact]
    public async Task A_model_in_the_onnx_folder_and_a_template_file_are_found()
    {
        using var other = ModelFolder.Create(new TinyLlama(new TinyShape()), "onnx/model.onnx");
        other.Write("chat_template.jinja", "{{ messages[0]['content'] }}");
        await using var engine = await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = other.Path }, default);
        var events = await engine.AllAsync(Ask.For("abc", maxTokens: 1));
        Assert.Equal(['a', 'b', 'c'], events.OfType<PromptCounted>().Single().PromptIds!);
        Assert.Contains(engine.Model.Manifest.Files, file => file.Path == "onnx/model.onnx");
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("config.json")]
    [InlineData("model.onnx")]
    public async Task A_link_out_of_the_directory_is_refused(string name)
    {
        string outside = Path.Combine(Path.GetDirectoryName(folder.Path)!, Path.GetRandomFileName());
        File.Move(Path.Combine(folder.Path, name), outside);
        try
        {
            File.CreateSymbolicLink(Path.Combine(folder.Path, name), outside);
            var refused = await Assert.ThrowsAsync<EngineException>(LoadAsync);
            Assert.Equal("model_unsafe", refused.Code);
        }
        finally
        {
            File.Delete(outside);
        }
    }

    [Fact]
    public async Task A_link_within_the_directory_is_followed()
    {
        folder.Write("blobs/t", await File.ReadAllBytesAsync(Path.Combine(folder.Path, "tokenizer.json")));
        File.Delete(Path.Combine(folder.Path, "tokenizer.json"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "tokenizer.json"), "blobs/t");
        await using var engine = await LoadAsync();
        Assert.Contains(engine.Model.Manifest.Files, file => file.Path == "tokenizer.json");
    }

    [Fact]
    public async Task A_path_option_that_climbs_out_is_refused()
    {
        var options = new OnnxEngineOptions { Directory = folder.Path, OnnxFile = "../model.onnx" };
        var refused = await Assert.ThrowsAsync<EngineException>(() => OnnxEngine.LoadAsync(options, default));
        Assert.Equal("model_unsafe", refused.Code);
    }

    [Fact]
    public async Task Missing_files_and_oversized_weights_are_named()
    {
        var options = new OnnxEngineOptions { Directory = folder.Path, MaxWeightsBytes = 1000 };
        var large = await Assert.ThrowsAsync<EngineException>(() => OnnxEngine.LoadAsync(options, default));
        Assert.Equal("model_too_large", large.Code);
        File.Delete(Path.Combine(folder.Path, "tokenizer.json"));
        var missing = await Assert.ThrowsAsync<EngineException>(LoadAsync);
        Assert.Equal("model_missing", missing.Code);
        Assert.Contains("tokenizer.json", missing.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.json", """{"model":{"type":"WordLevel","vocab":[]}}""", "WordLevel")]
    [InlineData("chat_template.jinja", "{% include 'x' %}", "include")]
    public async Task A_construct_that_is_not_implemented_is_named(string file, string text, string construct)
    {
        folder.Write(file, text);
        var refused = await Assert.ThrowsAsync<EngineException>(LoadAsync);
        Assert.Equal("model_unsupported", refused.Code);
        Assert.Contains(construct, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_mistake_in_the_options_is_reported_at_once()
    {
        var options = new OnnxEngineOptions { Directory = "", Threads = -1, Concurrency = 0 };
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => OnnxEngine.LoadAsync(options, default));
        Assert.Contains("Directory", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Threads", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Concurrency", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_keys_and_values_than_memory_can_hold_are_refused_at_load()
    {
        var wide = new TinyShape { Layers = 4, Heads = 8, KvHeads = 8, HeadSize = 64, Context = 64 };
        using var vast = ModelFolder.Create(new TinyLlama(wide));
        var many = new OnnxEngineOptions { Directory = vast.Path, KvTokens = 1L << 40 };
        var refused = await Assert.ThrowsAsync<EngineException>(() => OnnxEngine.LoadAsync(many, default));
        Assert.Equal("engine_too_large", refused.Code);
        Assert.Contains("KvTokens", refused.Message, StringComparison.Ordinal);

        vast.Write("config.json", new { max_position_embeddings = 1 << 24, vocab_size = 300 });
        var one = new OnnxEngineOptions { Directory = vast.Path, Concurrency = 1 };
        refused = await Assert.ThrowsAsync<EngineException>(() => OnnxEngine.LoadAsync(one, default));
        Assert.Contains("MaxContext", refused.Message, StringComparison.Ordinal);
    }

    private Task<OnnxEngine> LoadAsync() =>
        OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = folder.Path }, default);
}
