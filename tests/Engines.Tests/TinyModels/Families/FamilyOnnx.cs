namespace Souk.Engines.Tests.TinyModels.Families;

/// <summary>Writes a family's decoder as an ONNX file with the published names of inputs and outputs.</summary>
internal sealed class FamilyOnnx
{
    private readonly OnnxGraph graph = new();
    private readonly Family family;
    private readonly FamilyWeights weights;
    private readonly bool hasPositions;
    private readonly Dictionary<double, (string Cos, string Sin)> tables = [];
    private readonly Dictionary<int, string> masks = [];
    private string positions = "";
    private string difference = "";
    private string allowed = "";

    private FamilyOnnx(Family family, FamilyWeights weights, bool hasPositions)
    {
        this.family = family;
        this.weights = weights;
        this.hasPositions = hasPositions;
    }

    public static byte[] Write(Family family, FamilyWeights weights, bool hasPositions, bool hasKeep) =>
        new FamilyOnnx(family, weights, hasPositions).Build(hasKeep);

    private byte[] Build(bool hasKeep)
    {
        string ids = graph.Input("input_ids", OnnxGraph.Int64, "batch", "sequence");
        string mask = graph.Input("attention_mask", OnnxGraph.Int64, "batch", "total");
        if (hasPositions)
        {
            positions = graph.Input("position_ids", OnnxGraph.Int64, "batch", "sequence");
        }

        for (int layer = 0; layer < family.Layers; layer++)
        {
            foreach (string part in (string[])["key", "value"])
            {
                graph.Input(
                    $"past_key_values.{layer}.{part}", OnnxGraph.Float, "batch", family.KvHeads, "past",
                        family.HeadSize);
                graph.Output(
                    $"present.{layer}.{part}", OnnxGraph.Float, "batch", family.KvHeads, "total", family.HeadSize);
            }
        }

        if (hasKeep)
        {
            graph.Input("num_logits_to_keep", OnnxGraph.Int64);
        }

        Prepare(ids, mask);
        string embedding = graph.Floats(weights.Embedding, family.Vocabulary, Family.Hidden);
        string state = graph.Op("Gather", [embedding, ids]);
        state = family.IsGemma ? Scaled(state, Math.Sqrt(Family.Hidden)) : state;
        for (int layer = 0; layer < family.Layers; layer++)
        {
            state = Layer(layer, state);
        }

        state = Norm(state, weights.Final);
        string logits = family.IsTied
            ? graph.Op("MatMul", [state, graph.Op("Transpose", [embedding], ("perm", new long[] { 1, 0 }))])
            : Linear(state, weights.Head);
        graph.Named("Identity", "logits", [Cap(logits, family.FinalCap)]);
        graph.Output("logits", OnnxGraph.Float, "batch", "sequence", family.Vocabulary);
        return graph.ToModel();
    }

    /// <summary>How far each key lies before each query, and which keys the attention mask lets through.</summary>
    private void Prepare(string ids, string mask)
    {
        string one = graph.Scalar(1L);
        string length = graph.Op("Gather", [graph.Op("Shape", [ids]), one]);
        string total = graph.Op("Gather", [graph.Op("Shape", [mask]), one]);
        string queries = graph.Op("Range", [graph.Op("Sub", [total, length]), total, one]);
        string keys = graph.Op("Range", [graph.Scalar(0L), total, one]);
        difference = graph.Op(
            "Sub", [graph.Op("Unsqueeze", [queries, graph.Longs([1])]),
                graph.Op("Unsqueeze", [keys, graph.Longs([0])])]);
        allowed = graph.Cast(graph.Op("Unsqueeze", [mask, graph.Longs([1, 2])]), OnnxGraph.Bool);
        if (positions.Length == 0)
        {
            // As exports without position_ids have it: the mask's running sum.
            string running = graph.Op("Sub", [graph.Op("CumSum", [mask, one]), one]);
            string starts = graph.Op("Unsqueeze", [graph.Op("Sub", [total, length]), graph.Longs([0])]);
            string ends = graph.Op("Unsqueeze", [total, graph.Longs([0])]);
            positions = graph.Op("Slice", [running, starts, ends, graph.Longs([1])]);
            positions = graph.Op("Max", [positions, graph.Scalar(0L)]);
        }
    }

