using System.Numerics;

namespace Souk.Protocol;

/// <summary>The noise of souk-gumbel-1 for one position of one choice.</summary>
public readonly struct Gumbel
{
    /// <summary>No noise exceeds this: -ln(-ln u) at the greatest u, 1 - 2^-53.</summary>
    internal const double Greatest = 36.75;

    private const ulong Steps = 1UL << 52;

    private readonly SamplingKey _key;
    private readonly uint _position;

    /// <summary>Fixes choice and position.</summary>
    /// <param name="key">The answer's key.</param>
    /// <param name="choice">Index of the choice, below 256.</param>
    /// <param name="t">Position in the answer, below 2^24.</param>
    public Gumbel(SamplingKey key, int choice, int t)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(choice);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(choice, 1 << 8);
        ArgumentOutOfRangeException.ThrowIfNegative(t);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(t, 1 << 24);
        _key = key;
        _position = ((uint)choice << 24) + (uint)t;
    }

    /// <summary>The 52 random bits of token <paramref name="v"/>.</summary>
    internal ulong Bits(int v)
    {
        var (x0, x1, _, _) = Philox4x32.Block((uint)v, _position, _key.K2, _key.K3, _key.K0, _key.K1);
        return (((ulong)x0 << 32) | x1) >> 12;
    }

    /// <summary>G = -ln(-ln u), u = (bits + 0.5) / 2^52.</summary>
    internal static double Noise(ulong bits) =>
        -PortableMath.Ln(-PortableMath.Ln((bits + 0.5) / Steps));

    /// <summary>
    /// An upper bound of the noise without a logarithm. -ln u is at least 1 - u, which is at least half of
    /// (2^52 - bits) / 2^52; so the noise is at most ln 2 times (53 - floor(log2(2^52 - bits))), and a little for rounding.
    /// </summary>
    internal static double Bound(ulong bits) =>
        (53 - BitOperations.Log2(Steps - bits)) * 0.693147180559946 + 1e-9;

    /// <summary>G of token <paramref name="v"/>.</summary>
    public double this[int v] => Noise(Bits(v));
}
