using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Streaming;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>
/// Turns the stream that the node link carries into what a plain client reads: OpenAI's own shape, streamed or whole,
/// with <c>PAYMENT-RESPONSE</c> in the head. The head of a stream leaves before anything is charged, so it tells 0;
/// the client learns the rest from the next corrective 402, or from the receipt.
/// </summary>
internal sealed class PlainReply : IWireResponse, IDisposable
{
    private const string EventStream = "text/event-stream";
    private readonly IWireResponse _inner;
    private readonly ChatRequest _chat;
    private readonly ITextReply _shape;
    private readonly Func<Amount, SettlementResponse> _settled;
    private readonly SseParser _events = new();
    private readonly ArrayBufferWriter<byte> _out = new(1024);
    private readonly PlainChoice[] _choices;
    private int _status;
    private bool _isEvents;
    private bool _hasFailed;
    private string? _receipt;
    private Amount _charged;
    private Usage? _usage;
    private OpenAiError? _error;

    /// <param name="settled">The payment's outcome at a charge; asked when the head leaves.</param>
    public PlainReply(
        IWireResponse inner, ChatRequest chat, ITextReply shape, Func<Amount, SettlementResponse> settled)
    {
        (_inner, _chat, _shape, _settled) = (inner, chat, shape, settled);
        _choices = [.. Enumerable.Range(0, chat.Choices).Select(_ => new PlainChoice())];
    }

    private bool IsStreaming => _isEvents && _chat.Stream;

    /// <inheritdoc/>
    public async ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
    {
        _status = status;
        _isEvents = headers["content-type"] == EventStream;
        if (ReceiptText.FromHeaders(headers) is { IsOk: true } receipt)
        {
            (_receipt, _charged) = (headers[SoukHeaders.Receipt], receipt.Value.Message.Charge);
        }

        if (!IsStreaming)
        {
            return;
        }

        await _inner.StartAsync(
            200,
            new WireHeaders(3)
            {
                { "content-type", EventStream },
                { "cache-control", "no-store" },
                { X402Header.Response, _settled(Amount.Zero).ToHeader() },
            },
            cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (!_isEvents)
        {
            _out.Write(data.Span);
            return;
        }

        _events.Append(data.Span);
        while (_events.TryRead(out var item))
        {
            if (item.Kind == SseItemKind.Data)
            {
                TakeEvent(item.Bytes.Span);
            }
            else if (ReceiptText.IsReceipt(item.Bytes.Span))
            {
                TakeReceipt(item.Bytes.Span);
            }
        }

        if (_out.WrittenCount > 0)
        {
            await _inner.WriteAsync(_out.WrittenMemory, cancellation);
            _out.ResetWrittenCount();
        }
    }

    /// <summary>Sends what was held back: every answer that is no stream.</summary>
    public ValueTask CompleteAsync(CancellationToken cancellation)
    {
        if (IsStreaming)
        {
            return ValueTask.CompletedTask;
        }

        var headers = new WireHeaders(5) { { X402Header.Response, _settled(_charged).ToHeader() } };
        if (_receipt is { } receipt)
        {
            headers[SoukHeaders.Receipt] = receipt;
        }

        if (!_isEvents)
        {
            var body = _status == 200 ? _out.WrittenMemory : Refused(WireError.Parse(_status, _out.WrittenMemory));
            return _inner.SendJsonAsync(_status, body, cancellation, headers);
        }

        // What was charged for is delivered, however the answer ended; a retry would be charged again.
        var hasOutput = _choices.Any(choice => choice.HasOutput);
        if (_error is { } error && !(hasOutput && !_charged.IsZero))
        {
            if (!_charged.IsZero)
            {
                error = error with { Status = 422 };
                headers["x-should-retry"] = "false";
            }

            return _inner.SendJsonAsync(error.Status, error.ToJson(), cancellation, headers);
        }

        var choices = _choices.Select((choice, index) => choice.Finish(index, _chat.ReturnTokenIds)).ToList();
        return _inner.SendJsonAsync(200, _shape.Whole(choices, _usage ?? new Usage(0, 0)), cancellation, headers);
    }

    public void Dispose() => _shape.Dispose();

    private static byte[] Refused(WireError error) => new OpenAiError(
        error.Status, ErrorTypes.ForStatus(error.Status), error.Code, null, error.Message).ToJson();

    private void TakeEvent(ReadOnlySpan<byte> data)
    {
        if (ChatChunk.IsDone(data))
        {
            if (IsStreaming && !_hasFailed)
            {
                _shape.End(_usage ?? new Usage(0, 0), _out);
            }

            return;
        }

        if (ChatChunk.Parse(data) is not { IsOk: true } parsed)
        {
            throw new InvalidOperationException("This provider's own stream cannot be read.");
        }

        var chunk = parsed.Value;
        _usage = chunk.Usage ?? _usage;
        if (chunk.Error is { } error)
        {
            _error = error;
            _hasFailed = true;
            if (IsStreaming)
            {
                _shape.Fail(error, _out);
            }
        }

        foreach (var part in chunk.Choices)
        {
            if (IsStreaming)
            {
                _shape.Part(part, _out);
            }
            else
            {
                _choices[part.Index].Take(part);
            }
        }
    }

    private void TakeReceipt(ReadOnlySpan<byte> comment)
    {
        var receipt = ReceiptText.FromComment(comment).Value;
        (_receipt, _charged) = (ReceiptText.ToHeader(receipt), receipt.Message.Charge);
        if (IsStreaming)
        {
            _out.Write(ReceiptText.ToComment(receipt));
        }
    }
}
