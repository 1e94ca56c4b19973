using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Responses;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>OpenAI's responses, as far as they need nothing kept between requests.</summary>
internal sealed class ResponsesApi : IAppApi
{
    /// <inheritdoc/>
    public string Path => "/v1/responses";

    /// <inheritdoc/>
    public ParseResult<IAppRequest> Parse(ReadOnlyMemory<byte> body)
    {
        var parsed = ResponsesRequest.Parse(body);
        return parsed.IsOk ? new Asked(parsed.Value) : parsed.Error;
    }

    /// <inheritdoc/>
    public byte[] Error(OpenAiError error, RequestId? id) => ResponsesRequest.InOwnWords(error).ToJson();

    private sealed record Asked(ResponsesRequest Request) : IAppRequest
    {
        public ChatRequest Chat => Request.Chat;

        public IAppReply Begin(RequestId id, long created, long? promptTokens) =>
            new Reply(new ResponseReply(id.ToString(), created, Request));
    }

    private sealed class Reply(ResponseReply reply) : IAppReply
    {
        public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) => reply.Whole(choices[0], usage);

        public void Part(ChunkChoice part, IBufferWriter<byte> output) => reply.Part(part, output);

        public void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output) =>
            reply.End(usage, output);

        public void Fail(OpenAiError error, IBufferWriter<byte> output) =>
            reply.Fail(ResponsesRequest.InOwnWords(error), output);

        public void Dispose() => reply.Dispose();
    }
}
