using System.Runtime.CompilerServices;
using Souk.OpenAi.Streaming;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>What came next on a paid stream.</summary>
public enum PaidEventKind
{
    /// <summary>One event; <see cref="PaidEvent.Data"/> is its JSON.</summary>
    Data,

    /// <summary>The receipt. It comes once, before <see cref="Done"/>.</summary>
    Receipt,

    /// <summary><c>[DONE]</c>: the answer is complete.</summary>
    Done,

    /// <summary>The stream ended or broke without <c>[DONE]</c>; the refusal says how.</summary>
    Broken,
}

/// <summary>One step of a paid stream. The data are valid until the next step is asked for.</summary>
public readonly record struct PaidEvent(
    PaidEventKind Kind, ReadOnlyMemory<byte> Data = default, Signed<Receipt>? Receipt = null, Refusal? Refusal = null);

/// <summary>
/// A provider's reply to a paid request, streamed or whole or an error. The caller judges nonce and receipt; here only
/// their form is checked. Disposing early closes the connection, which the provider takes for a cancel.
/// </summary>
public sealed class PaidReply : IAsyncDisposable
{
    private const int ReadBytes = 8 << 10;

    private readonly WireReply _reply;
    private readonly SseParser _parser;
    private readonly byte[] _piece;
    private bool _isEnded;

    private PaidReply(WireReply reply, SseLimits limits)
    {
        _reply = reply;
        IsStream = reply.Headers["content-type"]?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase)
            ?? false;
        _parser = new(limits);
        _piece = IsStream ? new byte[ReadBytes] : [];
    }

    /// <summary>The HTTP status.</summary>
    public int Status => _reply.Status;

    /// <summary>The reply's headers.</summary>
    public WireHeaders Headers => _reply.Headers;

    /// <summary>Whether the body is an event stream.</summary>
    public bool IsStream { get; }

    /// <summary>The provider's share of the sampling key, where the headers open it.</summary>
    public Bytes32? ProviderNonce { get; private set; }

    /// <summary>The receipt, once it is known: from the headers at once, from a stream with its event.</summary>
    public Signed<Receipt>? Receipt { get; private set; }

    /// <summary>The provider's reason where the status is 400 or above.</summary>
    public WireError? Error { get; private set; }

    /// <summary>The next step of the stream. After <c>Done</c> or <c>Broken</c> the stream stays ended.</summary>
    public ValueTask<PaidEvent> NextAsync(CancellationToken cancellation)
    {
        try
        {
            return TryNext(out var next) ? new(next) : ReadOnAsync(cancellation);
        }
        catch (SseException e)
        {
            return new(Break(new(Fault.Theirs, e.Code, e.Message)));
        }
    }

    /// <summary>The whole body of a reply that is no stream.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> ReadBodyAsync(int maxBytes, CancellationToken cancellation)
    {
        try
        {
            return await _reply.ReadAllAsync(maxBytes, cancellation);
        }
        catch (WireException e)
        {
            return e.ToRefusal();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _isEnded = true;
        return _reply.DisposeAsync();
    }

    internal static async Task<Result<PaidReply>> ReadHeadAsync(
        WireReply reply, SseLimits limits, CancellationToken cancellation)
    {
        var paid = new PaidReply(reply, limits);
        if (reply.Headers[SoukHeaders.ProviderNonce] is { } nonceText)
        {
            if (!Bytes32.TryParse(nonceText, out var nonce))
            {
                return WireError.Malformed($"header {SoukHeaders.ProviderNonce}", "is no 32-byte hex value");
            }

            paid.ProviderNonce = nonce;
        }

        if (ReceiptText.FromHeaders(reply.Headers) is { } receipt)
        {
            if (!receipt.TryGet(out var signed, out var refusal))
            {
                return refusal;
            }

            paid.Receipt = signed;
        }

        if (reply.Status >= 400)
        {
            var body = await paid.ReadBodyAsync(WireError.MostBytes, cancellation);
            paid.Error = WireError.Parse(reply.Status, body.IsOk ? body.Value : default);
        }

        return paid;
    }

    private bool TryNext(out PaidEvent next)
    {
        if (_isEnded)
        {
            next = Break(new(Fault.Ours, WireCodes.Disconnected, "The stream has ended."));
            return true;
        }

        while (_parser.TryRead(out var item))
        {
            if (item.Kind == SseItemKind.Data)
            {
                _isEnded = item.Bytes.Span.SequenceEqual("[DONE]"u8);
                next = new(_isEnded ? PaidEventKind.Done : PaidEventKind.Data, item.Bytes);
                return true;
            }

            if (ReceiptText.IsReceipt(item.Bytes.Span))
            {
                next = TakeReceipt(item.Bytes.Span);
                return true;
            }
        }

        next = default;
        return false;
    }

    private PaidEvent TakeReceipt(ReadOnlySpan<byte> comment)
    {
        if (Receipt is not null)
        {
            return Break(WireError.Malformed("stream", "carries more than one receipt"));
        }

        if (!ReceiptText.FromComment(comment).TryGet(out var receipt, out var refusal))
        {
            return Break(refusal);
        }

        Receipt = receipt;
        return new(PaidEventKind.Receipt, Receipt: receipt);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<PaidEvent> ReadOnAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var read = await _reply.Body.ReadAsync(_piece, cancellation);
                if (read == 0)
                {
                    return Break(new(
                        Fault.Theirs, WireCodes.Disconnected, "The provider ended the stream before it was complete."));
                }

                _parser.Append(_piece.AsSpan(0, read));
                if (TryNext(out var next))
                {
                    return next;
                }
            }
        }
        catch (SseException e)
        {
            return Break(new(Fault.Theirs, e.Code, e.Message));
        }
        catch (WireException e)
        {
            return Break(e.ToRefusal());
        }
    }

    private PaidEvent Break(Refusal refusal)
    {
        _isEnded = true;
        return new(PaidEventKind.Broken, Refusal: refusal);
    }
}
