using System.Numerics;
using CsCheck;

namespace Souk.Protocol.Tests.Primitives;

public class AmountTests
{
    private static readonly Gen<Amount> Amounts =
        Gen.Select(Gen.ULong, Gen.ULong, (high, low) => new Amount(new UInt128(high, low)));

    public static TheoryData<string, int, string> Decimals()
    {
        var data = new TheoryData<string, int, string>();
        foreach (var row in Vectors.Read("protocol/decimal.json").EnumerateArray())
        {
            data.Add(row.Text("units"), row.GetProperty("decimals").GetInt32(), row.Text("decimal"));
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Decimals))]
    public void Decimals_are_exact_both_ways(string units, int decimals, string text)
    {
        Assert.Equal(text, Amount.Parse(units).ToDecimal(decimals));
        Assert.Equal(Amount.Parse(units), Amount.FromDecimal(text, decimals));
    }

    [Theory]
    [InlineData("1.5", 6, "1500000")]
    [InlineData("01.50", 6, "1500000")]
    [InlineData("0.0000010", 6, "1")]
    [InlineData("0", 0, "0")]
    [InlineData("3.0", 0, "3")]
    public void A_decimal_may_carry_zeros(string text, int decimals, string units) =>
        Assert.Equal(Amount.Parse(units), Amount.FromDecimal(text, decimals));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData("1,5")]
    [InlineData("1.2.3")]
    [InlineData(" 1")]
    [InlineData("0.0000001")]
    [InlineData("340282366920938463463374607431768.211456")]
    public void Other_decimals_are_refused(string text) => Assert.False(Amount.TryFromDecimal(text, 6, out _));

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("01")]
    [InlineData("1 ")]
    [InlineData("1.0")]
    [InlineData("0x1")]
    [InlineData("١")]
    [InlineData("340282366920938463463374607431768211456")]
    [InlineData("1000000000000000000000000000000000000000")]
    public void Units_are_plain_digits(string text) => Assert.False(Amount.TryParse(text, out _));

    [Fact]
    public void Sums_and_differences_are_exact_or_throw() => Gen.Select(Amounts, Amounts).Sample((a, b) =>
    {
        var sum = (BigInteger)a.Units + (BigInteger)b.Units;
        if (sum > (BigInteger)UInt128.MaxValue)
        {
            Assert.Throws<OverflowException>(() => a + b);
        }
        else
        {
            Assert.Equal(sum, (BigInteger)(a + b).Units);
        }

        if (a < b)
        {
            Assert.Throws<OverflowException>(() => a - b);
            Assert.Equal(Amount.Zero, Amount.SubtractToZero(a, b));
        }
        else
        {
            Assert.Equal(a, (a - b) + b);
            Assert.Equal(a - b, Amount.SubtractToZero(a, b));
        }

        Assert.Equal(a <= b ? a : b, Amount.Min(a, b));
        Assert.Equal(a >= b ? a : b, Amount.Max(a, b));
        Assert.Equal(a, Amount.Parse(a.ToString()));
    });

    [Fact]
    public void Decimals_read_back_for_any_currency() => Gen.Select(Amounts, Gen.Int[0, 38]).Sample(
        (amount, decimals) => Assert.Equal(amount, Amount.FromDecimal(amount.ToDecimal(decimals), decimals)));
}
