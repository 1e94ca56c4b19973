using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.OpenAi.Errors;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>OpenAI's older completions: a raw prompt goes on, without roles and template.</summary>
internal sealed class CompletionsApi : IAppApi
{
    /// <inheritdoc/>
    public string Path => "/v1/completions";

    /// <inheritdoc/>
    public ParseResult<IAppRequest> Parse(ReadOnlyMemory<byte> body)
    {
        var parsed = CompletionRequest.Parse(body);
        return parsed.IsOk ? new Asked(parsed.Value) : parsed.Error;
    }

    /// <inheritdoc/>
    public byte[] Error(OpenAiError error, RequestId? id) => error.ToJson();

    private sealed record Asked(CompletionRequest Request) : IAppRequest
    {
        public ChatRequest Chat => Request.Chat;

        public IAppReply Begin(RequestId id, long created, long? promptTokens) =>
            new TextReply(new CompletionReply("cmpl-" + id, created, Request));
    }
}
