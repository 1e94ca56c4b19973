using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json;
using CsCheck;

namespace Souk.Protocol.Tests.Sampling;

public class PortableMathTests
{
    private static readonly JsonElement File = Vectors.Read("protocol/portable_math.json");

    [Fact]
    public void Logarithms_have_the_bits_of_the_reference() => Check("ln", PortableMath.Ln);

    [Fact]
    public void Exponentials_have_the_bits_of_the_reference() => Check("exp", PortableMath.Exp);

    // The platform's own functions are within an ulp or so, which is why they cannot be used but can judge.
    [Fact]
    public void Logarithms_are_within_a_few_units_in_the_last_place()
    {
        Gen.Double[0, 1].Where(x => x > 0).Sample(x => Close(Math.Log(x), PortableMath.Ln(x)), iter: 20_000);
        Gen.Double[1e-300, 1e300].Sample(x => Close(Math.Log(x), PortableMath.Ln(x)), iter: 20_000);
        Gen.Double[0.999, 1.001].Sample(x => Close(Math.Log(x), PortableMath.Ln(x)), iter: 20_000);
    }

    [Fact]
    public void Exponentials_are_within_a_few_units_in_the_last_place()
    {
        Gen.Double[-60, 2].Sample(x => Close(Math.Exp(x), PortableMath.Exp(x)), iter: 20_000);
        Gen.Double[-708, 709].Sample(x => Close(Math.Exp(x), PortableMath.Exp(x)), iter: 20_000);
    }

    [Fact]
    public void Edges_are_those_of_IEEE_754()
    {
        Assert.Equal(0, PortableMath.Ln(1));
        Assert.Equal(1, PortableMath.Exp(0));
        Assert.True(double.IsNaN(PortableMath.Ln(double.NaN)) && double.IsNaN(PortableMath.Exp(double.NaN)));
        Assert.True(double.IsNaN(PortableMath.Ln(-1)));
        Assert.Equal(double.NegativeInfinity, PortableMath.Ln(0));
        Assert.Equal(double.PositiveInfinity, PortableMath.Ln(double.PositiveInfinity));
        Assert.Equal(0, PortableMath.Exp(double.NegativeInfinity));
        Assert.Equal(double.PositiveInfinity, PortableMath.Exp(710));
        Assert.Equal(double.Epsilon, PortableMath.Exp(-745.1));
    }

    [Fact]
    public void Eight_at_a_time_have_the_bits_of_one() =>
        Gen.OneOf(Gen.Double[-60, 2], Gen.Double[-700, 700], Gen.Double[-1e-9, 0])
        .Array[8].Sample(
            eight =>
            {
                var together = PortableMath.Exp(Vector512.Create<double>(eight));
                for (var lane = 0; lane < 8; lane++)
                {
                    Assert.Equal(Bits(PortableMath.Exp(eight[lane])), Bits(together[lane]));
                }
            }, iter: 20_000);

    private static void Check(string name, Func<double, double> function)
    {
        var rows = File.GetProperty(name).EnumerateArray().ToArray();
        Assert.True(rows.Length > 130);
        foreach (var row in rows)
        {
            var result = function(Double(row[0].GetString()!));
            Assert.Equal(row[1].GetString(), double.IsNaN(result) ? "nan" : Bits(result));
        }
    }

    private static void Close(double expected, double actual) => Assert.True(
        Math.Abs(expected - actual) <= 3 * (Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected)),
        $"{expected:R} and {actual:R}");

    private static double Double(string bits) => bits == "nan"
        ? double.NaN
        : BitConverter.UInt64BitsToDouble(ulong.Parse(bits, NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    private static string Bits(double x) => BitConverter.DoubleToUInt64Bits(x).ToString("x16");
}
