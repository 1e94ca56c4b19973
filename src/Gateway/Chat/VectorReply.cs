using Souk.OpenAi.Embeddings;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>Reads a provider's embeddings: one whole body, with the receipt in a header.</summary>
internal static class VectorReply
{
    private const int SpareBytes = 64 << 10;
    private const int MostBytesPerInput = 96 << 10;
    private const int MostBytes = 256 << 20;

    /// <summary>Reads it into the answer; a failure leaves the receipt to be judged all the same.</summary>
    public static async Task<(Signed<Receipt>? Receipt, Refusal? Failure)> ReadAsync(
        EmbeddingInputs asked, Answer answer, PaidReply reply, CancellationToken cancellation)
    {
        try
        {
            var most = Math.Min(SpareBytes + ((long)asked.Inputs.Count * MostBytesPerInput), MostBytes);
            var read = await reply.ReadBodyAsync((int)most, cancellation);
            return (reply.Receipt, read.TryGet(out var body, out var refusal) ? Take(asked, answer, body) : refusal);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return (reply.Receipt,
                new Refusal(Fault.Theirs, "receipt_late", "The provider did not end the answer in time."));
        }
    }

    private static Refusal? Take(EmbeddingInputs asked, Answer answer, ReadOnlyMemory<byte> body)
    {
        var made = EmbeddingList.Parse(body, asked.Inputs.Count);
        if (!made.IsOk)
        {
            return new Refusal(Fault.Theirs, "malformed_embeddings", made.Error.Message);
        }

        if (asked.Dimensions is { } length && made.Value.Vectors[0].Length != length)
        {
            return new Refusal(
                Fault.Theirs, "malformed_embeddings", "The provider's vectors have another length than was asked for.");
        }

        answer.Choices[0].Vectors = made.Value.Vectors;
        return null;
    }
}
