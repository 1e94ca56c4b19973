using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Souk.Engines.Embedding;

/// <summary>A session of the published BERT shape: input_ids, attention_mask and perhaps token_type_ids in; states of
/// the tokens, or one vector per text, out. Safe for concurrent use.</summary>
internal sealed class Encoder : IDisposable
{
    private static readonly string[] KnownInputs = ["input_ids", "attention_mask", "token_type_ids"];

    private readonly InferenceSession session;
    private readonly string[] inputs;
    private readonly string output;
    private readonly PoolingMode mode;
    private readonly PoolingConfig config;

    public Encoder(InferenceSession session, PoolingConfig config, int hidden)
    {
        this.session = session;
        this.config = config;
        string? stranger = session.InputNames.FirstOrDefault(name => !KnownInputs.Contains(name));
        if (stranger is not null)
        {
            throw PoolingConfig.Wrong($"its ONNX file wants the input \"{stranger}\"");
        }

        inputs = [.. KnownInputs.Where(session.InputMetadata.ContainsKey)];
        if (!inputs.Contains("input_ids") || !inputs.Contains("attention_mask")
            || inputs.Any(name => session.InputMetadata[name].ElementDataType != TensorElementType.Int64))
        {
            throw PoolingConfig.Wrong("its ONNX file lacks input_ids and attention_mask of int64");
        }

        (output, mode) = Output(session.OutputMetadata, config.Mode);
        var shape = session.OutputMetadata[output];
        IsHalf = shape.ElementDataType == TensorElementType.Float16;
        Size = shape.Dimensions[^1] > 0 ? shape.Dimensions[^1] : hidden;
        if (Size <= 0)
        {
            throw PoolingConfig.Wrong("neither its ONNX file nor config.json gives the hidden_size");
        }
    }

    /// <summary>Numbers of one vector.</summary>
    public int Size { get; }

    public bool IsHalf { get; }

    /// <summary>One vector for each row of ids; rows are padded to the longest. Blocks for the whole pass.</summary>
    public float[][] Embed(IReadOnlyList<int[]> rows, RunOptions options)
    {
        int width = rows.Max(row => row.Length);
        long[] ids = new long[rows.Count * width];
        long[] mask = new long[ids.Length];
        Array.Fill(ids, config.PadId);
        for (int row = 0; row < rows.Count; row++)
        {
            for (int i = 0; i < rows[row].Length; i++)
            {
                ids[(row * width) + i] = rows[row][i];
                mask[(row * width) + i] = 1;
            }
        }

        long[] shape = [rows.Count, width];
        using var idsValue = OrtValue.CreateTensorValueFromMemory(ids, shape);
        using var maskValue = OrtValue.CreateTensorValueFromMemory(mask, shape);
        using var kinds = OrtValue.CreateTensorValueFromMemory(new long[ids.Length], shape);
        var values = new Dictionary<string, OrtValue>
        {
            ["input_ids"] = idsValue, ["attention_mask"] = maskValue, ["token_type_ids"] = kinds,
        };
        using var outputs = session.Run(options, inputs, [.. inputs.Select(name => values[name])], [output]);
        return Vectors(outputs[0], rows, width);
    }

    public void Dispose() => session.Dispose();

    private static (string Name, PoolingMode Mode) Output(
        IReadOnlyDictionary<string, NodeMetadata> outputs, PoolingMode stated)
    {
        bool IsFloat(string name, int rank) => outputs.TryGetValue(name, out var found) && found.IsTensor
            && found.ElementDataType is TensorElementType.Float or TensorElementType.Float16
            && found.Dimensions.Length == rank;
        if (IsFloat("sentence_embedding", 2))
        {
            return ("sentence_embedding", PoolingMode.None);
        }

        string[] states = ["last_hidden_state", "token_embeddings"];
        string name = states.FirstOrDefault(state => IsFloat(state, 3)) ?? throw PoolingConfig.Wrong(
            $"its ONNX file gives neither sentence_embedding nor {string.Join(" nor ", states)} as float32 or float16");
        return stated == PoolingMode.None
            ? throw PoolingConfig.Wrong(
                "it lacks 1_Pooling/config.json, which says how the states of tokens become a vector")
            : (name, stated);
    }

    private float[][] Vectors(OrtValue value, IReadOnlyList<int[]> rows, int width)
    {
        var shape = value.GetTensorTypeAndShape().Shape;
        long[] expected = mode == PoolingMode.None ? [rows.Count, Size] : [rows.Count, width, Size];
        if (!shape.SequenceEqual(expected))
        {
            throw new InvalidDataException(
                $"The output has the shape [{string.Join(", ", shape)}], not [{string.Join(", ", expected)}].");
        }

        var states = Floats(value);
        var vectors = new float[rows.Count][];
        for (int row = 0; row < vectors.Length; row++)
        {
            vectors[row] = mode == PoolingMode.None
                ? states.Slice(row * Size, Size).ToArray()
                : Pool(states.Slice(row * width * Size, rows[row].Length * Size));
            if (config.Normalizes)
            {
                // As in sentence-transformers, a vector of zeros stays one.
                float length = Math.Max(TensorPrimitives.Norm(vectors[row]), 1e-12f);
                TensorPrimitives.Divide(vectors[row], length, vectors[row]);
            }

            if (!vectors[row].All(float.IsFinite))
            {
                throw new InvalidDataException("The model computed a number that is not finite.");
            }
        }

        return vectors;
    }

    private ReadOnlySpan<float> Floats(OrtValue value)
    {
        if (!IsHalf)
        {
            return value.GetTensorDataAsSpan<float>();
        }

        var halves = MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>());
        float[] wide = new float[halves.Length];
        TensorPrimitives.ConvertToSingle(halves, wide);
        return wide;
    }

    /// <param name="states">Of the row's own tokens, padding left out.</param>
    private float[] Pool(ReadOnlySpan<float> states)
    {
        int tokens = states.Length / Size;
        switch (mode)
        {
            case PoolingMode.FirstToken:
                return states[..Size].ToArray();
            case PoolingMode.LastToken:
                return states[^Size..].ToArray();
        }

        float[] pooled = states[..Size].ToArray();
        for (int token = 1; token < tokens; token++)
        {
            var state = states.Slice(token * Size, Size);
            if (mode == PoolingMode.Greatest)
            {
                TensorPrimitives.Max(pooled, state, pooled);
            }
            else
            {
                TensorPrimitives.Add(pooled, state, pooled);
            }
        }

        if (mode == PoolingMode.Mean)
        {
            TensorPrimitives.Divide(pooled, tokens, pooled);
        }

        return pooled;
    }
}
