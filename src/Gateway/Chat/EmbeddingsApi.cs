using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Errors;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>OpenAI's embeddings: vectors for texts, always delivered whole.</summary>
internal sealed class EmbeddingsApi : IAppApi
{
    /// <inheritdoc/>
    public string Path => "/v1/embeddings";

    /// <inheritdoc/>
    public ParseResult<IAppRequest> Parse(ReadOnlyMemory<byte> body)
    {
        var parsed = EmbeddingInputs.Parse(body);
        return parsed.IsOk ? new Asked(parsed.Value) : parsed.Error;
    }

    /// <inheritdoc/>
    public byte[] Error(OpenAiError error, RequestId? id) => error.ToJson();

    private sealed record Asked(ChatRequest Chat) : IAppRequest
    {
        public IAppReply Begin(RequestId id, long created, long? promptTokens) => new Reply(Chat);
    }

    private sealed class Reply(ChatRequest chat) : IAppReply
    {
        public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) =>
            new EmbeddingList(choices[0].Vectors, usage.PromptTokens)
                .ToJson(chat.Model, usage, chat.Embedding!.IsBase64);

        public void Part(ChunkChoice part, IBufferWriter<byte> output) => throw NeverStreamed();

        public void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output) =>
            throw NeverStreamed();

        public void Fail(OpenAiError error, IBufferWriter<byte> output) => throw NeverStreamed();

        public void Dispose()
        {
        }

        private static InvalidOperationException NeverStreamed() => new("Embeddings are never streamed.");
    }
}
