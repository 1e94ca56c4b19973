using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Souk.Protocol;

/// <summary>
/// Hashes that bind a receipt to bytes it does not show. Each starts with its own domain and the gateway's 16-byte
/// salt, without which short prompts could be guessed from the receipt.
/// </summary>
public static class Commitments
{
    /// <summary>Length of the salt, in bytes.</summary>
    public const int SaltSize = 16;

    private const uint Separator = 0xFFFF_FFFF;

    /// <summary>H("souk-request-1", salt, the exact body bytes that the provider received).</summary>
    public static Bytes32 Request(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> body)
    {
        using var hash = Start("souk-request-1", salt);
        hash.AppendData(body);
        return End(hash);
    }

    /// <summary>H("souk-prompt-1", salt, ids as uint32).</summary>
    public static Bytes32 Prompt(ReadOnlySpan<byte> salt, ReadOnlySpan<int> ids)
    {
        using var hash = Start("souk-prompt-1", salt);
        Append(hash, ids);
        return End(hash);
    }

    /// <summary>The same of several inputs in their order, with 0xFFFFFFFF between one and the next.</summary>
    public static Bytes32 Prompt(ReadOnlySpan<byte> salt, IReadOnlyList<IReadOnlyList<int>> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        using var hash = Start("souk-prompt-1", salt);
        Append(hash, inputs);
        return End(hash);
    }

    /// <summary>H("souk-output-1", salt, ids as uint32) of an answer with one choice.</summary>
    public static Bytes32 Output(ReadOnlySpan<byte> salt, ReadOnlySpan<int> ids)
    {
        using var hash = Start("souk-output-1", salt);
        Append(hash, ids);
        return End(hash);
    }

    /// <summary>
    /// The same of an answer with several choices, in the order of their index; 0xFFFFFFFF, which is no token id,
    /// stands between one choice and the next.
    /// </summary>
    public static Bytes32 Output(ReadOnlySpan<byte> salt, IReadOnlyList<IReadOnlyList<int>> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        using var hash = Start("souk-output-1", salt);
        Append(hash, choices);
        return End(hash);
    }

    private static IncrementalHash Start(string domain, ReadOnlySpan<byte> salt)
    {
        if (salt.Length != SaltSize)
        {
            throw new ArgumentException($"The salt is {SaltSize} bytes, not {salt.Length}.", nameof(salt));
        }

        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(domain));
        hash.AppendData(salt);
        return hash;
    }

    private static void Append(IncrementalHash hash, IReadOnlyList<IReadOnlyList<int>> lists)
    {
        Span<byte> separator = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(separator, Separator);
        for (var i = 0; i < lists.Count; i++)
        {
            if (i > 0)
            {
                hash.AppendData(separator);
            }

            Append(hash, lists[i] as int[] ?? [.. lists[i]]);
        }
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<int> ids)
    {
        Span<byte> words = stackalloc byte[1024];
        while (!ids.IsEmpty)
        {
            var count = Math.Min(ids.Length, words.Length / 4);
            for (var i = 0; i < count; i++)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(ids[i]);
                BinaryPrimitives.WriteInt32BigEndian(words[(i * 4)..], ids[i]);
            }

            hash.AppendData(words[..(count * 4)]);
            ids = ids[count..];
        }
    }

    private static Bytes32 End(IncrementalHash hash)
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Size];
        hash.GetHashAndReset(bytes);
        return Bytes32.FromBytes(bytes);
    }
}
