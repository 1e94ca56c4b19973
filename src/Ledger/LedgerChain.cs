using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Souk.Protocol;

namespace Souk.Ledger;

/// <summary>
/// The chain of hashes: SHA-256 over previous hash (32 bytes), sequence (8), then kind, key and body, each after its
/// length (4). Integers are big-endian. The lengths make two different rows never the same bytes.
/// </summary>
public static class LedgerChain
{
    /// <summary>What stands before the first row: the hash of the format's name.</summary>
    public static Bytes32 Genesis { get; } = Sha.Hash("souk-ledger-1"u8);

    /// <summary>The hash of the row that follows <paramref name="previous"/>.</summary>
    public static Bytes32 Hash(Bytes32 previous, long sequence, string kind, string key, ReadOnlySpan<byte> body)
    {
        var size = 32 + 8 + 12 + Encoding.UTF8.GetByteCount(kind) + Encoding.UTF8.GetByteCount(key) + body.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var bytes = buffer.AsSpan(0, size);
            previous.CopyTo(bytes);
            BinaryPrimitives.WriteInt64BigEndian(bytes[32..], sequence);
            var rest = Put(bytes[40..], kind);
            rest = Put(rest, key);
            BinaryPrimitives.WriteInt32BigEndian(rest, body.Length);
            body.CopyTo(rest[4..]);
            return Sha.Hash(bytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Checks that <paramref name="row"/> is the one that follows row <paramref name="previousSequence"/>.
    /// </summary>
    /// <exception cref="LedgerCorruptException">It is not.</exception>
    public static void Verify(LedgerRow row, long previousSequence, Bytes32 previous)
    {
        if (row.Sequence != previousSequence + 1)
        {
            throw new LedgerCorruptException(previousSequence + 1, "it is missing");
        }

        if (row.Hash != Hash(previous, row.Sequence, row.Kind, row.Key, row.Body.Span))
        {
            throw new LedgerCorruptException(row.Sequence, "its content does not fit its hash");
        }
    }

    private static Span<byte> Put(Span<byte> target, string text)
    {
        var written = Encoding.UTF8.GetBytes(text, target[4..]);
        BinaryPrimitives.WriteInt32BigEndian(target, written);
        return target[(4 + written)..];
    }
}
