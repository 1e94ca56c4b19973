using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>
/// Puts the logprobs of an answer together from those of its parts: one object with the <c>content</c> of all. What is
/// of another shape is passed over. The caller bounds <see cref="Bytes"/>.
/// </summary>
public sealed class LogprobsSoFar
{
    private ArrayBufferWriter<byte>? _content;

    /// <summary>Bytes kept.</summary>
    public int Bytes => _content?.WrittenCount ?? 0;

    /// <summary>Takes the logprobs object of one part, JSON, or nothing.</summary>
    public void Take(ReadOnlyMemory<byte> logprobs)
    {
        if (logprobs.IsEmpty)
        {
            return;
        }

        using var document = JsonDocument.Parse(logprobs);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("content", out var tokens)
            || tokens.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        _content ??= new ArrayBufferWriter<byte>(512);
        foreach (var token in tokens.EnumerateArray())
        {
            if (_content.WrittenCount > 0)
            {
                _content.Write(","u8);
            }

            using var writer = new Utf8JsonWriter(_content, JsonText.WriterOptions);
            token.WriteTo(writer);
        }
    }

    /// <summary>The object as JSON, or empty where nothing came.</summary>
    public ReadOnlyMemory<byte> ToJson()
    {
        if (_content is null)
        {
            return default;
        }

        var json = new ArrayBufferWriter<byte>(_content.WrittenCount + 32);
        json.Write("{\"content\":["u8);
        json.Write(_content.WrittenSpan);
        json.Write("],\"refusal\":null}"u8);
        return json.WrittenMemory;
    }
}
