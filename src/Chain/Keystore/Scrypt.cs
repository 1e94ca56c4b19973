using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Souk.Chain.Keystore;

/// <summary>
/// scrypt (RFC 7914). Written here because libraries insist on the RFC's bound N &lt; 2^(16 r), which keystores of the
/// first wallets, the published vector among them, do not keep.
/// </summary>
internal static class Scrypt
{
    private const int WordsPerUnit = 32;

    /// <summary>The derived key.</summary>
    /// <param name="password">Password bytes.</param>
    /// <param name="salt">Salt.</param>
    /// <param name="n">Cost, a power of two above 1; memory is 128 x n x r bytes.</param>
    /// <param name="r">Block size.</param>
    /// <param name="p">How many blocks are mixed, one after the other.</param>
    /// <param name="length">Bytes wanted.</param>
    public static byte[] Derive(byte[] password, byte[] salt, int n, int r, int p, int length)
    {
        var bytes = Rfc2898DeriveBytes.Pbkdf2(password, salt, 1, HashAlgorithmName.SHA256, 128 * r * p);
        var block = new uint[WordsPerUnit * r];
        // One array for each stored block: together they may be larger than one array can be.
        var stored = new uint[n][];
        for (var i = 0; i < p; i++)
        {
            var part = bytes.AsSpan(i * 128 * r, 128 * r);
            for (var word = 0; word < block.Length; word++)
            {
                block[word] = BinaryPrimitives.ReadUInt32LittleEndian(part[(word * 4)..]);
            }

            Mix(block, stored);
            for (var word = 0; word < block.Length; word++)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(part[(word * 4)..], block[word]);
            }
        }

        return Rfc2898DeriveBytes.Pbkdf2(password, bytes, 1, HashAlgorithmName.SHA256, length);
    }

    // scryptROMix.
    private static void Mix(uint[] block, uint[][] stored)
    {
        var next = new uint[block.Length];
        for (var i = 0; i < stored.Length; i++)
        {
            block.CopyTo(stored[i] ??= new uint[block.Length], 0);
            MixBlock(block, next);
            next.CopyTo(block, 0);
        }

        for (var i = 0; i < stored.Length; i++)
        {
            // Integerify modulo n: n is a power of two below 2^32, so the low word decides.
            var other = stored[block[^16] & (uint)(stored.Length - 1)];
            Xor(block, other);
            MixBlock(block, next);
            next.CopyTo(block, 0);
        }
    }

    // scryptBlockMix: the even results go to the first half, the odd ones to the second.
    private static void MixBlock(ReadOnlySpan<uint> block, Span<uint> mixed)
    {
        Span<uint> x = stackalloc uint[16];
        block[^16..].CopyTo(x);
        var half = block.Length / 2;
        for (var i = 0; i < block.Length / 16; i++)
        {
            Xor(x, block.Slice(i * 16, 16));
            Salsa(x);
            x.CopyTo(mixed[((i / 2 * 16) + (i % 2 == 0 ? 0 : half))..]);
        }
    }

    private static void Xor(Span<uint> target, ReadOnlySpan<uint> other)
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] ^= other[i];
        }
    }

    // Salsa20/8: four double rounds of columns and rows.
    private static void Salsa(Span<uint> x)
    {
        Span<uint> z = stackalloc uint[16];
        x.CopyTo(z);
        for (var round = 0; round < 4; round++)
        {
            Quarter(ref z[0], ref z[4], ref z[8], ref z[12]);
            Quarter(ref z[5], ref z[9], ref z[13], ref z[1]);
            Quarter(ref z[10], ref z[14], ref z[2], ref z[6]);
            Quarter(ref z[15], ref z[3], ref z[7], ref z[11]);
            Quarter(ref z[0], ref z[1], ref z[2], ref z[3]);
            Quarter(ref z[5], ref z[6], ref z[7], ref z[4]);
            Quarter(ref z[10], ref z[11], ref z[8], ref z[9]);
            Quarter(ref z[15], ref z[12], ref z[13], ref z[14]);
        }

        for (var i = 0; i < x.Length; i++)
        {
            x[i] = unchecked(x[i] + z[i]);
        }
    }

    private static void Quarter(ref uint a, ref uint b, ref uint c, ref uint d)
    {
        unchecked
        {
            b ^= BitOperations.RotateLeft(a + d, 7);
            c ^= BitOperations.RotateLeft(b + a, 9);
            d ^= BitOperations.RotateLeft(c + b, 13);
            a ^= BitOperations.RotateLeft(d + c, 18);
        }
    }
}
