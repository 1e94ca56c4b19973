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

    // Theta, rho and pi into b, then chi back into a: all 50 lanes are locals, which the compiler keeps in registers
    // where it has them, and no index is checked.
    private static void Permute(Span<ulong> s)
    {
        s = s[..25];
        var (a0, a1, a2, a3, a4) = (s[0], s[1], s[2], s[3], s[4]);
        var (a5, a6, a7, a8, a9) = (s[5], s[6], s[7], s[8], s[9]);
        var (a10, a11, a12, a13, a14) = (s[10], s[11], s[12], s[13], s[14]);
        var (a15, a16, a17, a18, a19) = (s[15], s[16], s[17], s[18], s[19]);
        var (a20, a21, a22, a23, a24) = (s[20], s[21], s[22], s[23], s[24]);
        foreach (var constant in RoundConstants)
        {
            var c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20;
            var c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21;
            var c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22;
            var c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23;
            var c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24;
            var (d0, d1, d2, d3, d4) = (
                c4 ^ Left(c1, 1), c0 ^ Left(c2, 1), c1 ^ Left(c3, 1), c2 ^ Left(c4, 1), c3 ^ Left(c0, 1));
            var (b0, b1, b2, b3, b4) = (
                a0 ^ d0, Left(a6 ^ d1, 44), Left(a12 ^ d2, 43), Left(a18 ^ d3, 21), Left(a24 ^ d4, 14));
            var (b5, b6, b7, b8, b9) = (
                Left(a3 ^ d3, 28), Left(a9 ^ d4, 20), Left(a10 ^ d0, 3), Left(a16 ^ d1, 45), Left(a22 ^ d2, 61));
            var (b10, b11, b12, b13, b14) = (
                Left(a1 ^ d1, 1), Left(a7 ^ d2, 6), Left(a13 ^ d3, 25), Left(a19 ^ d4, 8), Left(a20 ^ d0, 18));
            var (b15, b16, b17, b18, b19) = (
                Left(a4 ^ d4, 27), Left(a5 ^ d0, 36), Left(a11 ^ d1, 10), Left(a17 ^ d2, 15), Left(a23 ^ d3, 56));
            var (b20, b21, b22, b23, b24) = (
                Left(a2 ^ d2, 62), Left(a8 ^ d3, 55), Left(a14 ^ d4, 39), Left(a15 ^ d0, 41), Left(a21 ^ d1, 2));
            (a0, a1, a2, a3, a4) = (
                b0 ^ (~b1 & b2), b1 ^ (~b2 & b3), b2 ^ (~b3 & b4), b3 ^ (~b4 & b0), b4 ^ (~b0 & b1));
            (a5, a6, a7, a8, a9) = (
                b5 ^ (~b6 & b7), b6 ^ (~b7 & b8), b7 ^ (~b8 & b9), b8 ^ (~b9 & b5), b9 ^ (~b5 & b6));
            (a10, a11, a12, a13, a14) = (
                b10 ^ (~b11 & b12), b11 ^ (~b12 & b13), b12 ^ (~b13 & b14), b13 ^ (~b14 & b10), b14 ^ (~b10 & b11));
            (a15, a16, a17, a18, a19) = (
                b15 ^ (~b16 & b17), b16 ^ (~b17 & b18), b17 ^ (~b18 & b19), b18 ^ (~b19 & b15), b19 ^ (~b15 & b16));
            (a20, a21, a22, a23, a24) = (
                b20 ^ (~b21 & b22), b21 ^ (~b22 & b23), b22 ^ (~b23 & b24), b23 ^ (~b24 & b20), b24 ^ (~b20 & b21));
            a0 ^= constant;
        }

        (s[0], s[1], s[2], s[3], s[4]) = (a0, a1, a2, a3, a4);
        (s[5], s[6], s[7], s[8], s[9]) = (a5, a6, a7, a8, a9);
        (s[10], s[11], s[12], s[13], s[14]) = (a10, a11, a12, a13, a14);
        (s[15], s[16], s[17], s[18], s[19]) = (a15, a16, a17, a18, a19);
        (s[20], s[21], s[22], s[23], s[24]) = (a20, a21, a22, a23, a24);
    }

    private static ulong Left(ulong lane, int offset) => BitOperations.RotateLeft(lane, offset);
}
