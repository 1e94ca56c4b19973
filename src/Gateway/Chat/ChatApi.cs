using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using FinishReasons = Souk.OpenAi.Chat.FinishReasons;

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
            new ChatReply("chatcmpl-" + id, created, Chat);
    }
}

/// <summary>An answer in the shape of chat completions.</summary>
internal sealed class ChatReply(string id, long created, ChatRequest chat) : IAppReply
{
    private readonly bool[] _hasRole = new bool[chat.Choices];
    private readonly ChatStreamWriter _writer = new(id, created, chat.Model);

    /// <inheritdoc/>
    public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) =>
        new ChatCompletion(id, created, chat.Model, choices, usage).ToJson();

    /// <inheritdoc/>
    public void Part(ChunkChoice part, IBufferWriter<byte> output)
    {
        if (!_hasRole[part.Index])
        {
            _hasRole[part.Index] = true;
            output.Write(_writer.Role(part.Index).Span);
        }

        var ids = chat.ReturnTokenIds && part.TokenIds is { } told ? told : [];
        if (!part.ToolCalls.IsEmpty)
        {
            output.Write(_writer.ToolCalls(part.Index, part.ToolCalls.Span, ids).Span);
        }
        else if (part.Reasoning is { Length: > 0 } reasoning)
        {
            output.Write(_writer.Reasoning(part.Index, reasoning, ids).Span);
        }
        else if (part.Content is { Length: > 0 } content)
        {
            output.Write(_writer.Text(part.Index, content, ids, part.Logprobs.Span).Span);
        }
        else if (ids.Length > 0)
        {
            output.Write(_writer.Text(part.Index, "", ids).Span);
        }

        if (part.FinishReason is { } reason)
        {
            output.Write(_writer.Finish(part.Index, FinishReasons.Accepted(reason)).Span);
        }
    }

    /// <inheritdoc/>
    public void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output)
    {
        if (chat.IncludeUsage)
        {
            output.Write(_writer.Usage(usage).Span);
        }

        output.Write(ChatStreamWriter.Done.Span);
    }

    /// <inheritdoc/>
    public void Fail(OpenAiError error, IBufferWriter<byte> output) => output.Write(_writer.Error(error).Span);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
