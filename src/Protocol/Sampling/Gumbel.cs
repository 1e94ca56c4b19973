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
    /// An upper bound of the noise without a logarithm. With d = 1 - u, -ln u is at least y = d + d^2 / 2; and with
    /// y = 2^e m, log2 y is at least e + m - 1, since the logarithm is concave. A little is added for rounding.
    /// </summary>
    internal static double Bound(ulong bits)
    {
        var d = ((Steps - bits) - 0.5) / Steps;
        var y = BitConverter.DoubleToUInt64Bits(d + (d * d * 0.5));
        var m = BitConverter.UInt64BitsToDouble((y & (Steps - 1)) | (1023UL << 52));
        return 1e-9 - ((((int)(y >> 52) - 1024) + m) * 0.693147180559945);
    }

    /// <summary>G of token <paramref name="v"/>.</summary>
    public double this[int v] => Noise(Bits(v));
}
