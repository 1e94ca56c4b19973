using System.Text;
using System.Text.Json;

namespace Souk.Engines.Tests.TinyModels;

/// <summary>Writes whole model directories under the temporary directory and removes them again.</summary>
internal sealed class ModelFolder : IDisposable
{
    /// <summary>Byte-level tokens 0 to 255, then these.</summary>
    public const int Begin = 256;
    public const int End = 257;
    public const int User = 258;
    public const int Assistant = 259;

    /// <summary>A chat template of this tokenizer; byte-level, so that a prompt's ids are plain to see.</summary>
    public const string Template =
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}" +
        "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    private ModelFolder(string path) => Path = path;

    public string Path { get; }

    public static ModelFolder Create(TinyLlama model, string onnxFile = "model.onnx")
    {
        var folder = Empty();
        folder.Write(onnxFile, TinyLlamaOnnx.Write(model));
        folder.Write("config.json", Config(model.Shape));
        folder.Write("generation_config.json", new { eos_token_id = new[] { End } });
        folder.WriteTokenizer();
        return folder;
    }

    public static ModelFolder Empty()
    {
        string path = Directory.CreateTempSubdirectory("souk-model-").FullName;
        return new ModelFolder(path);
    }

    public static object Config(TinyShape shape) => new
    {
        model_type = "llama",
        hidden_size = shape.Hidden,
        num_attention_heads = shape.Heads,
        num_key_value_heads = shape.KvHeads,
        head_dim = shape.HeadSize,
        num_hidden_layers = shape.Layers,
        vocab_size = shape.Vocabulary,
        max_position_embeddings = shape.Context,
        eos_token_id = End,
    };

    public void WriteTokenizer()
    {
        var vocabulary = ByteLetters().Select((letter, id) => (letter, id))
            .ToDictionary(pair => pair.letter.ToString(), pair => pair.id);
        string[] special = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"];
        var added = special.Select((text, i) => new
        {
            id = 256 + i, content = text, single_word = false, lstrip = false, rstrip = false, normalized = false,
            special = true,
        });
        Write("tokenizer.json", new
        {
            version = "1.0",
            truncation = (object?)null,
            padding = (object?)null,
            added_tokens = added,
            normalizer = (object?)null,
            pre_tokenizer = new
            {
                type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = false,
            },
            post_processor = (object?)null,
            decoder = new { type = "ByteLevel", add_prefix_space = true, trim_offsets = true, use_regex = true },
            model = new
            {
                type = "BPE", dropout = (object?)null, unk_token = (object?)null,
                continuing_subword_prefix = (object?)null, end_of_word_suffix = (object?)null, fuse_unk = false,
                byte_fallback = false, ignore_merges = false, vocab = vocabulary, merges = Array.Empty<string>(),
            },
        });
        Write("tokenizer_config.json", new
        {
            bos_token = "<|begin|>", eos_token = "<|end|>", chat_template = Template,
            tokenizer_class = "PreTrainedTokenizerFast",
        });
    }

    public void Write(string name, object value) => Write(name, JsonSerializer.SerializeToUtf8Bytes(value));

    public void Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    public void Write(string name, byte[] bytes)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>GPT-2's letters for the bytes 0 to 255: printable ones stand for themselves, the others for the
    /// letters from U+0100 on.</summary>
    public static IEnumerable<char> ByteLetters()
    {
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            yield return isPrintable ? (char)value : (char)next++;
        }
    }
}
