using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;

namespace Souk.Engines;

/// <summary>Runs one model and streams what it generates. Implementations: ONNX Runtime in process, an
/// OpenAI-compatible upstream, and the simulated engine of the testbed.</summary>
public interface IEngine : IAsyncDisposable
{
    /// <summary>What this engine sells: identity, limits and the files that let a customer count for
    /// itself.</summary>
    EngineModel Model { get; }

    /// <summary>The prompt's ids as this engine reads them, so that a seller can price a request before it starts;
    /// null where only an upstream can count.</summary>
    /// <exception cref="EngineException">Theirs: the template refuses the messages, or they leave no room for an
    /// answer.</exception>
    int[]? EncodePrompt(ChatRequest chat);

    /// <summary>Generates an answer. The stream is pulled: an engine that runs in process is at most 16 tokens of each
    /// choice ahead of the consumer, so a consumer that stops pulling stops the work on its own answer, and on no
    /// other. Tokens that were never pulled are nobody's bill. Events arrive in this order: one
    /// <see cref="PromptCounted"/> (an upstream may send it, or send it again, just before the first
    /// <see cref="Finished"/>; the last one is the bill), <see cref="TokenOut"/> in the order of generation, one
    /// <see cref="Finished"/> per choice.</summary>
    /// <exception cref="EngineException">Any expected failure, with whose fault it was. May be thrown by the first
    /// or by any later pull.</exception>
    /// <exception cref="OperationCanceledException">The consumer cancelled.</exception>
    IAsyncEnumerable<EngineEvent> GenerateAsync(EngineRequest request, CancellationToken cancellationToken);

    /// <summary>The ids of each input to embed, so that a seller can price them before it starts; null where only an
    /// upstream can count.</summary>
    /// <exception cref="EngineException">Theirs: this model makes no embeddings, or an input is empty or too long.
    /// </exception>
    int[][]? EncodeInputs(EmbeddingInputs inputs) => throw RequestRules.NotEmbedding();

    /// <summary>Makes one vector of each input. An engine that can has the feature "embeddings", and generates no
    /// text: then <see cref="GenerateAsync"/> and <see cref="EncodePrompt"/> are what it refuses.</summary>
    /// <exception cref="EngineException">Any expected failure, with whose fault it was.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<Embeddings> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken) =>
        throw RequestRules.NotEmbedding();
}
