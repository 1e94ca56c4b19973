using System.Buffers;
using Souk.Wire;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>
/// Keeps a reply and passes it on: a stream as it comes, a whole reply at its end. An app that has gone is no reason
/// to stop: it will ask again for what it paid for, so the rest is kept without it.
/// </summary>
/// <param name="inner">Where it goes.</param>
/// <param name="hold">Asks for room for so many more bytes; false where there is none.</param>
internal sealed class RecordingResponse(IWireResponse inner, Func<int, bool> hold) : IWireResponse
{
    private readonly ArrayBufferWriter<byte> _body = new();
    private int _status;
    private WireHeaders _headers = [];
    private WireHeaders _sent = [];
    private bool _isTooLarge;
    private bool _isWithheld;
    private bool _isListening = true;

    /// <summary>True once status and headers are known.</summary>
    public bool IsStarted => _status != 0;

    /// <summary>True while the app is still there.</summary>
    public bool IsListening => _isListening;

    /// <summary>Bytes that there was room for.</summary>
    public int Held { get; private set; }

    /// <summary>What was sent so far.</summary>
    public KeptReply Kept => new(_status, _headers, _isTooLarge ? null : _body.WrittenSpan.ToArray());

    /// <inheritdoc/>
    public async ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
    {
        // A copy, since what carries the reply adds headers of its own, which are for this app's page only.
        (_status, _sent, _headers) = (status, headers, new WireHeaders(headers.Count));
        foreach (var (name, value) in headers)
        {
            _headers.Add(name, value);
        }

        _isWithheld = headers["content-type"]?.StartsWith("text/event-stream", StringComparison.Ordinal) != true;
        if (!_isWithheld)
        {
            await PassAsync(() => inner.StartAsync(status, headers, cancellation));
        }
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (!_isTooLarge && hold(data.Length))
        {
            Held += data.Length;
            _body.Write(data.Span);
        }
        else
        {
            await ReleaseAsync();
            _isTooLarge = true;
        }

        if (!_isWithheld)
        {
            await PassAsync(() => inner.WriteAsync(data, cancellation));
        }
    }

    /// <summary>Passes on what was withheld; once the reply is durable, so that an app which has it can have it
    /// again.</summary>
    public async ValueTask ReleaseAsync()
    {
        if (_isWithheld && IsStarted)
        {
            _isWithheld = false;
            await PassAsync(() => inner.StartAsync(_status, _sent, CancellationToken.None));
            if (_body.WrittenCount > 0)
            {
                await PassAsync(() => inner.WriteAsync(_body.WrittenMemory, CancellationToken.None));
            }
        }
    }

    private async ValueTask PassAsync(Func<ValueTask> pass)
    {
        if (!_isListening)
        {
            return;
        }

        try
        {
            await pass();
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            _isListening = false;
        }
    }
}
