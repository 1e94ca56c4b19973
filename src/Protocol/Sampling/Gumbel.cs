using System.Runtime.Intrinsics;

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
    /// Upper bounds of eight tokens' noise without a logarithm. With d = 1 - u, -ln u is at least y = d + d^2 / 2; and
    /// with y = 2^e m, log2 y is at least e + m - 1, since the logarithm is concave. A little is added for rounding.
    /// </summary>
    internal static Vector512<double> Bound(Vector512<ulong> bits)
    {
        // An integer below 2^52 becomes a double by taking the place of 1's or 2^52's fraction.
        var one = Vector512.Create(1.0).AsUInt64();
        var steps = Vector512.Create((double)Steps);
        var d = Vector512.Create(2.0) - (bits | one).AsDouble() - Vector512.Create(0.5 / Steps);
        var y = (d + (d * d * 0.5)).AsUInt64();
        var m = ((y & Vector512.Create(Steps - 1)) | one).AsDouble();
        var e = ((y >>> 52) | steps.AsUInt64()).AsDouble() - steps - Vector512.Create(1024.0);
        return Vector512.Create(1e-9) - ((e + m) * 0.693147180559945);
    }

    /// <summary>Which of eight tokens' scores might reach <paramref name="best"/> with their noise, one bit each. No
    /// other does: rounding is monotonic, so a score whose sum with a bound stays below stays below.</summary>
    internal ulong Reaching(Vector512<ulong> ids, Vector512<double> scores, double best)
    {
        var wanted = Vector512.Create(best);
        if (Vector512.LessThanAll(scores + Vector512.Create(Greatest), wanted))
        {
            return 0;
        }

        var bits = Philox4x32.Words(ids, _position, _key.K2, _key.K3, _key.K0, _key.K1) >>> 12;
        return Vector512.GreaterThanOrEqual(scores + Bound(bits), wanted).ExtractMostSignificantBits();
    }

    /// <summary>G of token <paramref name="v"/>.</summary>
    public double this[int v] => Noise(Bits(v));
}
