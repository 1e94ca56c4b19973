using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>OpenAI's chat completions.</summary>
internal sealed class ChatApi : IAppApi
{
    /// <inheritdoc/>
    public string Path => "/v1/chat/completions";

    /// <inheritdoc/>
    public ParseResult<IAppRequest> Parse(ReadOnlyMemory<byte> body)
    {
        var parsed = ChatRequest.Parse(body);
        return parsed.IsOk ? new Asked(parsed.Value) : parsed.Error;
    }

    /// <inheritdoc/>
    public byte[] Error(OpenAiError error, RequestId? id) => error.ToJson();

    private sealed record Asked(ChatRequest Chat) : IAppRequest
    {
        public IAppReply Begin(RequestId id, long created, long? promptTokens) =>
            new TextReply(new ChatReply("chatcmpl-" + id, created, Chat));
    }
}
