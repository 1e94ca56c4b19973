namespace Souk.OpenAi.Chat;

/// <summary>OpenAI's words for how an answer ended; SDKs accept no others.</summary>
public static class FinishReasons
{
    public const string Stop = "stop";
    public const string Length = "length";
    public const string ToolCalls = "tool_calls";
    public const string ContentFilter = "content_filter";
    public const string FunctionCall = "function_call";

    /// <summary>A word that SDKs accept, whatever an engine said ("abort", "eos", "max_tokens").</summary>
    public static string Accepted(string? reason) => reason switch
    {
        Stop or Length or ToolCalls or ContentFilter or FunctionCall => reason,
        "max_tokens" or "abort" or "error" => Length,
        "tool_use" => ToolCalls,
        _ => Stop,
    };
}

/// <summary>One whole answer of an unstreamed reply.</summary>
public sealed record ChatChoice(int Index, string? Content, string FinishReason)
{
    public string? Refusal { get; init; }

    /// <summary>The app's stop sequence that ended it, where that is known.</summary>
    public string? StopSequence { get; init; }

    public string? Reasoning { get; init; }

    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>The <c>logprobs</c> object as JSON, or empty for null.</summary>
    public ReadOnlyMemory<byte> Logprobs { get; init; }

    /// <summary>The logprobs of a completion's prompt, in the same shape; with the first choice only.</summary>
    public ReadOnlyMemory<byte> PromptLogprobs { get; init; }

    /// <summary>The vectors of a request to embed, one for each input; empty for text.</summary>
    public IReadOnlyList<float[]> Vectors { get; init; } = [];

    /// <summary>Every billable token, or null to leave <c>token_ids</c> out.</summary>
    public IReadOnlyList<int>? TokenIds { get; init; }
}
