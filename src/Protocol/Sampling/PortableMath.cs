using System.Runtime.Intrinsics;

namespace Souk.Protocol;

/// <summary>
/// Natural logarithm and exponential that give the same bits on every machine: only IEEE 754 double additions,
/// multiplications and divisions in a fixed order, never fused, since the platforms' own functions differ. Both are
/// within 2 units in the last place. docs/PROTOCOL.md states each step for other languages.
/// </summary>
public static class PortableMath
{
    // ln 2 in two parts: the high part has 20 trailing zero bits, so that k times it is exact for any exponent k.
    private const double Ln2High = 0.69314718036912382; // 0x3FE62E42FEE00000
    private const double Ln2Low = 1.9082149292705877e-10; // 0x3DEA39EF35793C76
    private const double Log2E = 1.4426950408889634; // 0x3FF71547652B82FE
    private const ulong MantissaMask = (1UL << 52) - 1;
    private const ulong RootTwoMantissa = 0x6A09E667F3BCD;

    // Below the first the result is zero, above the second infinite.
    private const double ExpUnderflow = -745.13321910194111; // 0xC0874910D52D3051
    private const double ExpOverflow = 709.78271289338397; // 0x40862E42FEFA39EF

    /// <summary>ln x; minus infinity at 0, NaN below.</summary>
    public static double Ln(double x)
    {
        if (!(x > 0) || double.IsPositiveInfinity(x))
        {
            return x == 0 ? double.NegativeInfinity : x > 0 ? x : double.NaN;
        }

        var k = 0;
        var bits = BitConverter.DoubleToUInt64Bits(x);
        if (bits >> 52 == 0)
        {
            bits = BitConverter.DoubleToUInt64Bits(x * 18014398509481984.0);
            k = -54;
        }

        // x = 2^k m with m from 1/sqrt 2 to sqrt 2, so that f = m - 1 is exact and small.
        k += (int)(bits >> 52) - 1023;
        var mantissa = bits & MantissaMask;
        var isUpper = mantissa > RootTwoMantissa;
        k += isUpper ? 1 : 0;
        var m = BitConverter.UInt64BitsToDouble(mantissa | ((isUpper ? 1022UL : 1023UL) << 52));

        // ln(1 + f) = f - s (f - r), s = f / (2 + f), r = 2 (s^2/3 + s^4/5 + ...), |s| < 0.172.
        var f = m - 1.0;
        var s = f / (2.0 + f);
        var w = s * s;
        var p = 1.0 / 21.0;
        p = (p * w) + (1.0 / 19.0);
        p = (p * w) + (1.0 / 17.0);
        p = (p * w) + (1.0 / 15.0);
        p = (p * w) + (1.0 / 13.0);
        p = (p * w) + (1.0 / 11.0);
        p = (p * w) + (1.0 / 9.0);
        p = (p * w) + (1.0 / 7.0);
        p = (p * w) + (1.0 / 5.0);
        p = (p * w) + (1.0 / 3.0);
        var r = 2.0 * (p * w);
        var correction = s * (f - r);
        return k == 0 ? f - correction : (k * Ln2High) - ((correction - (k * Ln2Low)) - f);
    }

    /// <summary>e to the x.</summary>
    public static double Exp(double x)
    {
        if (!(x >= ExpUnderflow && x <= ExpOverflow))
        {
            return double.IsNaN(x) ? x : x < 0 ? 0.0 : double.PositiveInfinity;
        }

        // x = k ln 2 + r with |r| at most about ln 2 / 2.
        var k = Math.Floor((x * Log2E) + 0.5);
        var r = (x - (k * Ln2High)) - (k * Ln2Low);

        // e^r = 1 + (r + r^2 (1/2! + r/3! + ... + r^11/13!)).
        var p = 1.0 / 6227020800.0;
        p = (p * r) + (1.0 / 479001600.0);
        p = (p * r) + (1.0 / 39916800.0);
        p = (p * r) + (1.0 / 3628800.0);
        p = (p * r) + (1.0 / 362880.0);
        p = (p * r) + (1.0 / 40320.0);
        p = (p * r) + (1.0 / 5040.0);
        p = (p * r) + (1.0 / 720.0);
        p = (p * r) + (1.0 / 120.0);
        p = (p * r) + (1.0 / 24.0);
        p = (p * r) + (1.0 / 6.0);
        p = (p * r) + 0.5;
        var y = 1.0 + (r + ((r * r) * p));
        return Scale(y, (int)k);
    }

    /// <summary>e to the x of eight numbers from -700 to 700, with the bits that each has by itself; undefined for
    /// others.</summary>
    internal static Vector512<double> Exp(Vector512<double> x)
    {
        var k = Vector512.Floor((x * Log2E) + Vector512.Create(0.5));
        var r = (x - (k * Ln2High)) - (k * Ln2Low);
        var p = Vector512.Create(1.0 / 6227020800.0);
        p = (p * r) + Vector512.Create(1.0 / 479001600.0);
        p = (p * r) + Vector512.Create(1.0 / 39916800.0);
        p = (p * r) + Vector512.Create(1.0 / 3628800.0);
        p = (p * r) + Vector512.Create(1.0 / 362880.0);
        p = (p * r) + Vector512.Create(1.0 / 40320.0);
        p = (p * r) + Vector512.Create(1.0 / 5040.0);
        p = (p * r) + Vector512.Create(1.0 / 720.0);
        p = (p * r) + Vector512.Create(1.0 / 120.0);
        p = (p * r) + Vector512.Create(1.0 / 24.0);
        p = (p * r) + Vector512.Create(1.0 / 6.0);
        p = (p * r) + Vector512.Create(0.5);
        var y = Vector512.Create(1.0) + (r + ((r * r) * p));

        // Added to 1.5 x 2^52, k + 1023 stands in the lowest bits, from where it is shifted to the exponent.
        return y * ((k + Vector512.Create(6755399441055744.0 + 1023)).AsUInt64() << 52).AsDouble();
    }

    // y 2^k for k from -1075 to 1024, in two exact steps where one would leave the normal range.
    private static double Scale(double y, int k)
    {
        if (k is >= -1021 and <= 1023)
        {
            return y * Power(k);
        }

        return k > 0 ? (y * Power(k - 1)) * 2.0 : (y * Power(k + 64)) * Power(-64);
    }

    private static double Power(int k) => BitConverter.UInt64BitsToDouble((ulong)(k + 1023) << 52);
}
