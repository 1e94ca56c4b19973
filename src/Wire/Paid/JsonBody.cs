using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Souk.Wire.Paid;

/// <summary>Writes one JSON object as a body.</summary>
internal static class JsonBody
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer, Plain);
        json.WriteStartObject();
        fields(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>Writes an array under a name.</summary>
    public static void WriteArray<T>(
        this Utf8JsonWriter json, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            write(json, item);
        }

        json.WriteEndArray();
    }

    /// <summary>Writes bytes as 0x hex.</summary>
    public static void WriteHex(this Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes) =>
        json.WriteString(name, "0x" + Convert.ToHexStringLower(bytes));
}
