namespace Souk.Engines.Tests.TinyModels;

/// <summary>Writes a <see cref="TinyLlama"/> as an ONNX file of the published decoder shape.</summary>
internal sealed class TinyLlamaOnnx
{
    private readonly OnnxGraph graph = new();
    private readonly TinyLlama model;
    private readonly TinyShape shape;
    private readonly int wide;
    private string cos = "";
    private string sin = "";
    private string hidden = "";
    private string closed = "";
    private string lengths = "";
    private string totalLength = "";

    private TinyLlamaOnnx(TinyLlama model)
    {
        this.model = model;
        shape = model.Shape;
        wide = shape.IsHalf ? OnnxGraph.Half : OnnxGraph.Float;
    }

    public static byte[] Write(TinyLlama model) => new TinyLlamaOnnx(model).Build();

    private byte[] Build()
    {
        string ids = graph.Input("input_ids", OnnxGraph.Int64, "batch", "sequence");
        string? mask = shape.HasMask ? graph.Input("attention_mask", OnnxGraph.Int64, "batch", "total") : null;
        string? positions = shape.HasPositions
            ? graph.Input("position_ids", OnnxGraph.Int64, "batch", "sequence") : null;
        if (shape.ExtraInput is { } extra)
        {
            graph.Input(extra, OnnxGraph.Bool, 1);
        }

        object heads = shape.IsSymbolic ? "heads" : shape.KvHeads;
        object size = shape.IsSymbolic ? "size" : shape.HeadSize;
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            graph.Input($"past_key_values.{layer}.key", wide, "batch", heads, "past", size);
            graph.Input($"past_key_values.{layer}.value", wide, "batch", heads, "past", size);
        }

        if (shape.IsFused)
        {
            PrepareFused(mask!);
        }
        else
        {
            Prepare(ids, mask, positions);
        }

