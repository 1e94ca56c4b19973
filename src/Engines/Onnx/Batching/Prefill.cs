using System.Buffers;
using System.Text.Json;
using Souk.Engines.Onnx.Kv;

namespace Souk.Engines.Onnx.Batching;

/// <summary>A prompt on its way through the model, chunk by chunk. Not for concurrent use.</summary>
internal sealed class Prefill : IDisposable
{
    /// <summary>Positions held for which a pass takes another token.</summary>
    private const int HeldPerToken = 64;

    private readonly LoopPlan plan;
    private readonly TokenScores? scores;
    private float[]? logits;
    private KvBlock? held;

    /// <param name="plan">What the loop works with.</param>
    /// <param name="request">Whose prompt it is.</param>
    /// <param name="reused">Keys and values of its beginning, or null; owned by this from now on.</param>
    public Prefill(LoopPlan plan, ActiveRequest request, KvBlock? reused)
    {
        (this.plan, Request) = (plan, request);
        held = reused ?? new KvBlock(plan.Decoder.Shape, 1, 0);
        scores = request.Asked.PromptLogprobs
            ? new TokenScores(plan.Tokenizer, request.Asked.Chat.TopLogprobs ?? 0) : null;
    }

    public ActiveRequest Request { get; }

    public bool IsDone => Held.Width == Request.Prompt.Length;

    /// <summary>Keys and values so far.</summary>
    public KvBlock Held => held!;

    /// <summary>Computes about <paramref name="most"/> further tokens; returns how many. Each pass copies what is held,
    /// so passes grow with it, or copying would grow with the square of the prompt.</summary>
    public int Advance(Pass pass, int most)
    {
        int done = Held.Width;
        int wanted = Math.Min(Math.Max(most, done / HeldPerToken), plan.MostRows);
        int count = Math.Min(wanted, Request.Prompt.Length - done);
        pass.Prepare(1, count, done + count);
        for (int i = 0; i < count; i++)
        {
            pass.Ids[i] = Request.Prompt[done + i];
            pass.Positions[i] = done + i;
        }

        pass.Mask.Fill(1);
        var present = new KvBlock(plan.Decoder.Shape, 1, done + count);
        try
        {
            pass.Run(Held, present, Request.Run);
        }
        catch
        {
            present.Dispose();
            throw;
        }

        Held.Dispose();
        held = present;
        if (scores is not null)
        {
            Score(pass, done, count);
        }

        if (IsDone)
        {
            logits = pass.Logits(0, count - 1).ToArray();
        }

        return count;
    }

    /// <summary>A copy of the logits that follow the prompt, since whoever picks a token may change them.</summary>
    public Span<float> Logits() => (float[])logits!.Clone();

    /// <summary>Gives the keys and values away.</summary>
    public KvBlock Take()
    {
        var taken = Held;
        held = null;
        return taken;
    }

    public void Dispose() => held?.Dispose();

    /// <summary>Tells the scores of a chunk's tokens: each follows from the position before it.</summary>
    private void Score(Pass pass, int done, int count)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("content");
            if (done == 0)
            {
                scores!.WriteFirst(json, Request.Prompt[0]);
            }

            for (int i = 0; i < count && done + i + 1 < Request.Prompt.Length; i++)
            {
                scores!.Read(pass.Logits(0, i));
                scores.Write(json, Request.Prompt[done + i + 1]);
            }

            json.WriteEndArray();
            json.WriteNull("refusal");
            json.WriteEndObject();
        }

        Request.Say(new PromptScored(buffer.WrittenMemory));
    }
}
