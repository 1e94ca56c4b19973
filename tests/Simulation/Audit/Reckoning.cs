using Souk.Protocol;

namespace Souk.Simulation.Audit;

/// <summary>The protocol's arithmetic of money, written anew so that nothing here trusts what it checks.</summary>
internal static class Reckoning
{
    private const ulong Million = 1_000_000;

    /// <summary>What counts cost, rounded up once.</summary>
    public static UInt128 Cost(Offer offer, ulong input, ulong cached, ulong output)
    {
        var millionths = ((UInt128)input * offer.InputPrice.Units) + ((UInt128)cached * offer.CachedPrice.Units)
            + ((UInt128)output * offer.OutputPrice.Units);
        return (millionths + Million - 1) / Million;
    }

    /// <summary>Output tokens of one slice.</summary>
    public static ulong Slice(Offer offer, ulong wanted, ulong mostOutput) => Math.Min(
        Math.Max((ulong)offer.SliceLeast, Math.Min(wanted, (ulong)offer.SliceGreatest)), mostOutput);
}
