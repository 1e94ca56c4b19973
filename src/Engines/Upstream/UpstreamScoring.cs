using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;

namespace Souk.Engines.Upstream;

/// <summary>What an upstream says of a prompt's own tokens.</summary>
/// <param name="Logprobs">In the shape of chats, JSON.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
internal sealed record ScoredPrompt(ReadOnlyMemory<byte> Logprobs, int PromptTokens);

/// <summary>Has an upstream score a prompt: an unstreamed request that echoes it and generates one token, which is
/// dropped. Streams would mix the prompt's text, ids and logprobs with the answer's, each server in its own
/// way.</summary>
internal static class UpstreamScoring
{
    private const int MaxReplyBytes = 32 * 1024 * 1024;

    /// <exception cref="EngineException">The upstream refused, or its answer scores nothing.</exception>
    public static async Task<ScoredPrompt> RunAsync(
        UpstreamHttp http, EngineRequest request, UpstreamProbe probe, CancellationToken cancellationToken)
    {
        var chat = new ChatRequest
        {
            Model = probe.Model,
            Messages = [],
            Prompt = UpstreamRequest.Exact(request),
            Logprobs = true,
            TopLogprobs = request.Chat.TopLogprobs,
            PromptLogprobs = true,
            Temperature = 0,
        };
        byte[] body = chat.ToProviderBody(new ProviderBody(probe.Model)
        {
            MaxTokens = 1, Stream = false, ReturnTokenIds = false,
        });
        using var reply = await http.PostAsync("completions", body, cancellationToken);
        byte[] text = await UpstreamHttp.ReadShortAsync(reply, MaxReplyBytes, cancellationToken);
        return (int)reply.StatusCode == 200 ? Read(text) : throw UpstreamErrors.FromReply((int)reply.StatusCode, text);
    }

    private static ScoredPrompt Read(ReadOnlyMemory<byte> reply)
    {
        var parsed = ChatChunk.Parse(reply.Span);
        if (!parsed.IsOk || parsed.Value is not { Choices: [var only], Usage: { } usage } || only.Logprobs.IsEmpty)
        {
            throw UpstreamErrors.Protocol("did not score the prompt that it was asked to");
        }

        using var document = JsonDocument.Parse(ChatLogprobs.From(only.Logprobs));
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("content", out var tokens)
            || tokens.ValueKind != JsonValueKind.Array || tokens.GetArrayLength() < usage.PromptTokens)
        {
            throw UpstreamErrors.Protocol("did not score every token of the prompt");
        }

        var prompt = tokens.EnumerateArray().Take((int)usage.PromptTokens);
        return new ScoredPrompt(
            JsonSerializer.SerializeToUtf8Bytes(new { content = prompt }), (int)usage.PromptTokens);
    }
}
