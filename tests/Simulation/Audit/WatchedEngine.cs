using System.Runtime.CompilerServices;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;

namespace Souk.Simulation.Audit;

/// <summary>An engine whose every token is reported, while its process lives.</summary>
internal sealed class WatchedEngine(IEngine inner, Func<Auditor?> auditor) : IEngine
{
    public EngineModel Model => inner.Model;

    public bool IsDead { get; set; }

    public int[]? EncodePrompt(ChatRequest chat) => inner.EncodePrompt(chat);

    public int[][]? EncodeInputs(EmbeddingInputs inputs) => inner.EncodeInputs(inputs);

    public Task<Embeddings> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken) =>
        inner.EmbedAsync(request, cancellationToken);

    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (prompt, counted, generated) = (0UL, 0UL, 0UL);
        await foreach (var happened in inner.GenerateAsync(request, cancellationToken))
        {
            if (happened is PromptCounted read)
            {
                prompt = (ulong)(read.Input + read.Cached);
            }
            else if (happened is TokenOut token)
            {
                counted += token.Ids.Length > 0 || token.Text.Length > 0 ? 1UL : 0;
                generated++;
            }

            if (!IsDead && auditor() is { } books && books.Wire.RequestOf(request.Body) is { } id)
            {
                books.Provider.Work(id, prompt, counted, generated);
            }

            yield return happened;
        }
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
