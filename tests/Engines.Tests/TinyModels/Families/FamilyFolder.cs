using System.Text.Json.Nodes;
using Souk.OpenAi.Tokens;

namespace Souk.Engines.Tests.TinyModels.Families;

/// <summary>A family's whole directory: shrunk config.json, published tokenizer settings and chat template, random
/// weights.</summary>
internal sealed class FamilyFolder : IDisposable
{
    private FamilyFolder(ModelFolder folder, Family family, FamilyWeights weights)
    {
        Folder = folder;
        Family = family;
        Weights = weights;
    }

    public ModelFolder Folder { get; }

    public Family Family { get; }

    public FamilyWeights Weights { get; }

    public static FamilyFolder Create(
        string name, bool hasPositions = true, bool hasKeep = false, string onnxFile = "model.onnx")
    {
        var (tokenizer, template, ends) = Parts(name);
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(tokenizer.ToJsonString());
        var loaded = Tokenizer.Load(bytes).Value;
        var family = new Family(name, loaded.VocabularySize);
        var weights = new FamilyWeights(family, (uint)name.Length);
        var folder = ModelFolder.Empty();
        JsonNode[] endIds = [.. ends.Select(end => (JsonNode)loaded.IdOf(end)!.Value)];
        family.Config["eos_token_id"] = endIds.Length == 1 ? endIds[0].DeepClone() : new JsonArray(endIds);
        folder.Write("config.json", family.Config.ToJsonString());
        folder.Write("tokenizer.json", bytes);
        var config = new JsonObject { ["eos_token"] = ends[0] };
        if (loaded.PrefixIds is [var begin])
        {
            config["bos_token"] = tokenizer["added_tokens"]!.AsArray()
                .Single(token => (int)token!["id"]! == begin)!["content"]!.DeepClone();
        }

        folder.Write("tokenizer_config.json", config.ToJsonString());
        if (template is not null)
        {
            folder.Write("chat_template.jinja", template);
        }

        folder.Write(onnxFile, FamilyOnnx.Write(family, weights, hasPositions, hasKeep));
        return new FamilyFolder(folder, family, weights);
    }

    public void Dispose() => Folder.Dispose();

    /// <summary>The tokenizer, template and end tokens that a family is published with.</summary>
    private static (JsonObject Tokenizer, string? Template, string[] Ends) Parts(string name) => name switch
    {
        "llama-2-7b" => (Read("llama2"), Template("llama2"), ["</s>"]),
        "mistral-7b" => (Read("llama2"), Template("mistral_v0.1"), ["</s>"]),
        "llama-3.2-3b" => (Read("llama3"), Template("llama3"), ["<|eot_id|>"]),
        "qwen2-7b" => (Read("qwen3"), Template("qwen2.5"), ["<|im_end|>", "<|endoftext|>"]),
        "qwen3-0.6b" => (Read("qwen3"), Template("qwen3"), ["<|im_end|>"]),
        "gemma-2-9b" or "gemma-3-1b" => (Read("gemma3"), Template("gemma3"), ["<end_of_turn>", "<eos>"]),
        "phi-2" => (CodeGen(), null, ["<|endoftext|>"]),
        _ => (Phi3(), Phi3Template, ["<|end|>", "</s>"]),
    };

    /// <summary>The form that the model's card gives for a chat.</summary>
    private const string Phi3Template =
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] "
        + "+ '<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

    /// <summary>Phi 2 has GPT-2's split over bytes and no template.</summary>
    private static JsonObject CodeGen()
    {
        var tokenizer = Read("qwen3");
        tokenizer["normalizer"] = null;
        tokenizer["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true,
        };
        return tokenizer;
    }

    /// <summary>Phi 3 has Llama 2's tokenizer with turn markers that swallow the white space after them.</summary>
    private static JsonObject Phi3()
    {
        var tokenizer = Read("llama2");
        int next = tokenizer["model"]!["vocab"]!.AsObject().Count;
        foreach (string marker in (string[])["<|end|>", "<|user|>", "<|assistant|>"])
        {
            tokenizer["added_tokens"]!.AsArray().Add(new JsonObject
            {
                ["id"] = next++, ["content"] = marker, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = true,
                ["normalized"] = false, ["special"] = true,
            });
        }

        return tokenizer;
    }

    private static JsonObject Read(string tokenizer) => JsonNode.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "tokenizers", tokenizer + ".json")))!.AsObject();

    private static string Template(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "templates", name + ".jinja"));
}
