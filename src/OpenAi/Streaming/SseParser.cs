using System.Text;

namespace Souk.OpenAi.Streaming;

/// <summary>
/// The event stream grammar of the WHATWG HTML standard ("Server-sent events", parsing an event stream), fed with
/// pieces of any size. Buffers are reused, so a steady stream allocates nothing. Not safe for concurrent use.
/// </summary>
public sealed class SseParser(SseLimits? limits = null)
{
    private readonly SseLimits _limits = limits ?? SseLimits.Default;
    private byte[] _buffer = new byte[4_096];
    private int _start;
    private int _scanned;
    private int _end;
    private byte[] _data = new byte[1_024];
    private int _dataLength;
    private bool _hasData;
    private string? _event;
    private bool _atStreamStart = true;
    private bool _skipLineFeed;
    private long _total;

    /// <summary>Takes the next bytes of the stream; they are copied. Throws <see cref="SseException"/>.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _total += bytes.Length;
        if (_total > _limits.MaxTotalBytes)
        {
            throw new SseException("sse_stream_too_long", $"The stream exceeds {_limits.MaxTotalBytes} bytes.");
        }

        if (_buffer.Length - _end < bytes.Length)
        {
            MakeRoom(bytes.Length);
        }

        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>
    /// The next item among the bytes taken so far. An event without its closing blank line at the end of the stream
    /// never comes out, as the standard says. Throws <see cref="SseException"/>.
    /// </summary>
    public bool TryRead(out SseItem item)
    {
        while (TryTakeLine(out var line))
        {
            if (line.IsEmpty)
            {
                if (TryDispatch(out item))
                {
                    return true;
                }
            }
            else if (line.Span[0] == (byte)':')
            {
                item = new SseItem(SseItemKind.Comment, WithoutSpace(line[1..]), null);
                return true;
            }
            else
            {
                TakeField(line.Span);
            }
        }

        item = default;
        return false;
    }

    private static ReadOnlyMemory<byte> WithoutSpace(ReadOnlyMemory<byte> value) =>
        !value.IsEmpty && value.Span[0] == (byte)' ' ? value[1..] : value;

    private void MakeRoom(int length)
    {
        var held = _end - _start;
        var target = checked(held + length) <= _buffer.Length
            ? _buffer
            : new byte[Math.Max(checked(held + length), (int)Math.Min(_buffer.Length * 2L, Array.MaxLength))];
        Buffer.BlockCopy(_buffer, _start, target, 0, held);
        _buffer = target;
        _scanned -= _start;
        _end = held;
        _start = 0;
    }

    private bool TryTakeLine(out ReadOnlyMemory<byte> line)
    {
        if (!ReadyAtLineStart())
        {
            line = default;
            return false;
        }

        var length = _buffer.AsSpan(_scanned, _end - _scanned).IndexOfAny((byte)'\n', (byte)'\r');
        if (length < 0)
        {
            _scanned = _end;
            CheckLine(_end - _start);
            line = default;
            return false;
        }

        var stop = _scanned + length;
        CheckLine(stop - _start);
        line = _buffer.AsMemory(_start, stop - _start);
        _skipLineFeed = _buffer[stop] == (byte)'\r';
        _start = stop + 1;
        _scanned = _start;
        return true;
    }

    /// <summary>
    /// Passes over the LF of a CRLF and the byte order mark; false when more bytes must come to decide.
    /// </summary>
    private bool ReadyAtLineStart()
    {
        if (_start == _end)
        {
            // Everything handed out was copied or is about to be forgotten, so the buffer starts afresh.
            _start = _scanned = _end = 0;
            return false;
        }

        if (_skipLineFeed)
        {
            _skipLineFeed = false;
            if (_buffer[_start] == (byte)'\n')
            {
                _start++;
                _scanned = Math.Max(_scanned, _start);
            }
        }

        if (_atStreamStart)
        {
            var mark = Encoding.UTF8.Preamble;
            var head = _buffer.AsSpan(_start, Math.Min(mark.Length, _end - _start));
            if (mark.StartsWith(head) && head.Length < mark.Length)
            {
                return false;
            }

            _atStreamStart = false;
            if (head.SequenceEqual(mark))
            {
                _start += mark.Length;
                _scanned = _start;
            }
        }

        return true;
    }

    private void CheckLine(int length)
    {
        if (length > _limits.MaxLineBytes)
        {
            throw new SseException("sse_line_too_long", $"A line of the stream exceeds {_limits.MaxLineBytes} bytes.");
        }
    }

    private void TakeField(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? default : line[(colon + 1)..];
        if (!value.IsEmpty && value[0] == (byte)' ')
        {
            value = value[1..];
        }

        if (name.SequenceEqual("data"u8))
        {
            AddData(value);
        }
        else if (name.SequenceEqual("event"u8))
        {
            _event = value.IsEmpty ? null : Encoding.UTF8.GetString(value[..Math.Min(value.Length, 256)]);
        }

        // "id" and "retry" steer a browser's reconnection, which no request of ours may do: it would pay twice.
    }

    private void AddData(ReadOnlySpan<byte> value)
    {
        var separator = _hasData ? 1 : 0;
        var length = (long)_dataLength + separator + value.Length;
        if (length > _limits.MaxEventBytes)
        {
            throw new SseException("sse_event_too_long", $"An event exceeds {_limits.MaxEventBytes} bytes.");
        }

        if (length > _data.Length)
        {
            Array.Resize(ref _data, (int)Math.Max(length, Math.Min(_data.Length * 2L, _limits.MaxEventBytes)));
        }

        if (_hasData)
        {
            _data[_dataLength++] = (byte)'\n';
        }

        value.CopyTo(_data.AsSpan(_dataLength));
        _dataLength += value.Length;
        _hasData = true;
    }

    private bool TryDispatch(out SseItem item)
    {
        var type = _event;
        _event = null;
        if (!_hasData)
        {
            item = default;
            return false;
        }

        item = new SseItem(SseItemKind.Data, _data.AsMemory(0, _dataLength), type);
        _dataLength = 0;
        _hasData = false;
        return true;
    }
}
