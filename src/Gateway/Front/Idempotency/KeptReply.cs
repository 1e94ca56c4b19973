using System.IO.Compression;
using Souk.Wire;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>A reply as it was sent. <paramref name="Body"/> is null where it was too large to keep.</summary>
internal sealed record KeptReply(int Status, WireHeaders Headers, ReadOnlyMemory<byte>? Body)
{
    private const byte Form = 1;

    /// <summary>True for what a key may have been charged for. All else was refused before any work, or cost
    /// nothing, and may be tried again under the same key.</summary>
    public bool IsFinal => Status is >= 200 and < 300 || Headers["x-should-retry"] == "false";

    /// <summary>Sends it once more, the same status and the same bytes.</summary>
    public async Task ReplayAsync(IWireResponse response, CancellationToken cancellation)
    {
        WireHeaders headers = new(Headers.Count + 1);
        // What was left of a limit then says nothing about now.
        foreach (var (name, value) in Headers.Where(
            header => !header.Key.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase)))
        {
            headers.Add(name, value);
        }

        headers["idempotent-replayed"] = "true";
        await response.StartAsync(Status, headers, cancellation);
        if (Body is { IsEmpty: false } body)
        {
            await response.WriteAsync(body, cancellation);
        }
    }

    /// <summary>The reply as bytes, compressed: events repeat the same words for every token.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        bytes.WriteByte(Form);
        using (var packed = new BrotliStream(bytes, CompressionLevel.Fastest, leaveOpen: true))
        using (var writer = new BinaryWriter(packed))
        {
            writer.Write(Status);
            writer.Write(Headers.Count);
            foreach (var (name, value) in Headers)
            {
                writer.Write(name);
                writer.Write(value);
            }

            writer.Write(Body!.Value.Length);
            writer.Write(Body.Value.Span);
        }

        return bytes.ToArray();
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote; null where another version wrote it otherwise.</summary>
    public static KeptReply? FromBytes(byte[] bytes)
    {
        if (bytes is not [Form, ..])
        {
            return null;
        }

        using var packed = new BrotliStream(new MemoryStream(bytes, 1, bytes.Length - 1), CompressionMode.Decompress);
        using var reader = new BinaryReader(packed);
        var status = reader.ReadInt32();
        var count = reader.ReadInt32();
        WireHeaders headers = new(count);
        for (var i = 0; i < count; i++)
        {
            headers.Add(reader.ReadString(), reader.ReadString());
        }

        return new KeptReply(status, headers, reader.ReadBytes(reader.ReadInt32()));
    }
}
