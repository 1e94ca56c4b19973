using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines;

/// <summary>The sampling parameters that a request's body means. Customer and provider derive them alike, because the
/// receipt states them.</summary>
public static class RequestSampling
{
    /// <summary>What the request says, and OpenAI's defaults for what it leaves out.</summary>
    public static SamplingParameters Of(ChatRequest chat)
    {
        ArgumentNullException.ThrowIfNull(chat);
        var defaults = SamplingParameters.Default;
        return new SamplingParameters(
            chat.Temperature ?? defaults.Temperature,
            chat.TopP ?? defaults.TopP,
            Math.Max(chat.TopK ?? defaults.TopK, 0),
            chat.MinP ?? defaults.MinP,
            chat.FrequencyPenalty ?? defaults.FrequencyPenalty,
            chat.PresencePenalty ?? defaults.PresencePenalty,
            chat.Seed);
    }
}
