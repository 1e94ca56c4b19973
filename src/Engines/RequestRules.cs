using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines;

/// <summary>Words for what requests may ask for, as offers list them.</summary>
public static class EngineFeatures
{
    /// <summary>Goes on with an assistant message that was begun.</summary>
    public const string Continuation = "continuation";

    /// <summary>Makes embeddings, and nothing else.</summary>
    public const string Embeddings = "embeddings";

    public const string Images = "images";
    public const string JsonSchema = "json_schema";
    public const string LogitBias = "logit_bias";
    public const string Logprobs = "logprobs";
    public const string ManyChoices = "n";
    public const string MinTokens = "min_tokens";
    public const string Penalties = "penalties";
    /// <summary>Scores the prompt's own tokens too.</summary>
    public const string PromptLogprobs = "prompt_logprobs";

    public const string Seed = "seed";
    public const string Stop = "stop";
    public const string Tools = "tools";
    public const string TopK = "top_k";

    /// <summary>What a request needs that not every engine has, in the words of offers, sorted.</summary>
    public static IReadOnlyList<string> NeededBy(ChatRequest chat)
    {
        ArgumentNullException.ThrowIfNull(chat);
        return [.. RequestRules.Needs(chat, chat.Choices)
            .Where(need => need.IsAsked).Select(need => need.Feature).Distinct().Order(StringComparer.Ordinal)];
    }
}

/// <summary>Refusals that every engine shares.</summary>
internal static class RequestRules
{
    private const int GreatestChoices = 256;

    /// <summary>Bounds that a caller, not a customer, would have to break.</summary>
    public static void RequireSound(EngineRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfNegative(request.MaxTokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Choices, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Choices, GreatestChoices);
    }

    /// <exception cref="EngineException">Theirs, "feature_unsupported", naming the first field that is too much.
    /// </exception>
    public static void RequireFeatures(EngineRequest request, IReadOnlyList<string> features)
    {
        foreach (var need in Needs(request.Chat, request.Choices))
        {
            if (need.IsAsked && !features.Contains(need.Feature, StringComparer.Ordinal))
            {
                throw Unsupported(need.Field, need.Advice);
            }
        }
    }

    internal static IEnumerable<(bool IsAsked, string Feature, string Field, string Advice)> Needs(
        ChatRequest chat, int choices)
    {
        yield return (chat.HasImages, EngineFeatures.Images, "images", "send text alone");
        yield return (
            NeedsGrammar(chat.ResponseFormat), EngineFeatures.JsonSchema, "response_format", "leave it out");
        yield return (chat.LogitBias.Count > 0, EngineFeatures.LogitBias, "logit_bias", "leave it out");
        yield return (chat.Logprobs, EngineFeatures.Logprobs, "logprobs", "leave it out");
        yield return (chat.MinTokens > 0, EngineFeatures.MinTokens, "min_tokens", "leave it out");
        yield return (choices > 1, EngineFeatures.ManyChoices, "n above 1", "send several requests");
        yield return (chat.PromptLogprobs, EngineFeatures.PromptLogprobs, "echo with logprobs", "leave one out");
        yield return (chat.Tools is not null, EngineFeatures.Tools, "tools", "leave them out");
        yield return (chat.TopK > 0, EngineFeatures.TopK, "top_k", "leave it out");
        yield return (chat.MinP > 0, EngineFeatures.TopK, "min_p", "leave it out");
    }

    public static void RequireChoices(EngineRequest request, int most)
    {
        if (request.Choices > most)
        {
            throw Unsupported($"n above {most}", "ask for fewer choices");
        }
    }

    public static EngineException Unsupported(string field, string advice) =>
        new(
            Fault.Theirs, "feature_unsupported",
            $"This engine does not serve {field}: {advice}, or pick another offer.");

    public static EngineException NotEmbedding() =>
        new(
            Fault.Theirs, "model_not_supported",
            "This model makes no embeddings; ask /v1/embeddings for one that does.");

    public static EngineException ContextExceeded(int prompt, int context) =>
        new(
            Fault.Theirs, "context_length_exceeded",
            $"The prompt has {prompt} tokens, and prompt and answer together must fit in {context}. Shorten it.");

    /// <exception cref="EngineException">Theirs: no ids, or no room for an answer.</exception>
    public static int[] EncodePrompt(PromptEncoder encoder, ChatRequest chat, int context)
    {
        var encoded = encoder.Encode(chat);
        if (!encoded.IsOk)
        {
            throw new EngineException(Fault.Theirs, encoded.Error.Code ?? "invalid_prompt", encoded.Error.Message);
        }

        if (encoded.Value.Length == 0)
        {
            throw new EngineException(Fault.Theirs, "invalid_prompt", "The prompt is empty.");
        }

        return encoded.Value.Length < context
            ? encoded.Value
            : throw ContextExceeded(encoded.Value.Length, context);
    }

    /// <exception cref="EngineException">Theirs: an input without ids, or one that does not fit.</exception>
    public static int[][] EncodeInputs(PromptEncoder encoder, EmbeddingInputs inputs, int context)
    {
        var encoded = encoder.EncodeInputs(inputs);
        if (!encoded.IsOk)
        {
            throw new EngineException(Fault.Theirs, encoded.Error.Code ?? "invalid_input", encoded.Error.Message);
        }

        if (Array.Exists(encoded.Value, ids => ids.Length == 0))
        {
            throw new EngineException(Fault.Theirs, "invalid_input", "An input has no tokens.");
        }

        int longest = encoded.Value.Max(ids => ids.Length);
        return longest <= context ? encoded.Value : throw InputTooLong(longest, context);
    }

    public static EngineException InputTooLong(int tokens, int context) =>
        new(
            Fault.Theirs, "context_length_exceeded",
            $"An input has {tokens} tokens, and this model reads {context} at once. Shorten it or split it.");

    /// <summary>What an engine of embeddings says to everything else.</summary>
    public static EngineException OnlyEmbedding() =>
        new(
            Fault.Theirs, "model_not_supported",
            "This model makes embeddings and no text; send it to /v1/embeddings.");

    internal static bool NeedsGrammar(JsonElement? format) =>
        format is { ValueKind: JsonValueKind.Object } given
        && !(given.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
            && type.ValueEquals("text"u8));
}
