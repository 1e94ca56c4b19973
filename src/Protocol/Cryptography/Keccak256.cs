using System.Buffers.Binary;
using System.Numerics;

namespace Souk.Protocol;

/// <summary>
/// Keccak-256 as Ethereum uses it: Keccak-f[1600], rate 1088 bits, the original padding 0x01 rather than SHA-3's 0x06
/// (Keccak team, "The Keccak reference", version 3.0).
/// </summary>
public static class Keccak256
{
    private const int Rate = 136;

    private static ReadOnlySpan<ulong> RoundConstants =>
    [
        0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
        0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
        0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    ];

    // Rho offsets and pi destinations, in the order in which one lane replaces the next.
    private static ReadOnlySpan<byte> Rotations =>
        [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44];

    private static ReadOnlySpan<byte> Lanes =>
        [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1];

    /// <summary>The 32-byte hash of the bytes.</summary>
    public static Bytes32 Hash(ReadOnlySpan<byte> bytes)
    {
        Span<ulong> state = stackalloc ulong[25];
        state.Clear();
        while (bytes.Length >= Rate)
        {
            Absorb(state, bytes[..Rate]);
            bytes = bytes[Rate..];
        }

        Span<byte> last = stackalloc byte[Rate];
        last.Clear();
        bytes.CopyTo(last);
        last[bytes.Length] = 0x01;
        last[Rate - 1] |= 0x80;
        Absorb(state, last);

        Span<byte> hash = stackalloc byte[Bytes32.Size];
        for (var i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(hash[(i * 8)..], state[i]);
        }

        return Bytes32.FromBytes(hash);
    }

    private static void Absorb(Span<ulong> state, ReadOnlySpan<byte> block)
    {
        for (var i = 0; i < Rate / 8; i++)
        {
            state[i] ^= BinaryPrimitives.ReadUInt64LittleEndian(block[(i * 8)..]);
        }

        Permute(state);
    }

    private static void Permute(Span<ulong> state)
    {
        foreach (var constant in RoundConstants)
        {
            Theta(state);
            RhoPi(state);
            for (var y = 0; y < 25; y += 5)
            {
                Chi(state.Slice(y, 5));
            }

            state[0] ^= constant;
        }
    }

    private static void Theta(Span<ulong> a)
    {
        a = a[..25];
        var c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
        var c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
        var c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
        var c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
        var c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
        var d0 = c4 ^ BitOperations.RotateLeft(c1, 1);
        var d1 = c0 ^ BitOperations.RotateLeft(c2, 1);
        var d2 = c1 ^ BitOperations.RotateLeft(c3, 1);
        var d3 = c2 ^ BitOperations.RotateLeft(c4, 1);
        var d4 = c3 ^ BitOperations.RotateLeft(c0, 1);
        for (var y = 20; y >= 0; y -= 5)
        {
            a[y + 4] ^= d4;
            a[y + 3] ^= d3;
            a[y + 2] ^= d2;
            a[y + 1] ^= d1;
            a[y] ^= d0;
        }
    }

    private static void RhoPi(Span<ulong> a)
    {
        var moving = a[1];
        for (var i = 0; i < 24; i++)
        {
            ref var lane = ref a[Lanes[i]];
            (lane, moving) = (BitOperations.RotateLeft(moving, Rotations[i]), lane);
        }
    }

    private static void Chi(Span<ulong> row)
    {
        row = row[..5];
        var (r0, r1, r2, r3, r4) = (row[0], row[1], row[2], row[3], row[4]);
        row[4] = r4 ^ (~r0 & r1);
        row[3] = r3 ^ (~r4 & r0);
        row[2] = r2 ^ (~r3 & r4);
        row[1] = r1 ^ (~r2 & r3);
        row[0] = r0 ^ (~r1 & r2);
    }
}
