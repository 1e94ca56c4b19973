namespace Souk.Engines.Tests.TinyModels.Families;

/// <summary>A plain forward pass in float64 over a whole sequence, written from the architectures' published
/// descriptions: no cache, no ONNX, nothing of the engine or of the file's writer.</summary>
internal sealed class FamilyReference(Family family, FamilyWeights weights)
{
    /// <summary>Logits after each position.</summary>
    public double[][] Logits(IReadOnlyList<int> ids)
    {
        double scale = family.IsGemma ? Math.Sqrt(Family.Hidden) : 1;
        double[][] states = [.. ids.Select(id => Enumerable.Range(0, Family.Hidden)
            .Select(i => weights.Embedding[(id * Family.Hidden) + i] * scale).ToArray())];
        for (int layer = 0; layer < family.Layers; layer++)
        {
            states = Run(weights.Layers[layer], layer, states);
        }

        return [.. states.Select(state => Capped(Head(Normed(state, weights.Final)), family.FinalCap))];
    }

    private double[][] Run(FamilyWeights.Layer layer, int index, double[][] states)
    {
        double[][] normed = [.. states.Select(state => Normed(state, layer.Input))];
        double[][] attended = Attention(layer, index, normed);
        double[][] result = new double[states.Length][];
        for (int at = 0; at < states.Length; at++)
        {
            if (family.IsPhi2)
            {
                result[at] = Plus(Plus(states[at], attended[at]), Feed(layer, normed[at]));
            }
            else if (family.IsGemma)
            {
                double[] middle = Plus(states[at], Normed(attended[at], layer.AfterAttention));
                result[at] = Plus(middle, Normed(Feed(layer, Normed(middle, layer.BeforeFeed)), layer.AfterFeed));
            }
            else
            {
                double[] middle = Plus(states[at], attended[at]);
                result[at] = Plus(middle, Feed(layer, Normed(middle, layer.AfterAttention)));
            }
        }

        return result;
    }

    private double[][] Attention(FamilyWeights.Layer layer, int index, double[][] normed)
    {
        int size = family.HeadSize;
        double[][][] Heads(FamilyWeights.Linear projection, FamilyWeights.Norm? norm, bool turns) =>
            [.. normed.Select((state, at) => Apply(projection, state).Chunk(size)
                .Select(head => norm is not null && family.HasHeadNorms ? Normed(head, norm) : head)
                .Select(head => turns ? Turned(head, at, family.ThetaOf(index)) : head).ToArray())];
        var queries = Heads(layer.Q, layer.QueryNorm, true);
        var keys = Heads(layer.K, layer.KeyNorm, true);
        var values = Heads(layer.V, null, false);
        int window = family.WindowOf(index);
        double[][] result = new double[normed.Length][];
        for (int at = 0; at < normed.Length; at++)
        {
            int first = window > 0 ? Math.Max(0, at - window + 1) : 0;
            List<double> mixed = [];
            for (int head = 0; head < family.Heads; head++)
            {
                int shared = head * family.KvHeads / family.Heads;
                double[] scores = [.. Enumerable.Range(first, at - first + 1)
                    .Select(other => Dot(queries[at][head], keys[other][shared]) / Math.Sqrt(size))];
                scores = Capped(scores, family.AttentionCap);
                double most = scores.Max();
                double sum = scores.Sum(score => Math.Exp(score - most));
                mixed.AddRange(Enumerable.Range(0, size).Select(i => scores
                    .Select((score, other) => Math.Exp(score - most) / sum * values[first + other][shared][i]).Sum()));
            }

            result[at] = Apply(layer.O, [.. mixed]);
        }

        return result;
    }

    private double[] Feed(FamilyWeights.Layer layer, double[] state)
    {
        double[] up = Apply(layer.Up, state);
        double[] inner = family.IsPhi2
            ? [.. up.Select(Activated)]
            : [.. Apply(layer.Gate, state).Zip(up, (gate, value) => Activated(gate) * value)];
        return Apply(layer.Down, inner);
    }

    private double Activated(double x) => family.IsGelu
        ? 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))))
        : x / (1 + Math.Exp(-x));

    private double[] Turned(double[] head, int at, double theta)
    {
        double[] result = [.. head];
        int half = family.Rotated / 2;
        for (int i = 0; i < half; i++)
        {
            double angle = at * Frequency(Math.Pow(theta, -(double)i / half));
            result[i] = (head[i] * Math.Cos(angle)) - (head[i + half] * Math.Sin(angle));
            result[i + half] = (head[i + half] * Math.Cos(angle)) + (head[i] * Math.Sin(angle));
        }

        return result;
    }

    /// <summary>Llama 3's stretching of slow frequencies.</summary>
    private double Frequency(double frequency)
    {
        if (family.Config["rope_scaling"] is not { } scaling || (string?)scaling["rope_type"] != "llama3")
        {
            return frequency;
        }

        double turns = (double)scaling["original_max_position_embeddings"]! * frequency / (2 * Math.PI);
        double low = (double)scaling["low_freq_factor"]!;
        double smooth = Math.Clamp((turns - low) / ((double)scaling["high_freq_factor"]! - low), 0, 1);
        return (smooth * frequency) + ((1 - smooth) * frequency / (double)scaling["factor"]!);
    }

    private double[] Normed(double[] state, FamilyWeights.Norm norm)
    {
        double mean = family.IsPhi2 ? state.Average() : 0;
        double root = Math.Sqrt(state.Average(value => (value - mean) * (value - mean)) + family.Epsilon);
        return [.. state.Select((value, i) =>
            ((value - mean) / root * (1 + norm.Weight[i])) + (family.IsPhi2 ? norm.Bias[i] : 0))];
    }

    private double[] Head(double[] state) => !family.IsTied ? Apply(weights.Head, state)
        : [.. Enumerable.Range(0, family.Vocabulary).Select(id => Enumerable.Range(0, Family.Hidden)
            .Sum(i => state[i] * weights.Embedding[(id * Family.Hidden) + i]))];

    private static double[] Apply(FamilyWeights.Linear linear, double[] vector) =>
        [.. Enumerable.Range(0, linear.Columns).Select(column => (linear.Bias?[column] ?? 0)
            + Enumerable.Range(0, linear.Rows)
                .Sum(row => vector[row] * linear.Matrix[(row * linear.Columns) + column]))];

    private static double[] Capped(double[] values, double cap) =>
        cap > 0 ? [.. values.Select(value => cap * Math.Tanh(value / cap))] : values;

    private static double Dot(double[] left, double[] right) => left.Zip(right, (a, b) => a * b).Sum();

    private static double[] Plus(double[] left, double[] right) => [.. left.Zip(right, (a, b) => a + b)];
}
