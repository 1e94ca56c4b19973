using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Completions;

/// <summary>A checked request to <c>/v1/completions</c>.</summary>
/// <param name="Chat">What is bought: its <c>Prompt</c> is set.</param>
/// <param name="Echo">The prompt's text, and its logprobs where some are wanted, come before the answer's.</param>
public sealed record CompletionRequest(ChatRequest Chat, bool Echo)
{
    /// <summary>
    /// Reads a request body. Fails with OpenAI's error object: 400 for what is wrong, 413 for a body over the limit.
    /// Never throws on any bytes.
    /// </summary>
    public static ParseResult<CompletionRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null) =>
        ChatRequestParser.Read(utf8, limits ?? ChatLimits.Default, CompletionRequestParser.Read);
}
