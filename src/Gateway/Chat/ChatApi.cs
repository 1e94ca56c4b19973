using System.Buffers;
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
            new Reply(new ChatReply("chatcmpl-" + id, created, Chat));
    }

    private sealed class Reply(ChatReply reply) : IAppReply
    {
        public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) => reply.Whole(choices, usage);

        public void Part(ChunkChoice part, IBufferWriter<byte> output) => reply.Part(part, output);

        public void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output) =>
            reply.End(usage, output);

        public void Fail(OpenAiError error, IBufferWriter<byte> output) => reply.Fail(error, output);

        public void Dispose() => reply.Dispose();
    }
}
