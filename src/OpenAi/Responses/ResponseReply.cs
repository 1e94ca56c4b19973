using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Responses;

/// <summary>
/// Writes one answer of the Responses API: <see cref="Whole"/>, or parts and then <see cref="End"/> or
/// <see cref="Fail"/>. What a stream tells goes into the buffer given, complete events only.
/// Not safe for concurrent use.
/// </summary>
/// <param name="id">What makes the ids of this response and its items unlike any other.</param>
/// <param name="created">Unix seconds.</param>
public sealed class ResponseReply(string id, long created, ResponsesRequest request) : IDisposable
{
    private readonly ResponseJson _json = new(id, created, request);
    private readonly Events _events = new(id, created, request);

    /// <summary>The body of an unstreamed reply.</summary>
    public byte[] Whole(ChatChoice choice, Usage usage)
    {
        ArgumentNullException.ThrowIfNull(choice);
        var blocks = AnswerBlocks.Of(choice, "call_" + id);
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            _json.Response(writer, ResponseJson.StatusOf(choice.FinishReason), blocks, usage);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The events for one part, and on the first call those that open the stream.</summary>
    public void Part(ChunkChoice part, IBufferWriter<byte> output) => _events.Part(part, output);

    /// <summary>The events that end a whole stream.</summary>
    public void End(Usage usage, IBufferWriter<byte> output) => _events.End(usage, output);

    /// <summary>The events that end a stream which failed: the response as far as it came, and the error.</summary>
    public void Fail(OpenAiError error, IBufferWriter<byte> output) => _events.Fail(error, output);

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    private sealed class Events(string id, long created, ResponsesRequest request) : IBlockWriter, IDisposable
    {
        private readonly ResponseJson _json = new(id, created, request);
        private readonly AnswerBlocks _blocks = new("call_" + id, request.Chat.Logprobs);
        private readonly EventWriter _events = new();
        private long _sequence;

        internal void Part(ChunkChoice part, IBufferWriter<byte> output)
        {
            Start(output);
            _blocks.Take(part, this);
        }

        internal void End(Usage usage, IBufferWriter<byte> output)
        {
            Start(output);
            _blocks.Finish(this);
            var status = ResponseJson.StatusOf(_blocks.FinishReason);
            Response("response." + status, status, usage);
        }

        internal void Fail(OpenAiError error, IBufferWriter<byte> output)
        {
            Start(output);
            Response("response.failed", ResponseJson.Failed, null, error);
            // Flat as it is documented, and nested as SDKs look for it: without either, some take the failed stream for
            // a whole answer.
            var writer = Begin("error");
            Error(writer, error);
            writer.WriteStartObject("error"u8);
            writer.WriteString("type"u8, error.Type);
            Error(writer, error);
            writer.WriteEndObject();
            _events.End();
        }

        public void Dispose() => _events.Dispose();

        public void Open(AnswerBlock block)
        {
            Item("response.output_item.added", block, ResponseJson.InProgress);
            if (block.Kind != BlockKind.Call)
            {
                Content("response.content_part.added", block, isEmpty: true);
            }
        }

        public void Grow(AnswerBlock block, string piece, IReadOnlyList<byte[]> logprobs)
        {
            var writer = Begin(block.Kind switch
            {
                BlockKind.Call => "response.function_call_arguments.delta",
                BlockKind.Reasoning => "response.reasoning_text.delta",
                BlockKind.Refusal => "response.refusal.delta",
                _ => "response.output_text.delta",
            });
            Place(writer, block);
            writer.WriteString("delta"u8, piece);
            if (block.Kind == BlockKind.Text)
            {
                ResponseJson.Logprobs(writer, logprobs);
            }

            _events.End();
        }

        public void Close(AnswerBlock block)
        {
            switch (block.Kind)
            {
                case BlockKind.Call:
                    Done("response.function_call_arguments.done", "arguments", block);
                    break;
                case BlockKind.Reasoning:
                    Done("response.reasoning_text.done", "text", block);
                    break;
                case BlockKind.Refusal:
                    Done("response.refusal.done", "refusal", block);
                    break;
                default:
                    Done("response.output_text.done", "text", block);
                    break;
            }

            if (block.Kind != BlockKind.Call)
            {
                Content("response.content_part.done", block, isEmpty: false);
            }

            // Only what was open at the end can have been cut.
            var isCut = _blocks.IsFinished && ResponseJson.WhyIncomplete(_blocks.FinishReason) is not null;
            Item("response.output_item.done", block, isCut ? ResponseJson.Incomplete : ResponseJson.Completed);
        }

        private static void Error(Utf8JsonWriter writer, OpenAiError error)
        {
            writer.WriteString("code"u8, error.Code);
            writer.WriteString("message"u8, error.Message);
            writer.WriteString("param"u8, error.Param);
        }

        private void Start(IBufferWriter<byte> output)
        {
            _events.To(output);
            if (_sequence == 0)
            {
                Response("response.created", ResponseJson.InProgress, null);
                Response("response.in_progress", ResponseJson.InProgress, null);
            }
        }

        private void Response(string type, string status, Usage? usage, OpenAiError? error = null)
        {
            var writer = Begin(type);
            writer.WritePropertyName("response"u8);
            _json.Response(writer, status, _blocks, usage, error);
            _events.End();
        }

        private void Item(string type, AnswerBlock block, string status)
        {
            var writer = Begin(type);
            writer.WriteNumber("output_index"u8, block.Index);
            writer.WritePropertyName("item"u8);
            _json.Item(writer, block, status);
            _events.End();
        }

        private void Content(string type, AnswerBlock block, bool isEmpty)
        {
            var writer = Begin(type);
            Place(writer, block);
            writer.WritePropertyName("part"u8);
            ResponseJson.Part(writer, block, isEmpty);
            _events.End();
        }

        private void Done(string type, string name, AnswerBlock block)
        {
            var writer = Begin(type);
            Place(writer, block);
            writer.WriteString(name, block.Text.ToString());
            if (block.Kind == BlockKind.Call)
            {
                writer.WriteString("name"u8, block.Name);
            }
            else if (block.Kind == BlockKind.Text)
            {
                ResponseJson.Logprobs(writer, block.Logprobs);
            }

            _events.End();
        }

        private void Place(Utf8JsonWriter writer, AnswerBlock block)
        {
            writer.WriteString("item_id"u8, _json.ItemId(block));
            writer.WriteNumber("output_index"u8, block.Index);
            if (block.Kind != BlockKind.Call)
            {
                writer.WriteNumber("content_index"u8, 0);
            }
        }

        private Utf8JsonWriter Begin(string type)
        {
            var writer = _events.Begin(type);
            writer.WriteNumber("sequence_number"u8, _sequence++);
            return writer;
        }
    }
}