    private string Layer(int index, string state)
    {
        var layer = weights.Layers[index];
        string normed = Norm(state, layer.Input);
        string attended = Attention(index, layer, normed);
        if (family.IsPhi2)
        {
            return Plus(Plus(state, attended), Feed(layer, normed));
        }

        if (family.IsGemma)
        {
            state = Plus(state, Norm(attended, layer.AfterAttention));
            return Plus(state, Norm(Feed(layer, Norm(state, layer.BeforeFeed)), layer.AfterFeed));
        }

        state = Plus(state, attended);
        return Plus(state, Feed(layer, Norm(state, layer.AfterAttention)));
    }

    private string Attention(int index, FamilyWeights.Layer layer, string normed)
    {
        string query = Heads(normed, layer.Q, family.Heads);
        string key = Heads(normed, layer.K, family.KvHeads);
        if (family.HasHeadNorms)
        {
            (query, key) = (Norm(query, layer.QueryNorm), Norm(key, layer.KeyNorm));
        }

        double theta = family.ThetaOf(index);
        key = Cached(index, "key", Rotate(key, theta));
        string value = Cached(index, "value", Heads(normed, layer.V, family.KvHeads));
        string scores = graph.Op(
            "MatMul", [Rotate(query, theta), graph.Op("Transpose", [key], ("perm", new long[] { 0, 1, 3, 2 }))]);
        scores = Cap(Scaled(scores, 1 / Math.Sqrt(family.HeadSize)), family.AttentionCap);
        scores = graph.Op("Add", [scores, Mask(family.WindowOf(index))]);
        string mixed = graph.Op("MatMul", [graph.Op("Softmax", [scores], ("axis", -1L)), value]);
        mixed = graph.Op("Transpose", [mixed], ("perm", new long[] { 0, 2, 1, 3 }));
        return Linear(graph.Op("Reshape", [mixed, graph.Longs([0, 0, family.Heads * family.HeadSize])]), layer.O);
    }

    private string Mask(int window)
    {
        if (!masks.TryGetValue(window, out string? mask))
        {
            string open = graph.Op("GreaterOrEqual", [difference, graph.Scalar(0L)]);
            if (window > 0)
            {
                open = graph.Op("And", [open, graph.Op("Less", [difference, graph.Scalar((long)window)])]);
            }

            open = graph.Op("And", [open, allowed]);
            masks[window] = mask = graph.Op("Where", [open, graph.Scalar(0f), graph.Scalar(-1e9f)]);
        }

        return mask;
    }

    private string Heads(string state, FamilyWeights.Linear projection, int heads)
    {
        string split = graph.Op(
            "Reshape", [Linear(state, projection), graph.Longs([0, 0, heads, family.HeadSize])]);
        return graph.Op("Transpose", [split], ("perm", new long[] { 0, 2, 1, 3 }));
    }

    private string Cached(int layer, string part, string fresh)
    {
        string present = graph.Named(
            "Concat", $"present.{layer}.{part}", [$"past_key_values.{layer}.{part}", fresh], ("axis", 2L));
        long group = family.Heads / family.KvHeads;
        string spread = graph.Op("Unsqueeze", [present, graph.Longs([2])]);
        spread = graph.Op("Expand", [spread, graph.Longs([1, 1, group, 1, 1])]);
        return graph.Op("Reshape", [spread, graph.Longs([0, family.Heads, -1, family.HeadSize])]);
    }

    private string Rotate(string heads, double theta)
    {
        if (!tables.TryGetValue(theta, out var table))
        {
            tables[theta] = table = (Table(theta, MathF.Cos), Table(theta, MathF.Sin));
        }

        int half = family.Rotated / 2;
        string first = Part(heads, 0, half);
        string second = Part(heads, half, 2 * half);
        string turned = graph.Op(
            "Concat",
            [
                graph.Op("Sub", [Times(first, table.Cos), Times(second, table.Sin)]),
                graph.Op("Add", [Times(second, table.Cos), Times(first, table.Sin)]),
            ], ("axis", -1L));
        return family.Rotated == family.HeadSize ? turned
            : graph.Op("Concat", [turned, Part(heads, 2 * half, family.HeadSize)], ("axis", -1L));
    }

