using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>
/// Reads the value after a property name. Each method leaves the reader at the value's end, and gives null where the
/// value is of another type than expected.
/// </summary>
internal static class JsonPull
{
    internal static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString();
        }

        reader.Skip();
        return null;
    }

    /// <summary>Whether the value is this string, found out without allocating it.</summary>
    internal static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> expected)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.ValueTextEquals(expected);
        }

        reader.Skip();
        return false;
    }

    internal static long? Integer(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number)
        {
            return reader.TryGetInt64(out var value) ? value : null;
        }

        reader.Skip();
        return null;
    }

    internal static void Pass(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    /// <summary>A copy of the value's JSON, or null for a JSON null.</summary>
    internal static byte[]? Raw(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Null ? null : Copy(ref reader);
    }

    /// <summary>A copy of an array's JSON, or null for anything else and for an empty array.</summary>
    internal static byte[]? RawArray(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        var json = Copy(ref reader);
        return json.AsSpan(1).Trim(" \t\r\n"u8).Length == 1 ? null : json;
    }

    /// <summary>
    /// Token ids; anything but an array of 32-bit non-negative integers is malformed, since ids are billed.
    /// </summary>
    internal static int[]? Ids(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("token_ids is not an array.");
        }

        Span<int> few = stackalloc int[16];
        var count = 0;
        List<int>? many = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var id) || id < 0)
            {
                throw new JsonException("token_ids holds something that is no id.");
            }

            if (many is null && count == few.Length)
            {
                many = [.. few];
            }

            if (many is not null)
            {
                many.Add(id);
            }
            else
            {
                few[count++] = id;
            }
        }

        return many is not null ? [.. many] : few[..count].ToArray();
    }

    private static byte[] Copy(ref Utf8JsonReader reader)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            // Rewriting drops white space and line ends, which would break the framing of an event.
            CopyValue(ref reader, writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void CopyValue(ref Utf8JsonReader reader, Utf8JsonWriter writer)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        document.RootElement.WriteTo(writer);
    }
}
