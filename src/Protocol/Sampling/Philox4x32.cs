using System.Runtime.Intrinsics;

namespace Souk.Protocol;

/// <summary>
/// The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
/// 3", SC11), with the constants of the Random123 library.
/// </summary>
public static class Philox4x32
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The block of four words for a counter and a key.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block(
        uint counter0, uint counter1, uint counter2, uint counter3, uint key0, uint key1)
    {
        unchecked
        {
            for (var round = 0; round < Rounds; round++)
            {
                var product0 = (ulong)Multiplier0 * counter0;
                var product1 = (ulong)Multiplier1 * counter2;
                counter0 = (uint)(product1 >> 32) ^ counter1 ^ key0;
                counter2 = (uint)(product0 >> 32) ^ counter3 ^ key1;
                counter1 = (uint)product1;
                counter3 = (uint)product0;
                key0 += Weyl0;
                key1 += Weyl1;
            }

            return (counter0, counter1, counter2, counter3);
        }
    }

    /// <summary>The first word of each of eight blocks above its second one, in lanes of 64 bits.</summary>
    /// <param name="counter0">One for each block, below 2^32 as all counters and keys are.</param>
    internal static Vector512<ulong> Words(
        Vector512<ulong> counter0, ulong counter1, ulong counter2, ulong counter3, uint key0, uint key1)
    {
        var low = Vector512.Create((ulong)uint.MaxValue);
        var (x0, x1) = (counter0, Vector512.Create(counter1));
        var (x2, x3) = (Vector512.Create(counter2), Vector512.Create(counter3));
        unchecked
        {
            for (var round = 0; round < Rounds; round++)
            {
                var product0 = x0 * Multiplier0;
                var product1 = x2 * Multiplier1;
                x0 = (product1 >>> 32) ^ x1 ^ Vector512.Create((ulong)key0);
                x2 = (product0 >>> 32) ^ x3 ^ Vector512.Create((ulong)key1);
                x1 = product1 & low;
                x3 = product0 & low;
                key0 += Weyl0;
                key1 += Weyl1;
            }
        }

        return (x0 << 32) | x1;
    }
}
