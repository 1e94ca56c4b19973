using System.Numerics;
using CsCheck;

namespace Souk.Protocol.Tests.Pricing;

public class ChargeTests
{
    private static readonly Gen<Prices> AnyPrices = Gen.Select(
        Gen.ULong[0, 1UL << 40], Gen.ULong[0, 1UL << 40], Gen.ULong[0, 1UL << 40],
        (a, b, c) => new Prices(new(a), new(b), new(c)));

    [Fact]
    public void Charges_are_those_of_the_reference()
    {
        var rows = Vectors.Read("protocol/charge.json").EnumerateArray().ToArray();
        Assert.Contains(rows, row => row.GetProperty("charge").GetString() is null);
        foreach (var row in rows)
        {
            var p = row.GetProperty("prices").EnumerateArray().Select(x => Amount.Parse(x.GetString()!)).ToArray();
            var n = row.GetProperty("tokens").EnumerateArray().Select(x => ulong.Parse(x.GetString()!)).ToArray();
            var prices = new Prices(p[0], p[1], p[2]);
            var charge = Charge.TryOf(prices, n[0], n[1], n[2]);
            Assert.Equal(row.GetProperty("charge").GetString(), charge?.ToString());
            if (charge is null)
            {
                Assert.Throws<OverflowException>(() => Charge.Of(prices, n[0], n[1], n[2]));
            }
        }
    }

    [Fact]
    public void A_charge_rounds_up_once() => Gen.Select(AnyPrices, Gen.ULong[0, 1UL << 40], Gen.ULong[0, 1UL << 40])
        .Sample((prices, input, output) =>
        {
            var exact = ((BigInteger)prices.Input.Units * input) + ((BigInteger)prices.Output.Units * output);
            var charged = (BigInteger)Charge.Of(prices, input, 0, output).Units * 1_000_000;
            Assert.True(charged >= exact && charged - exact < 1_000_000);
        });

    [Fact]
    public void Output_within_a_limit_is_the_most_that_fits() =>
        Gen.Select(AnyPrices, Gen.ULong[0, 100_000], Gen.ULong[0, 100_000], Gen.ULong[0, 1UL << 40])
            .Sample((prices, input, cached, limit) =>
            {
                var fits = Charge.OutputWithin(prices, input, cached, new(limit));
                if (fits is not { } tokens)
                {
                    Assert.True(Charge.Of(prices, input, cached, 0) > new Amount(limit));
                    return;
                }

                Assert.True(Charge.Of(prices, input, cached, tokens) <= new Amount(limit) || prices.Output.IsZero);
                Assert.True(prices.Output.IsZero
                    || Charge.Of(prices, input, cached, tokens + 1) > new Amount(limit));
            });

    [Theory]
    [InlineData(1UL, 100UL, 4096UL, 8192UL, 1000UL, 100UL)]
    [InlineData(1UL, null, 4096UL, 8192UL, 1000UL, 4096UL)]
    [InlineData(1UL, null, 4096UL, 8192UL, 8000UL, 192UL)]
    [InlineData(3UL, 500UL, 4096UL, 8192UL, 8000UL, 576UL)]
    [InlineData(2UL, 500UL, 4096UL, 8192UL, 9000UL, 0UL)]
    public void Worst_case_output_is_the_least_of_the_limits_for_each_choice(
        ulong choices, ulong? maxTokens, ulong maxOutput, ulong context, ulong prompt, ulong expected) =>
        Assert.Equal(expected, Charge.WorstCaseOutput(choices, maxTokens, maxOutput, context, prompt));

    [Fact]
    public void The_worst_case_has_nothing_cached()
    {
        var prices = new Prices(new(2_000_000), new(1), new(3_000_000));
        Assert.Equal(new Amount((1000 * 2) + (2 * 50 * 3)), Charge.WorstCase(prices, 1000, 2, 50, 4096, 8192));
    }
}
