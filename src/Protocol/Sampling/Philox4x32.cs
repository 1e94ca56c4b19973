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
}
