using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>Turns an upstream's chunks into engine events and keeps the count that becomes the bill. Pure: no I/O, no
/// time. An upstream may be broken or lie; whatever it sends, no more than the asked tokens are ever
/// counted.</summary>
internal sealed class UpstreamAnswer(int choices, int maxTokens, bool countsIds, int[]? promptIds)
{
    private readonly int[] counted = new int[choices];
    private readonly string?[] reasons = new string?[choices];
    private int[]? prompt = promptIds;
    private PromptCounted? announced;
    private Usage? usage;

    /// <summary>Whether every choice has said how it ended.</summary>
    public bool IsFinished => reasons.All(reason => reason is not null);

    /// <summary>Whether every choice has ended and what to bill is known, so that only the stream's end mark is
    /// missing.</summary>
    public bool IsBillable => IsFinished && (usage is not null || (prompt is not null && countsIds));

    /// <summary>Whether a chunk shows that the model went on: text, ids (vLLM sends them alone while its tool parser
    /// holds text back), or an end. A role or an empty chunk does not.</summary>
    public static bool IsProgress(ChatChunk chunk) => chunk.Choices.Any(choice =>
        choice.TokenIds is { Length: > 0 } || !IsEmpty(choice) || !string.IsNullOrEmpty(choice.FinishReason));

    /// <summary>The prompt's size where it is known before the first token.</summary>
    public PromptCounted? Begin() => prompt is null ? null : announced = new PromptCounted(prompt.Length, 0, prompt);

    /// <summary>Leaves it at that: only the prompt was to be read, and it has so many tokens.</summary>
    public void Leave(int promptTokens)
    {
        usage = new Usage(promptTokens, 0);
        Array.Fill(reasons, OpenAi.Chat.FinishReasons.Length);
    }

    /// <summary>What one chunk says; empty for a chunk without content.</summary>
    /// <exception cref="EngineException">The upstream's own error, or a chunk that breaks the protocol.</exception>
    public IReadOnlyList<EngineEvent> Take(ChatChunk chunk)
    {
        if (chunk.Error is { } error)
        {
            throw UpstreamErrors.InStream(error);
        }

        usage = chunk.Usage ?? usage;
        List<EngineEvent> events = [];
        if (announced is null && countsIds && chunk.PromptTokenIds is { } ids)
        {
            prompt = ids;
            events.Add(announced = new PromptCounted(ids.Length, 0, ids));
        }

        foreach (var choice in chunk.Choices)
        {
            if (choice.Index < 0 || choice.Index >= choices)
            {
                throw UpstreamErrors.Protocol($"sent a choice {choice.Index} of {choices}");
            }

            events.AddRange(Steps(choice));
            if (choice.FinishReason is { Length: > 0 } reason)
            {
                reasons[choice.Index] = OpenAi.Chat.FinishReasons.Accepted(reason);
            }
        }

        return events;
    }

    /// <summary>The events that close the answer, once the stream has ended.</summary>
    /// <exception cref="EngineException">Ours: the stream ended too early, or nothing says what to bill.</exception>
    public IReadOnlyList<EngineEvent> End()
    {
        if (!IsFinished)
        {
            throw UpstreamErrors.Truncated();
        }

        if (!IsBillable)
        {
            throw new EngineException(
                Fault.Ours, "upstream_usage_missing", "The upstream did not say how much it generated.");
        }

        List<EngineEvent> events = [];
        var total = PromptTotal();
        if (total != announced)
        {
            events.Add(total);
        }

        var outputs = Outputs();
        for (int choice = 0; choice < choices; choice++)
        {
            events.Add(new Finished(choice, reasons[choice]!, outputs[choice]));
        }

        return events;
    }

    /// <summary>What a chunk says of one choice, one kind of content per event; all ids go with the first.</summary>
    private List<TokenOut> Steps(ChunkChoice choice)
    {
        int[] ids = countsIds ? choice.TokenIds ?? [] : [];
        if (ids.Length == 0 && IsEmpty(choice))
        {
            return [];
        }

        if (reasons[choice.Index] is not null)
        {
            throw UpstreamErrors.Protocol("went on after the end of a choice");
        }

        counted[choice.Index] += ids.Length;
        if (counted[choice.Index] > maxTokens)
        {
            throw UpstreamErrors.Protocol("generated more tokens than were asked for");
        }

        List<TokenOut> steps = [];
        if (choice.Reasoning is { Length: > 0 } reasoning)
        {
            steps.Add(new TokenOut(choice.Index, [], "") { Reasoning = reasoning });
        }

        if (choice.Refusal is { Length: > 0 } refusal)
        {
            steps.Add(new TokenOut(choice.Index, [], "") { Refusal = refusal });
        }

        if (choice.Content is { Length: > 0 } content)
        {
            steps.Add(new TokenOut(choice.Index, [], content) { Logprobs = ChatLogprobs.From(choice.Logprobs) });
        }

        if (!choice.ToolCalls.IsEmpty)
        {
            steps.Add(new TokenOut(choice.Index, [], "") { ToolCalls = choice.ToolCalls });
        }

        if (steps.Count == 0)
        {
            steps.Add(new TokenOut(choice.Index, [], ""));
        }

        steps[0] = steps[0] with { Ids = ids };
        return steps;
    }

    private static bool IsEmpty(ChunkChoice choice) =>
        choice.ToolCalls.IsEmpty && string.IsNullOrEmpty(choice.Content)
        && string.IsNullOrEmpty(choice.Reasoning) && string.IsNullOrEmpty(choice.Refusal);

    private PromptCounted PromptTotal()
    {
        int all = prompt?.Length ?? Bounded(usage!.PromptTokens, int.MaxValue);
        int cached = Bounded(usage?.CachedTokens ?? 0, all);
        return new PromptCounted(all - cached, cached, prompt);
    }

    private int[] Outputs()
    {
        if (countsIds)
        {
            return counted;
        }

        int[] outputs = new int[choices];
        outputs[^1] = Bounded(usage!.CompletionTokens, (long)maxTokens * choices);
        return outputs;
    }

    private static int Bounded(long count, long most) => (int)Math.Clamp(count, 0, Math.Min(most, int.MaxValue));
}
