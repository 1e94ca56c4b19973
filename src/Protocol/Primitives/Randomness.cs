using System.Buffers.Binary;

namespace Souk.Protocol;

/// <summary>
/// Where nonces, salts and ids come from. It is injected everywhere so that a simulated network runs from one seed;
/// in production it is the operating system's generator.
/// </summary>
public abstract class Randomness
{
    /// <summary>Fills all of <paramref name="destination"/> with unpredictable bytes.</summary>
    public abstract void Fill(Span<byte> destination);

    /// <summary>32 random bytes.</summary>
    public Bytes32 NextBytes32()
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Size];
        Fill(bytes);
        return Bytes32.FromBytes(bytes);
    }

    /// <summary>A new request id.</summary>
    public RequestId NextRequestId()
    {
        Span<byte> bytes = stackalloc byte[RequestId.Size];
        Fill(bytes);
        return RequestId.FromBytes(bytes);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    /// <summary>A uniform number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A uniform number below <paramref name="bound"/>, without modulo bias.</summary>
    public int NextBelow(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var limit = ulong.MaxValue - (ulong.MaxValue % (ulong)bound);
        ulong draw;
        do
        {
            draw = NextUInt64();
        }
        while (draw >= limit);
        return (int)(draw % (ulong)bound);
    }
}
