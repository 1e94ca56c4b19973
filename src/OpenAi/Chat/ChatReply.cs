using System.Buffers;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>Writes one answer in the shape of chat completions: as one object, or as the events of a stream, which are
/// written to a buffer. Not safe for concurrent use.</summary>
/// <param name="id">For example <c>chatcmpl-…</c>.</param>
/// <param name="created">Unix seconds.</param>
/// <param name="chat">What the app asked for.</param>
public sealed class ChatReply(string id, long created, ChatRequest chat) : ITextReply
{
    private readonly bool[] _hasRole = new bool[chat.Choices];
    private readonly ChatStreamWriter _writer = new(id, created, chat.Model);

    /// <inheritdoc/>
    public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) =>
        new ChatCompletion(id, created, chat.Model, choices, usage).ToJson();

    /// <inheritdoc/>
    public void Part(ChunkChoice part, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(part);
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
    public void End(Usage usage, IBufferWriter<byte> output)
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
