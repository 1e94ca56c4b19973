using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>The body that goes upstream: an allow-list of fields written anew, limits already applied.</summary>
internal static class UpstreamRequest
{
    private const int GreatestNodes = 20_000;

    /// <exception cref="EngineException">Theirs: something that this upstream cannot or must not be
    /// asked.</exception>
    public static byte[] Write(
        EngineRequest request, UpstreamProbe upstream, EngineModel model, int maxChoices)
    {
        Refuse(request, model.Features, maxChoices);

        // A limit of the whole context binds nothing, but these two refuse it together with any prompt.
        bool isFree = request.MaxTokens >= model.Context && (upstream.Server is "vllm" or "sglang");
        int nodes = 0;
        RequireLocalReferences(request.Chat.ResponseFormat, ref nodes);
        RequireLocalReferences(request.Chat.Tools, ref nodes);
        var chat = request.Chat.WithLimits(request.MaxTokens, request.Choices) with
        {
            Stop = request.Stop,
            // Scored by a request of its own; see UpstreamScoring.
            PromptLogprobs = false,
            Prompt = Exact(request),
        };
        chat = isFree ? chat with { MaxTokens = null } : chat;
        return chat.ToProviderBody(new ProviderBody(upstream.Model)
        {
            MaxTokens = isFree ? null : request.MaxTokens,
            ReturnTokenIds = upstream.GivesIds,
            Extra = upstream.Server == "vllm" ? writer => WriteSalt(writer, request.Payer) : null,
        });
    }

    private static void Refuse(EngineRequest request, IReadOnlyList<string> features, int maxChoices)
    {
        if (features.Contains(EngineFeatures.Embeddings))
        {
            throw RequestRules.OnlyEmbedding();
        }

        RequestRules.RequireSound(request);
        if (request.MaxTokens < 1 && !request.PromptLogprobs)
        {
            throw RequestRules.Unsupported("max_tokens of 0", "ask for at least one token");
        }

        RequestRules.RequireFeatures(request, features);
        RequestRules.RequireChoices(request, maxChoices);
    }

    /// <summary>A prompt that was counted here goes as the very ids that are billed.</summary>
    public static RawPrompt? Exact(EngineRequest request) =>
        request is { Chat.Prompt: not null, PromptIds: { } ids } ? new RawPrompt(ids) : request.Chat.Prompt;

    /// <summary>vLLM shares its prefix cache between requests of the same salt only. The payer's name itself stays
    /// here.</summary>
    private static void WriteSalt(Utf8JsonWriter writer, string payer) =>
        writer.WriteString(
            "cache_salt"u8,
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("souk-cache-salt-1:" + payer)))[..32]);

    /// <summary>A JSON schema may name another by URL, and some servers' schema compilers fetch it from inside the
    /// provider's network; only references within the document pass.</summary>
    private static void RequireLocalReferences(JsonElement? root, ref int nodes)
    {
        if (root is { } element)
        {
            Walk(element, ref nodes);
        }
    }

    private static void Walk(JsonElement element, ref int nodes)
    {
        if (++nodes > GreatestNodes)
        {
            throw new EngineException(
                Fault.Theirs, "schema_too_large",
                "The tools and schemas of this request are too large; simplify them.");
        }

        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
            {
                Walk(item, ref nodes);
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                bool isReference = property.Value.ValueKind == JsonValueKind.String
                    && property.Name is "$ref" or "$dynamicRef" or "$recursiveRef";
                if (isReference && !property.Value.GetString()!.StartsWith('#'))
                {
                    throw new EngineException(
                        Fault.Theirs, "schema_reference",
                        "A schema refers to another document. Copy that definition into the request.");
                }

                Walk(property.Value, ref nodes);
            }
        }
    }
}
