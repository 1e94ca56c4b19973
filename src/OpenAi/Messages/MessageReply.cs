using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Messages;

/// <summary>
/// Writes one answer of Anthropic's Messages API: <see cref="Whole"/>, or parts and then <see cref="End"/> or
/// <see cref="Fail"/>. What a stream tells goes into the buffer given, complete events only.
/// Not safe for concurrent use.
/// </summary>
/// <param name="id">What makes the ids of this message and its calls unlike any other.</param>
/// <param name="promptTokens">For the beginning of a stream; 0 where only its end tells.</param>
public sealed class MessageReply(string id, string model, long promptTokens = 0) : IDisposable
{
    private readonly Events _events = new(id, model, promptTokens);

    /// <summary>The body of an unstreamed reply.</summary>
    public byte[] Whole(ChatChoice choice, Usage usage)
    {
        ArgumentNullException.ThrowIfNull(choice);
        var blocks = AnswerBlocks.Of(choice, "toolu_" + id);
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            MessageJson.Message(writer, id, model, blocks, choice.StopSequence, usage);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The events for one part, and on the first call that which opens the stream.</summary>
    public void Part(ChunkChoice part, IBufferWriter<byte> output) => _events.Part(part, output);

    /// <summary>The events that end a whole stream.</summary>
    /// <param name="stopSequence">The app's stop sequence that ended it, where that is known.</param>
    public void End(Usage usage, string? stopSequence, IBufferWriter<byte> output) =>
        _events.End(usage, stopSequence, output);

    /// <summary>The event that ends a stream which failed.</summary>
    /// <param name="requestId">As the header <c>request-id</c> has it.</param>
    public void Fail(OpenAiError error, string? requestId, IBufferWriter<byte> output) =>
        _events.Fail(error, requestId, output);

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    private sealed class Events(string id, string model, long promptTokens) : IBlockWriter, IDisposable
    {
        private readonly AnswerBlocks _blocks = new("toolu_" + id, withLogprobs: false);
        private readonly EventWriter _events = new();
        private bool _isStarted;

        internal void Part(ChunkChoice part, IBufferWriter<byte> output)
        {
            Start(output);
            _blocks.Take(part, this);
        }

        internal void End(Usage usage, string? stopSequence, IBufferWriter<byte> output)
        {
            Start(output);
            _blocks.Finish(this);
            var writer = _events.Begin("message_delta");
            writer.WriteStartObject("delta"u8);
            MessageJson.Stop(writer, _blocks, stopSequence);
            writer.WriteEndObject();
            MessageJson.Usage(writer, usage);
            _events.End();
            _events.Begin("message_stop");
            _events.End();
        }

        internal void Fail(OpenAiError error, string? requestId, IBufferWriter<byte> output)
        {
            Start(output);
            MessagesError.Write(_events.Begin("error"), error, requestId);
            _events.End();
        }

        public void Dispose() => _events.Dispose();

        public void Open(AnswerBlock block)
        {
            var writer = _events.Begin("content_block_start");
            writer.WriteNumber("index"u8, block.Index);
            writer.WritePropertyName("content_block"u8);
            MessageJson.Block(writer, block, isEmpty: true);
            _events.End();
        }

        public void Grow(AnswerBlock block, string piece, IReadOnlyList<byte[]> logprobs)
        {
            var writer = _events.Begin("content_block_delta");
            writer.WriteNumber("index"u8, block.Index);
            writer.WriteStartObject("delta"u8);
            switch (block.Kind)
            {
                case BlockKind.Call:
                    writer.WriteString("type"u8, "input_json_delta"u8);
                    writer.WriteString("partial_json"u8, piece);
                    break;
                case BlockKind.Reasoning:
                    writer.WriteString("type"u8, "thinking_delta"u8);
                    writer.WriteString("thinking"u8, piece);
                    break;
                default:
                    writer.WriteString("type"u8, "text_delta"u8);
                    writer.WriteString("text"u8, piece);
                    break;
            }

            writer.WriteEndObject();
            _events.End();
        }

        public void Close(AnswerBlock block)
        {
            var writer = _events.Begin("content_block_stop");
            writer.WriteNumber("index"u8, block.Index);
            _events.End();
        }

        private void Start(IBufferWriter<byte> output)
        {
            _events.To(output);
            if (_isStarted)
            {
                return;
            }

            _isStarted = true;
            var writer = _events.Begin("message_start");
            writer.WriteStartObject("message"u8);
            // What comes from a cache is not known before the end; SDKs take the counts of the last event over these.
            MessageJson.Message(writer, id, model, null, null, new Usage(promptTokens, 0));
            writer.WriteEndObject();
            _events.End();
        }
    }
}
