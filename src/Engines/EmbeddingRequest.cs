using Souk.OpenAi.Embeddings;

namespace Souk.Engines;

/// <summary>Admitted inputs to embed.</summary>
/// <param name="Inputs">What was asked for. An engine that cannot shorten its vectors refuses
/// <c>Dimensions</c>.</param>
/// <param name="InputIds">What <see cref="IEngine.EncodeInputs"/> gave for them; null where an upstream counts.</param>
/// <param name="Payer">Salts any prefix cache.</param>
public sealed record EmbeddingRequest(EmbeddingInputs Inputs, int[][]? InputIds, string Payer);

/// <summary>What an engine made of its inputs.</summary>
/// <param name="Vectors">One for each input, in their order, all of one length and finite.</param>
/// <param name="InputTokens">Tokens read over all inputs, as billed.</param>
public sealed record Embeddings(IReadOnlyList<float[]> Vectors, int InputTokens);
