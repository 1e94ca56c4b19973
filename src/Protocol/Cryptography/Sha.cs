using System.Security.Cryptography;

namespace Souk.Protocol;

/// <summary>SHA-256 (FIPS 180-4), the protocol's H.</summary>
public static class Sha
{
    /// <summary>H of the bytes.</summary>
    public static Bytes32 Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Bytes32.Size];
        SHA256.HashData(bytes, hash);
        return Bytes32.FromBytes(hash);
    }

    /// <summary>H of the 32 bytes, <paramref name="times"/> times over; zero times returns the value itself.</summary>
    public static Bytes32 Iterate(Bytes32 value, int times)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(times);
        Span<byte> hash = stackalloc byte[Bytes32.Size];
        value.CopyTo(hash);
        for (var i = 0; i < times; i++)
        {
            SHA256.HashData(hash, hash);
        }

        return Bytes32.FromBytes(hash);
    }
}
