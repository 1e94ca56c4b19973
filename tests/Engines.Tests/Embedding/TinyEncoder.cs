using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Embedding;

/// <summary>Directories of the published BERT shape whose states are plain to compute: the row of each token in a
/// table, plus the mask's sum over the text, so that padding which leaked in would show.</summary>
internal sealed class TinyEncoder
{
    public const int Size = 4;
    public const int Longest = 12;

    /// <summary>[PAD], [UNK], [CLS], [SEP], then letters and their continuations.</summary>
    public static readonly string[] Tokens =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", .. "abcdefgh".Select(c => $"{c}"), .. "abcdefgh".Select(c => $"##{c}")];

    public static float[] Row(int id) =>
        [.. Enumerable.Range(0, Size).Select(i => MathF.Sin((id * 7) + (i * 3) + 1))];

    /// <summary>Writes all files; a pooling of null leaves 1_Pooling out.</summary>
    public static ModelFolder Write(
        string? pooling = "mean_tokens", bool normalizes = false, bool isHalf = false, string output =
            "last_hidden_state",
        string? extraInput = null, bool hasKinds = true)
    {
        var folder = ModelFolder.Empty();
        folder.Write("onnx/model.onnx", Onnx(isHalf, output, extraInput, hasKinds));
        folder.Write("config.json", new
        {
            model_type = "bert", architectures = new[] { "BertModel" }, hidden_size = Size,
            max_position_embeddings = 16, vocab_size = Tokens.Length, pad_token_id = 0,
        });
        folder.Write("sentence_bert_config.json", new { max_seq_length = Longest, do_lower_case = false });
        folder.Write("modules.json", Modules(normalizes));
        if (pooling is not null)
        {
            folder.Write("1_Pooling/config.json", new Dictionary<string, object>
            {
                ["word_embedding_dimension"] = Size, ["pooling_mode_cls_token"] = pooling == "cls_token",
                ["pooling_mode_mean_tokens"] = pooling == "mean_tokens",
                ["pooling_mode_max_tokens"] = pooling == "max_tokens",
                ["pooling_mode_mean_sqrt_len_tokens"] = pooling == "mean_sqrt_len_tokens",
                ["pooling_mode_lasttoken"] = pooling == "lasttoken",
            });
        }

        WriteTokenizer(folder);
        return folder;
    }

    public static object[] Modules(bool normalizes, string? further = null)
    {
        List<object> modules =
        [
            new { idx = 0, name = "0", path = "", type = "sentence_transformers.models.Transformer" },
            new { idx = 1, name = "1", path = "1_Pooling", type = "sentence_transformers.models.Pooling" },
        ];
        if (further is not null)
        {
            modules.Add(new { idx = 2, name = "2", path = "2_Other", type = "sentence_transformers.models."
                + further });
        }

        if (normalizes)
        {
            modules.Add(new { idx = 2, name = "2", path = "2_Normalize",
                type = "sentence_transformers.models.Normalize" });
        }

        return [.. modules];
    }

    private static void WriteTokenizer(ModelFolder folder)
    {
        var vocabulary = Tokens.Select((text, id) => (text, id)).ToDictionary(pair => pair.text, pair => pair.id);
        object Special(string text) => new { SpecialToken = new { id = text, type_id = 0 } };
        folder.Write("tokenizer.json", new
        {
            version = "1.0",
            added_tokens = Tokens[..4].Select((text, id) => new
            {
                id, content = text, single_word = false, lstrip = false, rstrip = false, normalized = false,
                special = true,
            }),
            normalizer = new { type = "BertNormalizer", clean_text = true, lowercase = true },
            pre_tokenizer = new { type = "BertPreTokenizer" },
            post_processor = new
            {
                type = "TemplateProcessing",
                single = new[] { Special("[CLS]"), new { Sequence = new { id = "A", type_id = 0 } }, Special("[SEP]") },
            },
            decoder = new { type = "WordPiece", prefix = "##", cleanup = true },
            model = new
            {
                type = "WordPiece", unk_token = "[UNK]", continuing_subword_prefix = "##",
                max_input_chars_per_word = 100, vocab = vocabulary,
            },
        });
    }

    private static byte[] Onnx(bool isHalf, string output, string? extraInput, bool hasKinds)
    {
        var graph = new OnnxGraph();
        int wide = isHalf ? OnnxGraph.Half : OnnxGraph.Float;
        string ids = graph.Input("input_ids", OnnxGraph.Int64, "batch", "sequence");
        string mask = graph.Input("attention_mask", OnnxGraph.Int64, "batch", "sequence");
        if (hasKinds)
        {
            graph.Input("token_type_ids", OnnxGraph.Int64, "batch", "sequence");
        }

        if (extraInput is not null)
        {
            graph.Input(extraInput, OnnxGraph.Int64, "batch");
        }

        string table = graph.Floats(
            [.. Enumerable.Range(0, Tokens.Length).SelectMany(Row)], Tokens.Length, Size);
        string states = graph.Op("Gather", [table, ids]);
        string sum = graph.Op("ReduceSum", [graph.Cast(mask, OnnxGraph.Float), graph.Longs([1])]);
        states = graph.Op("Add", [states, graph.Op("Unsqueeze", [sum, graph.Longs([2])])]);
        if (output == "sentence_embedding")
        {
            states = graph.Op("ReduceSum", [states, graph.Longs([1])], ("keepdims", 0L));
            graph.Named("Cast", output, [states], ("to", (long)wide));
            graph.Output(output, wide, "batch", Size);
        }
        else
        {
            graph.Named("Cast", output, [states], ("to", (long)wide));
            graph.Output(output, wide, "batch", "sequence", Size);
        }

        return graph.ToModel();
    }
}
