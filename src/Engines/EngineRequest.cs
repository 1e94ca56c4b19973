using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines;

/// <summary>One admitted request, its limits already lowered to what was paid for.</summary>
/// <param name="Chat">The parsed request.</param>
/// <param name="Body">The exact bytes received; an upstream engine forwards an allow-list of its fields.</param>
/// <param name="Key">Seeds the sampler where the engine owns it.</param>
/// <param name="Sampling">Sampling parameters in force, defaults filled in.</param>
/// <param name="MaxTokens">Greatest output of one choice, in tokens; 0 asks for the prompt count alone.</param>
/// <param name="Stop">Stop strings; their text is withheld, their tokens are counted.</param>
/// <param name="Choices">1 to 256.</param>
/// <param name="Payer">Salts any prefix cache, so that one payer cannot time another's prompts.</param>
public sealed record EngineRequest(
    ChatRequest Chat,
    ReadOnlyMemory<byte> Body,
    SamplingKey Key,
    SamplingParameters Sampling,
    int MaxTokens,
    IReadOnlyList<string> Stop,
    int Choices,
    string Payer)
{
    /// <summary>What <see cref="IEngine.EncodePrompt"/> gave for this chat, so that it is not counted twice; null
    /// makes the engine encode the prompt itself.</summary>
    public int[]? PromptIds { get; init; }

    /// <summary>Whether the prompt's own tokens are to be scored as well (<see cref="PromptScored"/>), with as many
    /// alternatives as the chat's <c>TopLogprobs</c> says. Needs the feature "prompt_logprobs".</summary>
    public bool PromptLogprobs => Chat.PromptLogprobs;
}