        hidden = graph.Op("Gather", [Weights(model.Embedding, shape.Vocabulary, shape.Hidden), ids]);
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            WriteLayer(layer);
            graph.Output($"present.{layer}.key", wide, "batch", heads, "total", size);
            graph.Output($"present.{layer}.value", wide, "batch", heads, "total", size);
        }

        string logits = graph.Op(
            "MatMul", [Norm(hidden, model.FinalNorm), Weights(model.Head, shape.Hidden, shape.Vocabulary)]);
        graph.Named("Cast", "logits", [logits], ("to", (long)wide));
        graph.Output("logits", wide, "batch", "sequence", shape.IsSymbolic ? "vocabulary" : shape.Vocabulary);
        return graph.ToModel();
    }

    /// <summary>The rotary tables' rows and the causal mask, which all layers share.</summary>
    private void Prepare(string ids, string? mask, string? positions)
    {
        string one = graph.Scalar(1L);
        string length = graph.Op("Gather", [graph.Op("Shape", [ids]), one]);
        string past = graph.Op("Gather", [graph.Op("Shape", ["past_key_values.0.key"]), graph.Scalar(2L)]);
        string total = graph.Op("Add", [past, length]);
        string places = graph.Op("Range", [past, total, one]);
        positions ??= graph.Op("Unsqueeze", [places, graph.Longs([0])]);
        cos = Table(positions, Math.Cos);
        sin = Table(positions, Math.Sin);
        string query = graph.Op("Unsqueeze", [places, graph.Longs([1])]);
        string key = graph.Op("Unsqueeze", [graph.Op("Range", [graph.Scalar(0L), total, one]), graph.Longs([0])]);
        string open = graph.Op("LessOrEqual", [key, query]);
        if (mask is not null)
        {
            string seen = graph.Op("Unsqueeze", [graph.Cast(mask, OnnxGraph.Bool), graph.Longs([1, 2])]);
            open = graph.Op("And", [open, seen]);
        }

        closed = graph.Op("Where", [open, graph.Scalar(0f), graph.Scalar(-1e9f)]);
    }

    /// <summary>Lengths from the mask, as exports compute them, and rotary tables of half a head.</summary>
    private void PrepareFused(string mask)
    {
        string sum = graph.Op("ReduceSum", [mask, graph.Longs([1])], ("keepdims", 0L));
        lengths = graph.Cast(graph.Op("Sub", [sum, graph.Scalar(1L)]), OnnxGraph.Int32);
        string total = graph.Op("Gather", [graph.Op("Shape", [mask]), graph.Scalar(1L)]);
        totalLength = graph.Cast(total, OnnxGraph.Int32);
        int half = shape.HeadSize / 2;
        string Half(Func<double, double> function) => graph.Floats(
            [
                .. Enumerable.Range(0, shape.Context * half).Select(i => (float)function(
                    i / half * Math.Pow(TinyLlama.Theta, -2.0 * (i % half) / shape.HeadSize))),
            ], shape.Context, half);
        cos = Half(Math.Cos);
        sin = Half(Math.Sin);
    }

    private string Table(string positions, Func<double, double> function)
    {
        float[] values = new float[shape.Context * shape.HeadSize];
        for (int at = 0; at < shape.Context; at++)
        {
            for (int i = 0; i < shape.HeadSize; i++)
            {
                int pair = i % (shape.HeadSize / 2);
                double angle = at * Math.Pow(TinyLlama.Theta, -2.0 * pair / shape.HeadSize);
                values[(at * shape.HeadSize) + i] = (float)function(angle);
            }
        }

        string rows = graph.Op("Gather", [graph.Floats(values, shape.Context, shape.HeadSize), positions]);
        return graph.Op("Unsqueeze", [rows, graph.Longs([1])]);
    }

    private void WriteLayer(int index)
    {
        var layer = model.Layers[index];
        string normed = Norm(hidden, layer.AttentionNorm);
        int width = shape.Heads * shape.HeadSize;
        string mixed = shape.IsFused ? Fused(index, normed) : Attend(index, normed);
        hidden = graph.Op("Add", [hidden, graph.Op("MatMul", [mixed, Weights(layer.O, width, shape.Hidden)])]);
        string fed = Norm(hidden, layer.FeedNorm);
        string gate = graph.Op("MatMul", [fed, Weights(layer.Gate, shape.Hidden, shape.Inner)]);
        string up = graph.Op("MatMul", [fed, Weights(layer.Up, shape.Hidden, shape.Inner)]);
        string inner = graph.Op("Mul", [graph.Op("Mul", [gate, graph.Op("Sigmoid", [gate])]), up]);
        string down = graph.Op("MatMul", [inner, Weights(layer.Down, shape.Inner, shape.Hidden)]);
        hidden = graph.Op("Add", [hidden, down]);
    }

    /// <summary>The operator takes projections as they are, rotates, caches and masks by itself.</summary>
    private string Fused(int index, string normed)
    {
        var layer = model.Layers[index];
        string Project(float[] matrix, int heads) =>
            graph.Op("MatMul", [normed, Weights(matrix, shape.Hidden, heads * shape.HeadSize)]);
        string mixed = $"mixed.{index}";
        graph.Own(
            "GroupQueryAttention",
            [mixed, $"present.{index}.key", $"present.{index}.value"],
            [
                Project(layer.Q, shape.Heads), Project(layer.K, shape.KvHeads), Project(layer.V, shape.KvHeads),
                $"past_key_values.{index}.key", $"past_key_values.{index}.value", lengths, totalLength, cos, sin,
            ],
            ("num_heads", (long)shape.Heads), ("kv_num_heads", (long)shape.KvHeads), ("do_rotary", 1L));
        return mixed;
    }

    private string Attend(int index, string normed)
    {
        var layer = model.Layers[index];
        string query = Rotate(Heads(normed, layer.Q, shape.Heads));
        string key = Cached(index, "key", Rotate(Heads(normed, layer.K, shape.KvHeads)));
        string value = Cached(index, "value", Heads(normed, layer.V, shape.KvHeads));
        string scores = graph.Op("MatMul", [query, graph.Op("Transpose", [key], ("perm", new long[] { 0, 1, 3, 2 }))]);
        scores = graph.Op("Mul", [scores, graph.Scalar((float)(1 / Math.Sqrt(shape.HeadSize)))]);
        string weights = graph.Op("Softmax", [graph.Op("Add", [scores, closed])], ("axis", -1L));
        string mixed = graph.Op(
            "Transpose", [graph.Op("MatMul", [weights, value])], ("perm", new long[] { 0, 2, 1, 3 }));
        return graph.Op("Reshape", [mixed, graph.Longs([0, 0, shape.Heads * shape.HeadSize])]);
    }

    private string Heads(string normed, float[] matrix, int heads)
    {
        string flat = graph.Op("MatMul", [normed, Weights(matrix, shape.Hidden, heads * shape.HeadSize)]);
        string split = graph.Op("Reshape", [flat, graph.Longs([0, 0, heads, shape.HeadSize])]);
        return graph.Op("Transpose", [split], ("perm", new long[] { 0, 2, 1, 3 }));
    }

    private string Rotate(string heads)
    {
        long half = shape.HeadSize / 2;
        string Part(long from, long to) => graph.Op(
            "Slice", [heads, graph.Longs([from]), graph.Longs([to]), graph.Longs([3])]);
        string turned = graph.Op(
            "Concat", [graph.Op("Neg", [Part(half, shape.HeadSize)]), Part(0, half)], ("axis", 3L));
        return graph.Op("Add", [graph.Op("Mul", [heads, cos]), graph.Op("Mul", [turned, sin])]);
    }

    /// <summary>Appends to the cache, gives the present output, and repeats each head for its group of
    /// queries.</summary>
    private string Cached(int layer, string part, string fresh)
    {
        string past = graph.Cast($"past_key_values.{layer}.{part}", OnnxGraph.Float);
        string all = graph.Op("Concat", [past, fresh], ("axis", 2L));
        string present = graph.Named("Cast", $"present.{layer}.{part}", [all], ("to", (long)wide));
        string read = graph.Cast(present, OnnxGraph.Float);
        long group = shape.Heads / shape.KvHeads;
        if (group == 1)
        {
            return read;
        }

        string spread = graph.Op("Unsqueeze", [read, graph.Longs([2])]);
        string repeated = graph.Op("Expand", [spread, graph.Longs([1, 1, group, 1, 1])]);
        return graph.Op("Reshape", [repeated, graph.Longs([0, shape.Heads, -1, shape.HeadSize])]);
    }

    private string Norm(string state, float[] weight)
    {
        string square = graph.Op("Mul", [state, state]);
        string mean = graph.Op("ReduceMean", [square], ("axes", new long[] { -1 }), ("keepdims", 1L));
        string root = graph.Op("Sqrt", [graph.Op("Add", [mean, graph.Scalar((float)TinyLlama.Epsilon)])]);
        string scaled = graph.Op("Div", [state, root]);
        return graph.Op("Mul", [scaled, graph.Floats(weight, weight.Length)]);
    }

    private string Weights(float[] matrix, int rows, int columns) => shape.IsHalf
        ? graph.Cast(graph.Halves(matrix, rows, columns), OnnxGraph.Float)
        : graph.Floats(matrix, rows, columns);
}
