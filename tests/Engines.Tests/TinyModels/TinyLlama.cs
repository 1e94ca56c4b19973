namespace Souk.Engines.Tests.TinyModels;

/// <summary>Sizes of a Llama-shaped decoder made for a test.</summary>
internal sealed record TinyShape
{
    public int Layers { get; init; } = 2;

    public int Heads { get; init; } = 4;

    public int KvHeads { get; init; } = 2;

    public int HeadSize { get; init; } = 8;

    public int Hidden { get; init; } = 32;

    public int Inner { get; init; } = 64;

    public int Vocabulary { get; init; } = 300;

    public int Context { get; init; } = 256;

    public uint Seed { get; init; } = 1;

    public bool HasMask { get; init; } = true;

    public bool HasPositions { get; init; } = true;

    /// <summary>Keys, values, logits and weights as float16.</summary>
    public bool IsHalf { get; init; }

    /// <summary>Gives every token but visible ASCII a logit of zero, so that greedy answers are plain text.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Leaves sizes of keys, values and logits open, so that config.json must give them.</summary>
    public bool IsSymbolic { get; init; }

    /// <summary>One GroupQueryAttention operator per layer, as most published exports have it, instead of its parts.
    /// </summary>
    public bool IsFused { get; init; }

    /// <summary>A further input that no engine knows.</summary>
    public string? ExtraInput { get; init; }
}

/// <summary>Weights of one decoder, float32, each matrix [in, out] in row-major order; random unless they are
/// given.</summary>
internal sealed class TinyLlama
{
    private uint state;

    public TinyLlama(TinyShape shape)
    {
        Shape = shape;
        state = unchecked(shape.Seed * 2654435761u) | 1;
        Embedding = Matrix(shape.Vocabulary, shape.Hidden, 1);
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(_ => new Layer(
            Norm(), Matrix(shape.Hidden, shape.Heads * shape.HeadSize, 2),
            Matrix(shape.Hidden, shape.KvHeads * shape.HeadSize, 2),
            Matrix(shape.Hidden, shape.KvHeads * shape.HeadSize, 1),
            Matrix(shape.Heads * shape.HeadSize, shape.Hidden, 1),
            Norm(), Matrix(shape.Hidden, shape.Inner, 1), Matrix(shape.Hidden, shape.Inner, 1),
            Matrix(shape.Inner, shape.Hidden, 1)))];
        FinalNorm = Norm();
        Head = Matrix(shape.Hidden, shape.Vocabulary, 4);
        for (int i = 0; shape.IsPlain && i < Head.Length; i++)
        {
            Head[i] = i % shape.Vocabulary is > ' ' and <= '~' ? Head[i] : 0;
        }
    }

    /// <param name="shape">Sizes.</param>
    /// <param name="read">Gives the weights of a name of PyTorch's Llama, matrices turned to [in, out].</param>
    public TinyLlama(TinyShape shape, Func<string, float[]> read)
    {
        Shape = shape;
        Embedding = read("model.embed_tokens.weight");
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(layer =>
        {
            float[] Of(string name) => read($"model.layers.{layer}.{name}.weight");
            return new Layer(
                Of("input_layernorm"), Of("self_attn.q_proj"), Of("self_attn.k_proj"), Of("self_attn.v_proj"),
                Of("self_attn.o_proj"), Of("post_attention_layernorm"), Of("mlp.gate_proj"), Of("mlp.up_proj"),
                Of("mlp.down_proj"));
        })];
        FinalNorm = read("model.norm.weight");
        Head = read("lm_head.weight");
    }

    public TinyShape Shape { get; }

    public float[] Embedding { get; }

    public Layer[] Layers { get; }

    public float[] FinalNorm { get; }

    public float[] Head { get; }

    public const double Theta = 10000;

    public const double Epsilon = 1e-5;

    internal sealed record Layer(
        float[] AttentionNorm, float[] Q, float[] K, float[] V, float[] O,
        float[] FeedNorm, float[] Gate, float[] Up, float[] Down);

    private float[] Norm() => [.. Enumerable.Range(0, Shape.Hidden).Select(_ => 1 + (0.1f * Next()))];

    private float[] Matrix(int rows, int columns, float gain)
    {
        float scale = gain * MathF.Sqrt(3f / rows);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.Length; i++)
        {
            // Rounded to float16, so that a model of either width has the same weights.
            values[i] = (float)(Half)(scale * Next());
        }

        return values;
    }

    /// <summary>Uniform in [-1, 1), by xorshift32.</summary>
    private float Next()
    {
        unchecked
        {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
        }

        return (state / 2147483648f) - 1;
    }
}
