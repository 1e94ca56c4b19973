using Souk.Protocol;

namespace Souk.Chain.Tests;

/// <summary>A repeatable stream of bytes: SHA-256 over a counter.</summary>
internal sealed class FixedRandomness(int seed) : Randomness
{
    private int _counter;

    public override void Fill(Span<byte> destination)
    {
        for (var start = 0; start < destination.Length; start += Bytes32.Size)
        {
            var block = Sha.Hash([.. BitConverter.GetBytes(seed), .. BitConverter.GetBytes(_counter++)]).ToBytes();
            block.AsSpan(0, Math.Min(Bytes32.Size, destination.Length - start)).CopyTo(destination[start..]);
        }
    }
}
