using System.Text.Json.Nodes;
using Souk.Engines.Onnx;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Tools;

/// <summary>A tiny random model whose chat template knows tools in one of the common conventions.</summary>
internal sealed class ToolModel : IAsyncDisposable
{
    public const string Tagged = """<tool_call>{"name": <name>, "arguments": <args>}</tool_call>""";
    public const string Listed = """[TOOL_CALLS][{"name": <name>, "arguments": <args>}]""";
    public const string Bare = """Environment: ipython. Answer {"name": function name, "parameters": dictionary}.""";
    public const string Unknown = "<tool_call><function=name><parameter=x>1</parameter></function></tool_call>";

    private readonly ModelFolder folder;

    private ToolModel(ModelFolder folder, OnnxEngine engine) => (this.folder, Engine) = (folder, engine);

    public OnnxEngine Engine { get; }

    /// <param name="convention">The words of the template about calls.</param>
    /// <param name="special">A text that is a special token of its own, or null.</param>
    public static async Task<ToolModel> LoadAsync(string convention, string? special = null)
    {
        var folder = ModelFolder.Create(new TinyLlama(new TinyShape { Context = 2048, Seed = 5 }));
        var config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder.Path, "tokenizer_config.json")))!;
        config["chat_template"] = "{% if tools %}{{ tools | tojson }}"
            + convention.Replace("{", "{{ '{' }}", StringComparison.Ordinal) + "{% endif %}" + ModelFolder.Template;
        folder.Write("tokenizer_config.json", config);
        if (special is not null)
        {
            var tokenizer = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder.Path, "tokenizer.json")))!;
            var added = tokenizer["added_tokens"]!.AsArray();
            var another = added[0]!.DeepClone();
            (another["id"], another["content"]) = (256 + added.Count, special);
            added.Add(another);
            folder.Write("tokenizer.json", tokenizer);
        }

        return new ToolModel(
            folder,
            await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = folder.Path, Threads = 1 }, default));
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        folder.Dispose();
    }
}
