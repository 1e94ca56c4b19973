namespace Souk.Engines.Tests.TinyModels;

/// <summary>A plain forward pass in float64 over a whole sequence at once: no cache, no ONNX, nothing of the engine.
/// Written from the Llama architecture (RMSNorm, rotary embedding by halves, grouped-query attention,
/// SwiGLU).</summary>
internal sealed class ReferenceLlama(TinyLlama model)
{
    /// <summary>Logits after each position, [position][token].</summary>
    public double[][] Logits(IReadOnlyList<int> ids)
    {
        var shape = model.Shape;
        var states = ids.Select(id => Row(model.Embedding, id, shape.Hidden)).ToArray();
        foreach (var layer in model.Layers)
        {
            var normed = states.Select(state => RmsNorm(state, layer.AttentionNorm)).ToArray();
            var queries = normed.Select((state, at) => Rotate(Times(state, layer.Q), at)).ToArray();
            var keys = normed.Select((state, at) => Rotate(Times(state, layer.K), at)).ToArray();
            var values = normed.Select(state => Times(state, layer.V)).ToArray();
            for (int at = 0; at < states.Length; at++)
            {
                states[at] = Plus(states[at], Times(Attend(queries[at], keys, values, at), layer.O));
                var fed = RmsNorm(states[at], layer.FeedNorm);
                var gate = Times(fed, layer.Gate);
                var up = Times(fed, layer.Up);
                var inner = gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u).ToArray();
                states[at] = Plus(states[at], Times(inner, layer.Down));
            }
        }

        return [.. states.Select(state => Times(RmsNorm(state, model.FinalNorm), model.Head))];
    }

    private double[] Attend(double[] query, double[][] keys, double[][] values, int at)
    {
        var shape = model.Shape;
        int size = shape.HeadSize;
        double[] result = new double[shape.Heads * size];
        for (int head = 0; head < shape.Heads; head++)
        {
            int shared = head / (shape.Heads / shape.KvHeads) * size;
            double[] weights = new double[at + 1];
            for (int other = 0; other <= at; other++)
            {
                for (int i = 0; i < size; i++)
                {
                    weights[other] += query[(head * size) + i] * keys[other][shared + i] / Math.Sqrt(size);
                }
            }

            double most = weights.Max();
            double sum = weights.Sum(weight => Math.Exp(weight - most));
            for (int other = 0; other <= at; other++)
            {
                for (int i = 0; i < size; i++)
                {
                    result[(head * size) + i] += Math.Exp(weights[other] - most) / sum * values[other][shared + i];
                }
            }
        }

        return result;
    }

    private double[] Rotate(double[] heads, int at)
    {
        int size = model.Shape.HeadSize;
        double[] result = new double[heads.Length];
        for (int start = 0; start < heads.Length; start += size)
        {
            for (int i = 0; i < size / 2; i++)
            {
                double angle = at * Math.Pow(TinyLlama.Theta, -2.0 * i / size);
                double first = heads[start + i];
                double second = heads[start + i + (size / 2)];
                result[start + i] = (first * Math.Cos(angle)) - (second * Math.Sin(angle));
                result[start + i + (size / 2)] = (second * Math.Cos(angle)) + (first * Math.Sin(angle));
            }
        }

        return result;
    }

    private static double[] RmsNorm(double[] state, float[] weight)
    {
        double mean = state.Sum(value => value * value) / state.Length;
        return [.. state.Select((value, i) => value / Math.Sqrt(mean + TinyLlama.Epsilon) * weight[i])];
    }

    private static double[] Times(double[] vector, float[] matrix)
    {
        int columns = matrix.Length / vector.Length;
        double[] result = new double[columns];
        for (int row = 0; row < vector.Length; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                result[column] += vector[row] * matrix[(row * columns) + column];
            }
        }

        return result;
    }

    private static double[] Plus(double[] left, double[] right) => [.. left.Zip(right, (a, b) => a + b)];

    private static double[] Row(float[] matrix, int row, int columns) =>
        [.. matrix.Skip(row * columns).Take(columns).Select(value => (double)value)];
}
