using System.Buffers.Binary;
using System.Security.Cryptography;
using Souk.Protocol;

namespace Souk.Chain.Keystore;

/// <summary>AES-128 in counter mode (NIST SP 800-38A) and the keystore's MAC, which is Keccak-256 over the second half
/// of the derived key and the ciphertext.</summary>
internal static class KeystoreCipher
{
    /// <summary>Encrypts or decrypts in place; the counter starts at the IV, read as one big-endian number.</summary>
    public static void Apply(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, Span<byte> text)
    {
        using var aes = Aes.Create();
        aes.Key = key.ToArray();
        var counter = BinaryPrimitives.ReadUInt128BigEndian(iv);
        Span<byte> block = stackalloc byte[16];
        Span<byte> stream = stackalloc byte[16];
        for (var start = 0; start < text.Length; start += stream.Length)
        {
            BinaryPrimitives.WriteUInt128BigEndian(block, counter);
            aes.EncryptEcb(block, stream, PaddingMode.None);
            for (var i = start; i < Math.Min(start + stream.Length, text.Length); i++)
            {
                text[i] ^= stream[i - start];
            }

            counter = unchecked(counter + 1);
        }
    }

    public static byte[] Mac(ReadOnlySpan<byte> derived, ReadOnlySpan<byte> ciphertext) =>
        Keccak256.Hash([.. derived[16..32], .. ciphertext]).ToBytes();
}
