using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>
/// Writes the events of one streamed answer: for each choice a role chunk, deltas and a finish chunk, then the usage
/// chunk where the app asked for it, then <c>[DONE]</c>. Each method returns one complete event
/// (<c>data: …\n\n</c>) that stays valid until the next call; nothing is allocated per token.
/// Not safe for concurrent use. The caller keeps the order. It writes the chunks of text completions as well: they
/// have no deltas and no roles, only <see cref="Text"/> and <see cref="Finish"/>.
/// </summary>
public sealed class ChatStreamWriter : IDisposable
{
    private static readonly JsonEncodedText _chatChunk = JsonEncodedText.Encode("chat.completion.chunk");
    private static readonly JsonEncodedText _textChunk = JsonEncodedText.Encode("text_completion");
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _json;
    private readonly JsonEncodedText _id;
    private readonly JsonEncodedText _model;
    private readonly JsonEncodedText? _fingerprint;
    private readonly long _created;
    private readonly bool _isText;

    /// <param name="id">For example <c>chatcmpl-…</c>, the same in every chunk.</param>
    /// <param name="created">Unix seconds, the same in every chunk.</param>
    /// <param name="isText">Text completions rather than chat.</param>
    public ChatStreamWriter(
        string id, long created, string model, string? systemFingerprint = null, bool isText = false)
    {
        _isText = isText;
        _id = JsonEncodedText.Encode(id, JsonText.WriterOptions.Encoder);
        _model = JsonEncodedText.Encode(model, JsonText.WriterOptions.Encoder);
        _fingerprint = systemFingerprint is null
            ? null
            : JsonEncodedText.Encode(systemFingerprint, JsonText.WriterOptions.Encoder);
        _created = created;
        _json = new Utf8JsonWriter(_buffer, JsonText.WriterOptions);
    }

    public static ReadOnlyMemory<byte> Done { get; } = "data: [DONE]\n\n"u8.ToArray();

    /// <summary>The first chunk of a choice.</summary>
    public ReadOnlyMemory<byte> Role(int choice)
    {
        BeginChoice(choice);
        _json.WriteString("role"u8, "assistant"u8);
        _json.WriteString("content"u8, ""u8);
        _json.WriteNull("refusal"u8);
        return EndChoice(null, default, default);
    }

    /// <summary>A piece of text; it may be empty where tokens were generated whose text is still withheld.</summary>
    /// <param name="ids">Tokens of this piece; empty leaves <c>token_ids</c> out.</param>
    /// <param name="logprobs">The choice's logprobs object as JSON; empty writes null.</param>
    public ReadOnlyMemory<byte> Text(
        int choice, ReadOnlySpan<char> text, ReadOnlySpan<int> ids = default, ReadOnlySpan<byte> logprobs = default)
    {
        BeginChoice(choice);
        _json.WriteString(_isText ? "text"u8 : "content"u8, text);
        return EndChoice(null, ids, logprobs);
    }

    /// <summary>A piece of reasoning, in the field that vLLM, SGLang and DeepSeek use.</summary>
    public ReadOnlyMemory<byte> Reasoning(int choice, ReadOnlySpan<char> text, ReadOnlySpan<int> ids = default)
    {
        BeginChoice(choice);
        _json.WriteString("reasoning_content"u8, text);
        return EndChoice(null, ids, default);
    }

    /// <summary>Tool-call deltas: a JSON array whose elements each carry <c>index</c>, as upstream sent it.</summary>
    public ReadOnlyMemory<byte> ToolCalls(int choice, ReadOnlySpan<byte> json, ReadOnlySpan<int> ids = default)
    {
        BeginChoice(choice);
        _json.WritePropertyName("tool_calls"u8);
        _json.WriteRawValue(json, skipInputValidation: true);
        return EndChoice(null, ids, default);
    }

    /// <summary>One whole tool call as a delta.</summary>
    public ReadOnlyMemory<byte> ToolCall(int choice, int index, ToolCall call, ReadOnlySpan<int> ids = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        BeginChoice(choice);
        _json.WriteStartArray("tool_calls"u8);
        _json.WriteStartObject();
        _json.WriteNumber("index"u8, index);
        _json.WriteString("id"u8, call.Id);
        _json.WriteString("type"u8, "function"u8);
        _json.WriteStartObject("function"u8);
        _json.WriteString("name"u8, call.Name);
        _json.WriteString("arguments"u8, call.Arguments);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteEndArray();
        return EndChoice(null, ids, default);
    }

