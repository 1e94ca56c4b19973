using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;

namespace Souk.Engines.Upstream;

/// <summary>Has an upstream embed texts, in as many requests as it takes.</summary>
internal static class UpstreamEmbedding
{
    /// <summary>Servers that take many inputs at once differ in how many; all take these.</summary>
    private const int MostAtOnce = 32;
    private const int MaxReplyBytesPerInput = 512 * 1024;

    /// <summary>Whether the upstream's model makes embeddings: it is asked for one.</summary>
    public static async Task<bool> TryAsync(UpstreamHttp http, string model, CancellationToken cancellationToken)
    {
        try
        {
            var inputs = new EmbeddingInputs([new RawPrompt("Hi")], null);
            var made = await AskAsync(http, model, inputs, cancellationToken);
            return made.PromptTokens > 0;
        }
        catch (EngineException)
        {
            return false;
        }
    }

    /// <exception cref="EngineException">The upstream refused, or its answer is no list of such vectors.</exception>
    public static async Task<Embeddings> RunAsync(
        UpstreamHttp http, string model, EmbeddingRequest request, CancellationToken cancellationToken)
    {
        List<float[]> vectors = [];
        long tokens = 0;
        foreach (var some in request.Inputs.Inputs.Chunk(MostAtOnce))
        {
            var inputs = request.Inputs with { Inputs = some };
            var made = await AskAsync(http, model, inputs, cancellationToken);
            vectors.AddRange(made.Vectors);
            tokens += made.PromptTokens;
        }

        int length = request.Inputs.Dimensions ?? vectors[0].Length;
        if (vectors.Exists(vector => vector.Length != length))
        {
            throw UpstreamErrors.Protocol("made vectors of another length than was asked for");
        }

        int counted = request.InputIds?.Sum(ids => ids.Length) ?? (int)Math.Min(tokens, int.MaxValue);
        return counted > 0
            ? new Embeddings(vectors, counted)
            : throw UpstreamErrors.Protocol("did not say how much it read");
    }

    private static async Task<EmbeddingList> AskAsync(
        UpstreamHttp http, string model, EmbeddingInputs inputs, CancellationToken cancellationToken)
    {
        var chat = new ChatRequest { Model = model, Messages = [], Embedding = inputs };
        using var reply = await http.PostAsync(
            "embeddings", chat.ToProviderBody(new ProviderBody(model)), cancellationToken);
        await UpstreamHttp.RequireOkAsync(reply, cancellationToken);
        byte[] body = await UpstreamHttp.ReadShortAsync(
            reply, MaxReplyBytesPerInput * inputs.Inputs.Count, cancellationToken);
        var read = EmbeddingList.Parse(body, inputs.Inputs.Count);
        return read.IsOk ? read.Value : throw UpstreamErrors.Protocol("made no list of vectors, one for each input");
    }
}
