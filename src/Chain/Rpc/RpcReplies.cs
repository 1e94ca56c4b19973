using System.Text.Json;

namespace Souk.Chain.Rpc;

/// <summary>Writes a request and matches the reply to it. A node is a stranger: every field may be anything.</summary>
internal static class RpcReplies
{
    private const int DeepestJson = 32;

    /// <summary>The body of a request: one object, or an array of them, with ids from zero.</summary>
    public static byte[] Request(IReadOnlyList<RpcCall> calls)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            if (calls.Count != 1)
            {
                writer.WriteStartArray();
            }

            for (var id = 0; id < calls.Count; id++)
            {
                writer.WriteStartObject();
                writer.WriteString("jsonrpc"u8, "2.0"u8);
                writer.WriteNumber("id"u8, id);
                writer.WriteString("method"u8, calls[id].Method);
                writer.WritePropertyName("params"u8);
                writer.WriteRawValue(calls[id].Parameters);
                writer.WriteEndObject();
            }

            if (calls.Count != 1)
            {
                writer.WriteEndArray();
            }
        }

        return stream.ToArray();
    }

    /// <summary>The replies in the order of the calls.</summary>
    /// <param name="body">What the node sent, already bounded in size.</param>
    /// <param name="count">How many calls there were.</param>
    /// <param name="batchError">Set if one error object answers a batch: the node takes none, or refuses this one.
    /// </param>
    /// <exception cref="RpcFormatException">The body is not one reply to each call.</exception>
    public static RpcReply[] Parse(ReadOnlyMemory<byte> body, int count, out RpcError? batchError)
    {
        batchError = null;
        var root = Root(body);
        var replies = new RpcReply?[count];
        if (root.ValueKind == JsonValueKind.Object)
        {
            if (count > 1)
            {
                batchError = Reply(root).Error
                    ?? throw new RpcFormatException("one result came back for a batch of calls");
                return [];
            }

            replies[0] = Reply(root);
        }
        else if (root.ValueKind == JsonValueKind.Array)
        {
            foreach (var element in root.EnumerateArray())
            {
                Place(element, replies);
            }
        }

        return replies.All(reply => reply is not null)
            ? [.. replies.Select(reply => reply!.Value)]
            : throw new RpcFormatException("the reply does not answer every call");
    }

    /// <summary>Bytes written as 0x and hex digits; null for anything else.</summary>
    public static byte[]? Hex(JsonElement element)
    {
        if (Text(element) is not { } text || !text.StartsWith("0x", StringComparison.Ordinal) || text.Length % 2 != 0)
        {
            return null;
        }

        try
        {
            return Convert.FromHexString(text.AsSpan(2));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>A string; null for anything else, and for one that escapes something that is no character.</summary>
    public static string? Text(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonElement Root(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = DeepestJson });
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new RpcFormatException("the reply is not JSON");
        }
    }

    private static void Place(JsonElement element, RpcReply?[] replies)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("id"u8, out var id)
            || id.ValueKind != JsonValueKind.Number || !id.TryGetInt32(out var index)
            || index < 0 || index >= replies.Length || replies[index] is not null)
        {
            throw new RpcFormatException("a reply has no id that was asked, or one that came before");
        }

        replies[index] = Reply(element);
    }

    private static RpcReply Reply(JsonElement element)
    {
        if (element.TryGetProperty("error"u8, out var error) && error.ValueKind != JsonValueKind.Null)
        {
            return new RpcReply(default, Error(error));
        }

        return element.TryGetProperty("result"u8, out var result)
            ? new RpcReply(result, null)
            : throw new RpcFormatException("a reply has neither result nor error");
    }

    private static RpcError Error(JsonElement error)
    {
        if (error.ValueKind != JsonValueKind.Object)
        {
            throw new RpcFormatException("an error is no object");
        }

        var code = error.TryGetProperty("code"u8, out var number) && number.ValueKind == JsonValueKind.Number
            && number.TryGetInt32(out var value) ? value : 0;
        var message = error.TryGetProperty("message"u8, out var text) ? Text(text) ?? "" : "";
        return new RpcError(code, message, error.TryGetProperty("data"u8, out var data) ? RevertData(data) : null);
    }

    // Most nodes put the revert data there as hex; some put an object that has it one level down.
    private static ReadOnlyMemory<byte>? RevertData(JsonElement data)
    {
        var bytes = data.ValueKind == JsonValueKind.Object
            ? data.TryGetProperty("data"u8, out var inner) ? Hex(inner) : null
            : Hex(data);
        return bytes is null ? null : bytes.AsMemory();
    }
}
