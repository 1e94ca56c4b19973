using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Souk.Protocol;

namespace Souk.Engines.Onnx;

/// <summary>What a session's metadata says about a decoder, checked against the one published shape this engine runs:
/// input_ids, attention_mask, position_ids, past_key_values.N.key/value in; logits, present.N.key/value
/// out.</summary>
internal sealed class ModelShape
{
    private const string PastPrefix = "past_key_values.";
    private const string PresentPrefix = "present.";

    /// <summary>How many positions' logits are wanted; 0 for all. Some exports have it.</summary>
    internal const string Keep = "num_logits_to_keep";

    private ModelShape(
        bool hasMask, bool hasPositions, string[] pastNames, string[] presentNames, int kvHeads, int headSize,
        TensorElementType kvType, TensorElementType logitsType, int vocabulary, int? keepRank)
    {
        KeepRank = keepRank;
        HasMask = hasMask;
        HasPositions = hasPositions;
        PastNames = pastNames;
        PresentNames = presentNames;
        KvHeads = kvHeads;
        HeadSize = headSize;
        KvType = kvType;
        LogitsType = logitsType;
        Vocabulary = vocabulary;
    }

    public bool HasMask { get; }

    public bool HasPositions { get; }

    /// <summary>Dimensions of the input <see cref="Keep"/>; null where the model has none.</summary>
    public int? KeepRank { get; }

    /// <summary>Key and value inputs, layer by layer; <see cref="PresentNames"/> has the matching outputs.</summary>
    public string[] PastNames { get; }

    public string[] PresentNames { get; }

    public int Layers => PastNames.Length / 2;

    public int KvHeads { get; }

    public int HeadSize { get; }

    public TensorElementType KvType { get; }

    public TensorElementType LogitsType { get; }

    public int Vocabulary { get; }

    /// <summary>Bytes of one head's key or value at one position.</summary>
    public int KvCellBytes => HeadSize * (KvType == TensorElementType.Float16 ? 2 : 4);

    /// <summary>Bytes of keys and values that one position holds over all layers.</summary>
    public long KvBytesPerToken => (long)PastNames.Length * KvHeads * KvCellBytes;

    /// <exception cref="EngineException">Ours, "model_unsupported", naming the input or output that does not fit.
    /// </exception>
    public static ModelShape Read(
        IReadOnlyDictionary<string, NodeMetadata> inputs, IReadOnlyDictionary<string, NodeMetadata> outputs,
        Files.ModelConfig config)
    {
        RequireType("input", "input_ids", Find(inputs, "input", "input_ids"), TensorElementType.Int64);
        bool hasMask = HasInt64(inputs, "attention_mask");
        bool hasPositions = HasInt64(inputs, "position_ids");
        bool hasKeep = HasInt64(inputs, Keep);
        int layers = CountLayers(inputs, 1 + (hasMask ? 1 : 0) + (hasPositions ? 1 : 0) + (hasKeep ? 1 : 0));
        var logits = Find(outputs, "output", "logits");
        RequireFloat("output", "logits", logits);
        var past = new string[layers * 2];
        var present = new string[layers * 2];
        for (int layer = 0; layer < layers; layer++)
        {
            past[layer * 2] = $"{PastPrefix}{layer}.key";
            past[(layer * 2) + 1] = $"{PastPrefix}{layer}.value";
            present[layer * 2] = $"{PresentPrefix}{layer}.key";
            present[(layer * 2) + 1] = $"{PresentPrefix}{layer}.value";
        }

        var first = Find(inputs, "input", past[0]);
        RequireFloat("input", past[0], first);
        for (int i = 0; i < past.Length; i++)
        {
            RequireType("input", past[i], Find(inputs, "input", past[i]), first.ElementDataType);
            RequireType("output", present[i], Find(outputs, "output", present[i]), first.ElementDataType);
            RequireRank("input", past[i], inputs[past[i]], 4);
            RequireAlike(past[i], inputs[past[i]], first);
        }

        RequireRank("output", "logits", logits, 3);
        int kvHeads = Fixed(past[0], first.Dimensions[1], config.KvHeads, "num_key_value_heads");
        int headSize = Fixed(past[0], first.Dimensions[3], config.HeadSize, "head_dim");
        int vocabulary = Fixed("logits", logits.Dimensions[2], config.Vocabulary, "vocab_size");
        return new ModelShape(
            hasMask, hasPositions, past, present, kvHeads, headSize,
            first.ElementDataType, logits.ElementDataType, vocabulary,
            hasKeep ? inputs[Keep].Dimensions.Length : null);
    }

