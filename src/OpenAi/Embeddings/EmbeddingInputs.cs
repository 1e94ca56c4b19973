using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Embeddings;

/// <summary>What a request to <c>/v1/embeddings</c> wants embedded.</summary>
/// <param name="Inputs">One vector is made of each, in this order; at least one.</param>
/// <param name="Dimensions">Length of the vectors; null for the model's own.</param>
public sealed record EmbeddingInputs(IReadOnlyList<RawPrompt> Inputs, int? Dimensions);