    /// <summary>[batch, 1, sequence, half], gathered by position.</summary>
    private string Table(double theta, Func<float, float> function)
    {
        int half = family.Rotated / 2;
        float[] values = new float[Family.Context * half];
        for (int i = 0; i < values.Length; i++)
        {
            double slow = Math.Pow(theta, -2.0 * (i % half) / family.Rotated);
            if (family.Config["rope_scaling"] is { } scaling)
            {
                slow = Stretched(slow, scaling);
            }

            values[i] = function((float)(i / half * slow));
        }

        string rows = graph.Op("Gather", [graph.Floats(values, Family.Context, half), positions]);
        return graph.Op("Unsqueeze", [rows, graph.Longs([1])]);
    }

    private static double Stretched(double frequency, System.Text.Json.Nodes.JsonNode scaling)
    {
        double original = (double)scaling["original_max_position_embeddings"]!;
        double low = (double)scaling["low_freq_factor"]!;
        double high = (double)scaling["high_freq_factor"]!;
        double wave = 2 * Math.PI / frequency;
        double stretched = frequency / (double)scaling["factor"]!;
        if (wave < original / high)
        {
            return frequency;
        }

        double smooth = ((original / wave) - low) / (high - low);
        return wave > original / low ? stretched : ((1 - smooth) * stretched) + (smooth * frequency);
    }

    private string Feed(FamilyWeights.Layer layer, string state)
    {
        string up = Linear(state, layer.Up);
        string inner = family.IsPhi2 ? Activated(up) : Times(Activated(Linear(state, layer.Gate)), up);
        return Linear(inner, layer.Down);
    }

    private string Activated(string x)
    {
        if (!family.IsGelu)
        {
            return Times(x, graph.Op("Sigmoid", [x]));
        }

        string cubed = Scaled(Times(x, Times(x, x)), 0.044715);
        string tanh = graph.Op("Tanh", [Scaled(Plus(x, cubed), Math.Sqrt(2 / Math.PI))]);
        return Times(Scaled(x, 0.5), Plus(tanh, graph.Scalar(1f)));
    }

    private string Norm(string state, FamilyWeights.Norm norm)
    {
        if (family.IsPhi2)
        {
            string average = graph.Op("ReduceMean", [state], ("axes", new long[] { -1 }), ("keepdims", 1L));
            state = graph.Op("Sub", [state, average]);
        }

        string mean = graph.Op("ReduceMean", [Times(state, state)], ("axes", new long[] { -1 }), ("keepdims", 1L));
        string root = graph.Op("Sqrt", [Plus(mean, graph.Scalar((float)family.Epsilon))]);
        float[] gains = [.. norm.Weight.Select(weight => 1 + weight)];
        string scaled = Times(graph.Op("Div", [state, root]), graph.Floats(gains, gains.Length));
        return family.IsPhi2 ? Plus(scaled, graph.Floats(norm.Bias, norm.Bias.Length)) : scaled;
    }

    private string Linear(string state, FamilyWeights.Linear linear)
    {
        string made = graph.Op("MatMul", [state, graph.Floats(linear.Matrix, linear.Rows, linear.Columns)]);
        return linear.Bias is { } bias ? Plus(made, graph.Floats(bias, bias.Length)) : made;
    }

    private string Cap(string values, double cap) =>
        cap > 0 ? Scaled(graph.Op("Tanh", [Scaled(values, 1 / cap)]), cap) : values;

    private string Part(string heads, long from, long to) =>
        graph.Op("Slice", [heads, graph.Longs([from]), graph.Longs([to]), graph.Longs([3])]);

    private string Scaled(string values, double by) => Times(values, graph.Scalar((float)by));

    private string Times(string left, string right) => graph.Op("Mul", [left, right]);

    private string Plus(string left, string right) => graph.Op("Add", [left, right]);
}
