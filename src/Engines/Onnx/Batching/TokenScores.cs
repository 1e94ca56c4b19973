using System.Numerics.Tensors;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Tokens;

namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// Log-probabilities as OpenAI writes them: of the model's own distribution, before bias, penalties, temperature and
/// filters, so that they say what the model holds and not what was asked of the sampler.
/// </summary>
internal sealed class TokenScores(Tokenizer tokenizer, int top)
{
    /// <summary>What OpenAI writes for a token as good as impossible; JSON has no minus infinity.</summary>
    private const double Least = -9999;

    private readonly int[] best = new int[top];
    private int found;
    private double logSum;
    private float[] logits = [];

    /// <summary>Takes the logits of one position.</summary>
    public void Read(ReadOnlySpan<float> given)
    {
        if (logits.Length != given.Length)
        {
            logits = new float[given.Length];
        }

        given.CopyTo(logits);
        float greatest = TensorPrimitives.Max(given);
        double sum = 0;
        foreach (float logit in given)
        {
            sum += Math.Exp(logit - greatest);
        }

        logSum = greatest + Math.Log(sum);
        FindBest();
    }

    /// <summary>Writes the entry of a token at the position read last.</summary>
    public void Write(Utf8JsonWriter json, int id)
    {
        json.WriteStartObject();
        WriteToken(json, id);
        json.WriteStartArray("top_logprobs");
        for (int i = 0; i < found; i++)
        {
            json.WriteStartObject();
            WriteToken(json, best[i]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes the entry of a prompt's first token, which nothing predicts.</summary>
    public void WriteFirst(Utf8JsonWriter json, int id)
    {
        json.WriteStartObject();
        WriteText(json, id);
        json.WriteNull("logprob");
        json.WriteStartArray("top_logprobs");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteToken(Utf8JsonWriter json, int id)
    {
        WriteText(json, id);
        json.WriteNumber("logprob", Math.Max(logits[id] - logSum, Least));
    }

    private void WriteText(Utf8JsonWriter json, int id)
    {
        var bytes = tokenizer.Bytes(id).Span;
        json.WriteString("token", Encoding.UTF8.GetString(bytes));
        json.WriteStartArray("bytes");
        foreach (byte one in bytes)
        {
            json.WriteNumberValue(one);
        }

        json.WriteEndArray();
    }

    /// <summary>The greatest first, of equals the lower id first.</summary>
    private void FindBest()
    {
        found = 0;
        for (int id = 0; id < logits.Length && best.Length > 0; id++)
        {
            if (found == best.Length && !(logits[id] > logits[best[^1]]))
            {
                continue;
            }

            int at = found < best.Length ? found++ : found - 1;
            for (; at > 0 && logits[id] > logits[best[at - 1]]; at--)
            {
                best[at] = best[at - 1];
            }

            best[at] = id;
        }
    }
}
