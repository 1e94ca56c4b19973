using System.Text.Json;
using Souk.Engines;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Testbed.Engines;

/// <summary>
/// A model of a few kilobytes: a real byte-level tokenizer and chat template, and weights that are only a name. One
/// byte is
/// one token, so prompts and answers can be counted by eye.
/// </summary>
public static class TinyModel
{
    public const int Context = 2048;
    public const int MostOutput = 1024;
    public const int End = 257;

    private const string Template =
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
        + "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    private const string ToolTemplate =
        "{% if tools %}{{ '<tools>' + (tools | tojson) + '</tools>Call with <tool_call>{\"name\": , \"arguments\": }"
        + "</tool_call>' }}{% endif %}" + Template;

    /// <summary>The model, its digest fixed by its name and by whether it knows tools.</summary>
    /// <param name="name">Fixes its digest.</param>
    /// <param name="counting">How its tokens are counted.</param>
    /// <param name="features">What it can do; null for the usual.</param>
    public static EngineModel Make(
        string name, string counting = CountingKinds.Ids, IReadOnlyList<string>? features = null)
    {
        var files = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal)
        {
            ["generation_config.json"] = JsonSerializer.SerializeToUtf8Bytes(new { eos_token_id = new[] { End } }),
            ["tokenizer.json"] = TokenizerJson(),
            ["tokenizer_config.json"] = JsonSerializer.SerializeToUtf8Bytes(new
            {
                bos_token = "<|begin|>", eos_token = "<|end|>", chat_template =
                    features?.Contains(EngineFeatures.Tools) == true ? ToolTemplate : Template,
            }),
        };
        var weights = System.Text.Encoding.UTF8.GetBytes(name);
        var entries = files.Select(file =>
            new ManifestEntry(file.Key, Sha.Hash(file.Value.Span), (ulong)file.Value.Length))
            .Append(new ManifestEntry("model.onnx", Sha.Hash(weights), (ulong)weights.Length));
        var manifest = ModelManifest.FromFiles(entries, "w=f32,a=f32,kv=f32");
        return new EngineModel(
            name, manifest, files, Context, MostOutput, 260, "simulated/1", null, counting,
            features ?? [EngineFeatures.ManyChoices, EngineFeatures.Seed, EngineFeatures.Stop]);
    }

    /// <summary>The encoder of every such model.</summary>
    public static PromptEncoder Encoder(EngineModel model) => PromptFiles.Build(model.PublicFiles).Value;

    private static byte[] TokenizerJson()
    {
        var vocabulary = ByteLetters().Select((letter, id) => (letter, id))
            .ToDictionary(pair => pair.letter.ToString(), pair => pair.id);
        string[] special = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"];
        return JsonSerializer.SerializeToUtf8Bytes(new
        {
            version = "1.0",
            truncation = (object?)null,
            padding = (object?)null,
            added_tokens = special.Select((text, i) => new
            {
                id = 256 + i, content = text, single_word = false, lstrip = false, rstrip = false, normalized = false,
                special = true,
            }),
            normalizer = (object?)null,
            pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true,
                use_regex = false },
            post_processor = (object?)null,
            decoder = new { type = "ByteLevel", add_prefix_space = true, trim_offsets = true, use_regex = true },
            model = new
            {
                type = "BPE", dropout = (object?)null, unk_token = (object?)null,
                continuing_subword_prefix = (object?)null, end_of_word_suffix = (object?)null, fuse_unk = false,
                byte_fallback = false, ignore_merges = false, vocab = vocabulary, merges = Array.Empty<string>(),
            },
        });
    }

    // GPT-2's letters for the bytes 0 to 255: printable ones stand for themselves, the others for those from U+0100 on.
    private static IEnumerable<char> ByteLetters()
    {
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            yield return isPrintable ? (char)value : (char)next++;
        }
    }
}
