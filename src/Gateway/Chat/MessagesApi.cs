using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Messages;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>Anthropic's messages.</summary>
internal sealed class MessagesApi : IAppApi
{
    /// <inheritdoc/>
    public string Path => "/v1/messages";

    /// <inheritdoc/>
    public ParseResult<IAppRequest> Parse(ReadOnlyMemory<byte> body)
    {
        var parsed = MessagesRequest.Parse(body);
        return parsed.IsOk ? new Asked(parsed.Value) : parsed.Error;
    }

    /// <inheritdoc/>
    public byte[] Error(OpenAiError error, RequestId? id) =>
        MessagesError.ToJson(error, id is { } known ? Door.Name(known) : null);

    private sealed record Asked(ChatRequest Chat) : IAppRequest
    {
        public IAppReply Begin(RequestId id, long created, long? promptTokens) =>
            new Reply(new MessageReply(id.ToString(), Chat.Model, promptTokens ?? 0), id);
    }

    private sealed class Reply(MessageReply reply, RequestId id) : IAppReply
    {
        public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) => reply.Whole(choices[0], usage);

        public void Part(ChunkChoice part, IBufferWriter<byte> output) => reply.Part(part, output);

        public void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output) =>
            reply.End(usage, choices[0].StopSequence, output);

        public void Fail(OpenAiError error, IBufferWriter<byte> output) => reply.Fail(error, Door.Name(id), output);

        public void Dispose() => reply.Dispose();
    }
}