    /// <summary>
    /// A piece of the log-probabilities of a completion's prompt: an event without text that carries them as
    /// <c>prompt_logprobs</c>.
    /// </summary>
    /// <param name="logprobs">A logprobs object as JSON.</param>
    public ReadOnlyMemory<byte> PromptLogprobs(int choice, ReadOnlySpan<byte> logprobs)
    {
        BeginChoice(choice);
        _json.WriteString("text"u8, ""u8);
        _json.WritePropertyName("prompt_logprobs"u8);
        _json.WriteRawValue(logprobs, skipInputValidation: true);
        return EndChoice(null, default, default);
    }

    /// <summary>The last chunk of a choice. <paramref name="reason"/> is one of <see cref="FinishReasons"/>.</summary>
    public ReadOnlyMemory<byte> Finish(int choice, string reason, ReadOnlySpan<int> ids = default)
    {
        BeginChoice(choice);
        if (_isText)
        {
            _json.WriteString("text"u8, ""u8);
        }

        return EndChoice(reason, ids, default);
    }

    /// <summary>The chunk without choices that ends a stream with <c>stream_options.include_usage</c>.</summary>
    public ReadOnlyMemory<byte> Usage(Usage usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        Begin();
        _json.WriteStartArray("choices"u8);
        _json.WriteEndArray();
        _json.WritePropertyName("usage"u8);
        usage.WriteTo(_json);
        return End();
    }

    /// <summary>
    /// A failure after the stream began. A bare close would look like a complete answer to two SDKs, so this event must
    /// come last instead of <see cref="Done"/>.
    /// </summary>
    public ReadOnlyMemory<byte> Error(OpenAiError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        Reset();
        error.WriteTo(_json);
        return Framed();
    }

    public void Dispose() => _json.Dispose();

    private void Reset()
    {
        _buffer.ResetWrittenCount();
        _buffer.Write("data: "u8);
        _json.Reset(_buffer);
    }

    private void Begin()
    {
        Reset();
        _json.WriteStartObject();
        _json.WriteString("id"u8, _id);
        _json.WriteString("object"u8, _isText ? _textChunk : _chatChunk);
        _json.WriteNumber("created"u8, _created);
        _json.WriteString("model"u8, _model);
        if (_fingerprint is { } fingerprint)
        {
            // OpenAI's schema lets it be absent, not null.
            _json.WriteString("system_fingerprint"u8, fingerprint);
        }
    }

    private void BeginChoice(int choice)
    {
        Begin();
        _json.WriteStartArray("choices"u8);
        _json.WriteStartObject();
        _json.WriteNumber("index"u8, choice);
        if (!_isText)
        {
            _json.WriteStartObject("delta"u8);
        }
    }

    private ReadOnlyMemory<byte> EndChoice(string? reason, ReadOnlySpan<int> ids, ReadOnlySpan<byte> logprobs)
    {
        if (!_isText)
        {
            _json.WriteEndObject();
        }

        _json.WritePropertyName("logprobs"u8);
        if (logprobs.IsEmpty)
        {
            _json.WriteNullValue();
        }
        else
        {
            _json.WriteRawValue(logprobs, skipInputValidation: true);
        }

        _json.WriteString("finish_reason"u8, reason);
        if (!ids.IsEmpty)
        {
            _json.WriteStartArray("token_ids"u8);
            foreach (var id in ids)
            {
                _json.WriteNumberValue(id);
            }

            _json.WriteEndArray();
        }

        _json.WriteEndObject();
        _json.WriteEndArray();
        return End();
    }

    private ReadOnlyMemory<byte> End()
    {
        _json.WriteEndObject();
        return Framed();
    }

    private ReadOnlyMemory<byte> Framed()
    {
        _json.Flush();
        _buffer.Write("\n\n"u8);
        return _buffer.WrittenMemory;
    }
}
