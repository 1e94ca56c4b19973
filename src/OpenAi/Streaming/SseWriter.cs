using System.Buffers;
using System.Text;

namespace Souk.OpenAi.Streaming;

/// <summary>Frames events and comments. Line ends inside the data are carried as further data lines.</summary>
public static class SseWriter
{
    public static void WriteData(IBufferWriter<byte> output, ReadOnlySpan<byte> data, string? eventType = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (eventType is not null)
        {
            RequireOneLine(eventType);
            output.Write("event: "u8);
            output.Write(Encoding.UTF8.GetBytes(eventType));
            output.Write("\n"u8);
        }

        while (true)
        {
            var length = data.IndexOfAny((byte)'\n', (byte)'\r');
            output.Write("data: "u8);
            output.Write(length < 0 ? data : data[..length]);
            output.Write("\n"u8);
            if (length < 0)
            {
                break;
            }

            var isPair = data[length] == (byte)'\r' && length + 1 < data.Length && data[length + 1] == (byte)'\n';
            data = data[(length + (isPair ? 2 : 1))..];
        }

        output.Write("\n"u8);
    }

    /// <summary>
    /// A comment line followed by a blank one, so that proxies which wait for an event end pass it on.
    /// </summary>
    public static void WriteComment(IBufferWriter<byte> output, string text)
    {
        ArgumentNullException.ThrowIfNull(output);
        RequireOneLine(text);
        output.Write(": "u8);
        output.Write(Encoding.UTF8.GetBytes(text));
        output.Write("\n\n"u8);
    }

    public static byte[] Data(ReadOnlySpan<byte> data, string? eventType = null)
    {
        var buffer = new ArrayBufferWriter<byte>(data.Length + 16);
        WriteData(buffer, data, eventType);
        return buffer.WrittenSpan.ToArray();
    }

    public static byte[] Comment(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 8);
        WriteComment(buffer, text);
        return buffer.WrittenSpan.ToArray();
    }

    private static void RequireOneLine(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.AsSpan().ContainsAny('\n', '\r'))
        {
            throw new ArgumentException("A line end would start another field of the event stream.", nameof(text));
        }
    }
}
