using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>
/// One event of somebody's stream, read tolerantly: OpenAI, vLLM, SGLang, llama.cpp, Ollama and this network's own
/// providers differ in what they send, and what is missing here is simply null or empty.
/// </summary>
public sealed record ChatChunk
{
    public string? Id { get; init; }

    public string? Model { get; init; }

    /// <summary>Unix seconds, 0 where absent.</summary>
    public long Created { get; init; }

    public string? SystemFingerprint { get; init; }

    public IReadOnlyList<ChunkChoice> Choices { get; init; } = [];

    public Usage? Usage { get; init; }

    /// <summary>The prompt's ids, which vLLM sends with the first chunk when ids were asked for.</summary>
    public int[]? PromptTokenIds { get; init; }

    /// <summary>Set where the event is an error object instead of a chunk.</summary>
    public OpenAiError? Error { get; init; }

    /// <summary>
    /// Reads the data of one event, or a whole unstreamed reply (whose <c>message</c> is read as a delta). Fails with a
    /// 502 error when the bytes are not such an object; never throws.
    /// </summary>
    public static ParseResult<ChatChunk> Parse(ReadOnlySpan<byte> utf8) => ChatChunkParser.Parse(utf8);

    /// <summary>Whether the data of an event is the end mark <c>[DONE]</c> rather than JSON.</summary>
    public static bool IsDone(ReadOnlySpan<byte> utf8) => utf8.Trim(" \t\r\n"u8).SequenceEqual("[DONE]"u8);
}

/// <summary>What one chunk says about one choice.</summary>
public sealed record ChunkChoice(int Index)
{
    public string? Role { get; init; }

    public string? Content { get; init; }

    /// <summary><c>reasoning_content</c>, or <c>reasoning</c> as Ollama and OpenRouter call it.</summary>
    public string? Reasoning { get; init; }

    public string? Refusal { get; init; }

    /// <summary>The array of tool-call deltas as JSON, or empty.</summary>
    public ReadOnlyMemory<byte> ToolCalls { get; init; }

    /// <summary>The logprobs object as JSON, or empty.</summary>
    public ReadOnlyMemory<byte> Logprobs { get; init; }

    /// <summary>A piece of the logprobs of a completion's prompt as JSON, or empty.</summary>
    public ReadOnlyMemory<byte> PromptLogprobs { get; init; }

    public string? FinishReason { get; init; }

    /// <summary>Ids of this chunk's tokens, or null where the server sends none.</summary>
    public int[]? TokenIds { get; init; }
}
