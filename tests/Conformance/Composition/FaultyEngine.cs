using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.Protocol;

namespace Souk.Conformance.Composition;

/// <summary>
/// The real engine, on a machine where things go wrong when a question asks for it: it fails before the first token,
/// fails half-way, fails the first time only, or takes its time over every token.
/// </summary>
internal sealed class FaultyEngine(IEngine inner) : IEngine
{
    public const string FailsEarly = "(fails early)";
    public const string FailsLate = "(fails late)";
    public const string FailsOnce = "(fails once)";
    public const string IsSlow = "(slow)";
    private readonly ConcurrentDictionary<string, bool> _failed = new();

    public EngineModel Model => inner.Model;

    public int[]? EncodePrompt(ChatRequest chat) => inner.EncodePrompt(chat);

    public int[][]? EncodeInputs(EmbeddingInputs inputs) => inner.EncodeInputs(inputs);

    public Task<Embeddings> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken) =>
        inner.EmbedAsync(request, cancellationToken);

    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var question = request.Chat.Prompt is { } prompt ? prompt.Text ?? ""
            : request.Chat.Messages is [.., { Parts: [var first, ..] }] ? first.Text : "";
        if (question.Contains(FailsEarly, StringComparison.Ordinal)
            || (question.Contains(FailsOnce, StringComparison.Ordinal) && _failed.TryAdd(question, true)))
        {
            throw new EngineException(Fault.Ours, "engine_failed", "The engine has no memory left.");
        }

        var left = question.Contains(FailsLate, StringComparison.Ordinal) ? 3 : int.MaxValue;
        await foreach (var happened in inner.GenerateAsync(request, cancellationToken))
        {
            yield return happened;
            if (happened is not TokenOut)
            {
                continue;
            }

            if (--left == 0)
            {
                throw new EngineException(Fault.Ours, "engine_failed", "The engine has died.");
            }

            if (question.Contains(IsSlow, StringComparison.Ordinal))
            {
                await Task.Delay(15, cancellationToken);
            }
        }
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