    private static int CountLayers(IReadOnlyDictionary<string, NodeMetadata> inputs, int expected)
    {
        int cached = inputs.Count - expected;
        if (cached < 2 || cached % 2 != 0)
        {
            throw Unsupported(
                $"has {inputs.Count} inputs ({Names(inputs.Keys)}), which is not input_ids, attention_mask, " +
                "position_ids and one past_key_values.N.key and .value per layer");
        }

        int layers = cached / 2;
        var known = new HashSet<string>(StringComparer.Ordinal)
        {
            "input_ids", "attention_mask", "position_ids", Keep,
        };
        for (int layer = 0; layer < layers; layer++)
        {
            known.Add($"{PastPrefix}{layer}.key");
            known.Add($"{PastPrefix}{layer}.value");
        }

        var stranger = inputs.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault();
        return stranger is null
            ? layers
            : throw Unsupported($"wants the input \"{Bounded(stranger)}\"" + Advice(stranger));
    }

    private static string Advice(string input) => input switch
    {
        "use_cache_branch" => ", as merged decoders of old exports do; export it anew as one decoder with a cache",
        "pixel_values" or "inputs_embeds" or "image_features" => ", and only text models are run",
        _ when input.StartsWith("past_conv", StringComparison.Ordinal)
            || input.StartsWith("past_ssm", StringComparison.Ordinal) => ", and only attention caches are kept",
        _ => "",
    };

    private static bool HasInt64(IReadOnlyDictionary<string, NodeMetadata> inputs, string name)
    {
        if (!inputs.TryGetValue(name, out var found))
        {
            return false;
        }

        RequireType("input", name, found, TensorElementType.Int64);
        return true;
    }

    private static NodeMetadata Find(IReadOnlyDictionary<string, NodeMetadata> nodes, string side, string name) =>
        nodes.TryGetValue(name, out var found) ? found : throw Unsupported($"lacks the {side} \"{name}\"");

    private static void RequireFloat(string side, string name, NodeMetadata node)
    {
        if (!node.IsTensor || node.ElementDataType is not (TensorElementType.Float or TensorElementType.Float16))
        {
            throw Unsupported($"has the {side} \"{name}\" of type {Kind(node)}, not float32 or float16");
        }
    }

    private static void RequireType(string side, string name, NodeMetadata node, TensorElementType type)
    {
        if (!node.IsTensor || node.ElementDataType != type)
        {
            throw Unsupported($"has the {side} \"{name}\" of type {Kind(node)}, not {type}");
        }
    }

    private static void RequireRank(string side, string name, NodeMetadata node, int rank)
    {
        if (node.Dimensions.Length != rank)
        {
            throw Unsupported($"has the {side} \"{name}\" with {node.Dimensions.Length} dimensions, not {rank}");
        }
    }

    private static void RequireAlike(string name, NodeMetadata node, NodeMetadata first)
    {
        if (node.Dimensions[1] != first.Dimensions[1] || node.Dimensions[3] != first.Dimensions[3])
        {
            throw Unsupported($"has the input \"{name}\" of other heads or another head size than the first layer's");
        }
    }

    private static string Kind(NodeMetadata node) =>
        node.IsTensor ? node.ElementDataType.ToString() : node.OnnxValueType.ToString();

    private static int Fixed(string name, int dimension, int configured, string key)
    {
        if (dimension > 0)
        {
            return dimension;
        }

        return configured > 0
            ? configured
            : throw Unsupported($"leaves a size of \"{name}\" open, and config.json does not give {key}");
    }

    private static EngineException Unsupported(string what) =>
        new(Fault.Ours, "model_unsupported", $"The ONNX model {what}.");

    private static string Names(IEnumerable<string> names) =>
        Bounded(string.Join(", ", names.Order(StringComparer.Ordinal)));

    private static string Bounded(string text) => text.Length <= 200 ? text : text[..200] + "…";
}
