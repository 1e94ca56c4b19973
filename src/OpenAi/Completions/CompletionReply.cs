using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Completions;

/// <summary>Writes one answer in the shape of completions: as one object, or as the events of a stream, which are
/// written to a buffer. Not safe for concurrent use.</summary>
/// <param name="id">For example <c>cmpl-…</c>.</param>
/// <param name="created">Unix seconds.</param>
/// <param name="request">What the app asked for.</param>
public sealed class CompletionReply(string id, long created, CompletionRequest request) : ITextReply
{
    private readonly ChatStreamWriter _writer = new(id, created, request.Chat.Model, isText: true);
    private readonly TextLogprobs?[] _logprobs = new TextLogprobs?[request.Chat.Choices];
    private readonly LogprobsSoFar _prompt = new();

    /// <inheritdoc/>
    public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage)
    {
        ArgumentNullException.ThrowIfNull(choices);
        ArgumentNullException.ThrowIfNull(usage);
        _prompt.Take(choices[0].PromptLogprobs);
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, id);
            writer.WriteString("object"u8, "text_completion"u8);
            writer.WriteNumber("created"u8, created);
            writer.WriteString("model"u8, request.Chat.Model);
            writer.WriteStartArray("choices"u8);
            foreach (var choice in choices)
            {
                WriteChoice(writer, choice);
            }

            writer.WriteEndArray();
            writer.WritePropertyName("usage"u8);
            usage.WriteTo(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <inheritdoc/>
    public void Part(ChunkChoice part, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(part);
        if (!part.PromptLogprobs.IsEmpty)
        {
            // They belong to every choice, so they are kept until each begins.
            _prompt.Take(part.PromptLogprobs);
            return;
        }

        var logprobs = _logprobs[part.Index];
        if (logprobs is null)
        {
            _logprobs[part.Index] = logprobs = new TextLogprobs();
            if (request.Echo)
            {
                var (text, told) = Echo(logprobs);
                output.Write(_writer.Text(part.Index, text, default, told.Span).Span);
            }
        }

        var ids = request.Chat.ReturnTokenIds && part.TokenIds is { } given ? given : [];
        var wanted = request.Chat.Logprobs ? logprobs.Next(part.Logprobs) : default;
        if (part.Content is { Length: > 0 } || ids.Length > 0 || !wanted.IsEmpty)
        {
            output.Write(_writer.Text(part.Index, part.Content, ids, wanted.Span).Span);
        }

        if (part.FinishReason is { } reason)
        {
            output.Write(_writer.Finish(part.Index, FinishReasons.Accepted(reason)).Span);
        }
    }

    /// <inheritdoc/>
    public void End(Usage usage, IBufferWriter<byte> output)
    {
        if (request.Chat.IncludeUsage)
        {
            output.Write(_writer.Usage(usage).Span);
        }

        output.Write(ChatStreamWriter.Done.Span);
    }

    /// <inheritdoc/>
    public void Fail(OpenAiError error, IBufferWriter<byte> output) => output.Write(_writer.Error(error).Span);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    // The prompt as a choice repeats it, and its logprobs in the shape of completions.
    private (string Text, ReadOnlyMemory<byte> Logprobs) Echo(TextLogprobs logprobs)
    {
        var told = _prompt.ToJson();
        var text = request.Chat.Prompt!.Text ?? TextLogprobs.TextOf(told);
        if (!told.IsEmpty)
        {
            logprobs.Fit(told, text);
            return (text, logprobs.Next(told));
        }

        logprobs.Skip(text);
        return (text, default);
    }

    private void WriteChoice(Utf8JsonWriter writer, ChatChoice choice)
    {
        var text = request.Echo ? Echo(new TextLogprobs()).Text : "";
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, choice.Index);
        writer.WriteString("text"u8, text + choice.Content);
        writer.WritePropertyName("logprobs"u8);
        var logprobs = Logprobs(choice, text);
        if (logprobs.IsEmpty)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteRawValue(logprobs.Span, skipInputValidation: true);
        }

        writer.WriteString("finish_reason"u8, choice.FinishReason);
        if (choice.TokenIds is not null)
        {
            writer.WriteStartArray("token_ids"u8);
            foreach (var tokenId in choice.TokenIds)
            {
                writer.WriteNumberValue(tokenId);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private ReadOnlyMemory<byte> Logprobs(ChatChoice choice, string echo)
    {
        if (!request.Chat.Logprobs)
        {
            return default;
        }

        var all = new LogprobsSoFar();
        all.Take(_prompt.ToJson());
        all.Take(choice.Logprobs);
        var logprobs = new TextLogprobs();
        if (_prompt.Bytes == 0)
        {
            logprobs.Skip(echo);
        }
        else
        {
            logprobs.Fit(_prompt.ToJson(), echo);
        }

        return logprobs.Next(all.ToJson());
    }
}
