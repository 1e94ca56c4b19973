namespace Souk.Engines;

/// <summary>What an engine says while it answers.</summary>
public abstract record EngineEvent;

/// <summary>The prompt's size, as billed.</summary>
/// <param name="Input">Prompt tokens that were computed, so without <paramref name="Cached"/>.</param>
/// <param name="Cached">Prompt tokens that came from a prefix cache.</param>
/// <param name="PromptIds">All ids of the prompt; null where an upstream gives none.</param>
public sealed record PromptCounted(int Input, int Cached, int[]? PromptIds) : EngineEvent;

/// <summary>Log-probabilities of the prompt's tokens, in order, in as many pieces as suits the engine; after
/// <see cref="PromptCounted"/> and before any token. Only where the request asks for them.</summary>
/// <param name="Logprobs">A logprobs object as chat completions have it (<c>{"content":[{"token","logprob","bytes",
/// "top_logprobs"}]}</c>), JSON. The first token of the prompt follows nothing: its <c>logprob</c> is null and its
/// <c>top_logprobs</c> is empty.</param>
public sealed record PromptScored(ReadOnlyMemory<byte> Logprobs) : EngineEvent;

/// <summary>A step of one choice.</summary>
/// <param name="Choice">From 0.</param>
/// <param name="Ids">The tokens generated since the last event of this choice, end tokens and those of withheld text
/// included; empty where an upstream gives none.</param>
/// <param name="Text">Text that is certain by now: "" while a UTF-8 sequence or a possible stop string is incomplete.
/// </param>
public sealed record TokenOut(int Choice, int[] Ids, string Text) : EngineEvent
{
    /// <summary>Reasoning text that an upstream separates from the answer, or null.</summary>
    public string? Reasoning { get; init; }

    /// <summary>A refusal that an upstream separates from the answer, or null.</summary>
    public string? Refusal { get; init; }

    /// <summary>The array of tool-call deltas as an upstream wrote it, JSON, or empty.</summary>
    public ReadOnlyMemory<byte> ToolCalls { get; init; }

    /// <summary>The logprobs object as an upstream wrote it, JSON, or empty.</summary>
    public ReadOnlyMemory<byte> Logprobs { get; init; }
}

/// <summary>The end of one choice.</summary>
/// <param name="Choice">From 0.</param>
/// <param name="Reason">"stop", "length", "tool_calls" or "content_filter".</param>
/// <param name="OutputTokens">Every token generated for the choice, end token and withheld stop text included. Where
/// an upstream tells only the total of several choices, the last <see cref="Finished"/> carries it and the others 0,
/// so that the sum is always the bill.</param>
public sealed record Finished(int Choice, string Reason, int OutputTokens) : EngineEvent;
