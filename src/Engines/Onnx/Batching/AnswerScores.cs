using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Tokens;

namespace Souk.Engines.Onnx.Batching;

/// <summary>The log-probabilities of one choice's answer, told together with the text that they belong to: those of
/// withheld text wait with it, and those of a stop string are never told.</summary>
internal sealed class AnswerScores(Tokenizer tokenizer, int top)
{
    private readonly TokenScores scores = new(tokenizer, top);
    private readonly Queue<(long Start, byte[] Json)> waiting = new();
    private readonly ArrayBufferWriter<byte> buffer = new();
    private long decoded;
    private long told;

    /// <summary>Takes the logits of the next token, before anything changes them.</summary>
    public void Read(ReadOnlySpan<float> logits) => scores.Read(logits);

    /// <summary>Adds the token that was picked, which is no end token.</summary>
    /// <param name="id">The token.</param>
    /// <param name="length">UTF-16 units that it added to the answer.</param>
    public void Add(int id, int length)
    {
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer))
        {
            scores.Write(json, id);
        }

        waiting.Enqueue((decoded, buffer.WrittenSpan.ToArray()));
        decoded += length;
    }

    /// <summary>The logprobs object for text that goes out now; empty when there is nothing to tell.</summary>
    /// <param name="revealed">UTF-16 units that go out.</param>
    /// <param name="withheld">UTF-16 units that may be the beginning of a stop string.</param>
    /// <param name="reason">Why the choice ends here, or null.</param>
    public ReadOnlyMemory<byte> Reveal(int revealed, int withheld, string? reason)
    {
        told += revealed;
        bool isWhole = withheld == 0 || reason == "length";
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("content");
            int count = 0;
            while (waiting.TryPeek(out var next) && (isWhole || next.Start < told))
            {
                json.WriteRawValue(waiting.Dequeue().Json, skipInputValidation: true);
                count++;
            }

            if (count == 0)
            {
                return default;
            }

            json.WriteEndArray();
            json.WriteNull("refusal");
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
