using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Dialogue;

/// <summary>
/// Frames events that carry their type twice, as the line of the stream and in the data, which is how Responses and
/// Anthropic send theirs.
/// </summary>
internal sealed class EventWriter : IDisposable
{
    private readonly Utf8JsonWriter _json = new(new ArrayBufferWriter<byte>(16), JsonText.WriterOptions);
    private IBufferWriter<byte> _output = null!;

    /// <summary>Where the events after this go.</summary>
    internal void To(IBufferWriter<byte> output) => _output = output;

    /// <summary>Begins an event; the caller writes properties into its open object, then ends it.</summary>
    internal Utf8JsonWriter Begin(string type)
    {
        _output.Write("event: "u8);
        _output.Advance(Encoding.UTF8.GetBytes(type, _output.GetSpan(Encoding.UTF8.GetMaxByteCount(type.Length))));
        _output.Write("\ndata: "u8);
        _json.Reset(_output);
        _json.WriteStartObject();
        _json.WriteString("type"u8, type);
        return _json;
    }

    internal void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _output.Write("\n\n"u8);
    }

    public void Dispose() => _json.Dispose();
}
