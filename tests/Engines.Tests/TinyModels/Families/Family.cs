using System.Text.Json.Nodes;

namespace Souk.Engines.Tests.TinyModels.Families;

/// <summary>A published decoder by its real config.json, with sizes made small: heads keep their ratio, every other
/// value is as published.</summary>
internal sealed class Family
{
    public Family(string name, int vocabulary)
    {
        Name = name;
        Config = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "families", name + ".json")))!
            .AsObject();
        Type = (string)Config["model_type"]!;
        int ratio = Number("num_attention_heads") / Number("num_key_value_heads");
        KvHeads = ratio switch { 1 => 4, >= 4 => 1, _ => 2 };
        Heads = KvHeads * ratio;
        HeadSize = Type == "phi" ? 20 : 8;
        Layers = Type == "gemma3_text" ? Number("sliding_window_pattern") + 1 : 2;
        Vocabulary = vocabulary + 5;
        Shrink();
    }

    public const int Hidden = 32;
    public const int Inner = 48;
    public const int Context = 320;
    public const int Window = 6;

    public string Name { get; }

    public JsonObject Config { get; }

    public string Type { get; }

    public int Heads { get; }

    public int KvHeads { get; }

    public int HeadSize { get; }

    public int Layers { get; }

    /// <summary>More than the tokenizer has, as published models pad theirs.</summary>
    public int Vocabulary { get; }

    public bool IsGemma => Type is "gemma2" or "gemma3_text";

    public bool IsPhi2 => Type == "phi";

    public bool HasHeadNorms => Type is "qwen3" or "gemma3_text";

    public bool HasProjectionBias => Type is "qwen2" or "phi";

    public bool IsTied => IsGemma || (bool)Config["tie_word_embeddings"]!;

    public bool IsGelu => ((string?)Config["hidden_activation"] ?? (string)Config["hidden_act"]!)
        .StartsWith("gelu", StringComparison.Ordinal);

    public double Epsilon => (double)(Config["rms_norm_eps"] ?? Config["layer_norm_eps"])!;

    public double AttentionCap => (double?)Config["attn_logit_softcapping"] ?? 0;

    public double FinalCap => (double?)Config["final_logit_softcapping"] ?? 0;

    /// <summary>Numbers of a head that are rotated.</summary>
    public int Rotated => (int)(HeadSize * ((double?)Config["partial_rotary_factor"] ?? 1));

    /// <summary>Positions a layer looks back, itself included; 0 for all.</summary>
    public int WindowOf(int layer) => Type switch
    {
        "mistral" or "phi3" => Window,
        "gemma2" => layer % 2 == 0 ? Window : 0,
        "gemma3_text" => IsLocal(layer) ? Window : 0,
        _ => 0,
    };

    public double ThetaOf(int layer) => Type == "gemma3_text" && IsLocal(layer)
        ? (double)Config["rope_local_base_freq"]!
        : (double?)Config["rope_theta"] ?? 10000;

    private bool IsLocal(int layer) => (layer + 1) % Number("sliding_window_pattern") != 0;

    private int Number(string name) => (int)Config[name]!;

    private void Shrink()
    {
        Config["hidden_size"] = Hidden;
        Config["intermediate_size"] = Inner;
        Config["num_hidden_layers"] = Layers;
        Config["num_attention_heads"] = Heads;
        Config["num_key_value_heads"] = KvHeads;
        Config["max_position_embeddings"] = Context;
        Config["vocab_size"] = Vocabulary;

        // Without it, the head size follows from the hidden size, which is right for none of these small shapes.
        Config["head_dim"] = HeadSize;
        if (WindowOf(0) > 0)
        {
            Config["sliding_window"] = Window;
        }

        if (Config.ContainsKey("query_pre_attn_scalar"))
        {
            Config["query_pre_attn_scalar"] = HeadSize;
        }
    }
}

/// <summary>Random weights; each matrix [in, out] in row-major order, with a bias where the family has one.</summary>
internal sealed class FamilyWeights
{
    private uint state;

    public FamilyWeights(Family family, uint seed)
    {
        state = unchecked(seed * 2654435761u) | 1;
        int hidden = Family.Hidden, inner = Family.Inner, size = family.HeadSize;
        Embedding = Values(family.Vocabulary * hidden, family.IsGemma ? 0.25f : 1.2f);
        Layers = [.. Enumerable.Range(0, family.Layers).Select(_ => new Layer(
            Norms(hidden), Norms(hidden), Norms(hidden), Norms(hidden),
            new Linear(this, hidden, family.Heads * size, 2, family.HasProjectionBias),
            new Linear(this, hidden, family.KvHeads * size, 2, family.HasProjectionBias),
            new Linear(this, hidden, family.KvHeads * size, 1, family.HasProjectionBias),
            new Linear(this, family.Heads * size, hidden, 1, family.IsPhi2),
            Norms(size), Norms(size),
            new Linear(this, hidden, inner, 1, family.IsPhi2), new Linear(this, hidden, inner, 1, family.IsPhi2),
            new Linear(this, inner, hidden, 1, family.IsPhi2)))];
        Final = Norms(hidden);
        Head = new Linear(this, hidden, family.Vocabulary, 3, family.IsPhi2);
    }

    public float[] Embedding { get; }

    public Layer[] Layers { get; }

    public Norm Final { get; }

    /// <summary>Not used where the embedding is tied.</summary>
    public Linear Head { get; }

    /// <summary>A norm's gain, as a distance from one for Gemma, and its bias for LayerNorm.</summary>
    internal sealed record Norm(float[] Weight, float[] Bias);

    internal sealed record Linear
    {
        public Linear(FamilyWeights from, int rows, int columns, float gain, bool hasBias)
        {
            (Rows, Columns) = (rows, columns);
            Matrix = from.Values(rows * columns, gain * MathF.Sqrt(3f / rows));
            Bias = hasBias ? from.Values(columns, 0.3f) : null;
        }

        public int Rows { get; }

        public int Columns { get; }

        public float[] Matrix { get; }

        public float[]? Bias { get; }
    }

    internal sealed record Layer(
        Norm Input, Norm AfterAttention, Norm BeforeFeed, Norm AfterFeed, Linear Q, Linear K, Linear V, Linear O,
        Norm QueryNorm, Norm KeyNorm, Linear Gate, Linear Up, Linear Down);

    private Norm Norms(int length) => new(Values(length, 0.3f), Values(length, 0.2f));

    private float[] Values(int count, float scale)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            unchecked
            {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
            }

            values[i] = scale * ((state / 2147483648f) - 1);
        }

        return values;
    }
}
