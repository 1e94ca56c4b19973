using System.Numerics;
using CsCheck;
using Souk.Market.Pricing;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Pricing;

public sealed class CoverageTests
{
    [Fact]
    public void Coverage_is_the_exact_inverse_of_the_charge()
    {
        var price = Gen.ULong[0, 1UL << 40];
        Gen.Select(price, price, Gen.ULong[0, 1UL << 44], Gen.ULong[0, 100_000], Gen.ULong[0, 100_000], Gen.ULong)
            .Sample((input, cached, output, inputTokens, cachedTokens, limit) =>
            {
                var prices = new Prices(Units(input), Units(cached), Units(output));
                var baseCharged = Units(limit % 1000);
                var ceiling = baseCharged + Units(limit >> 10);
                var covered = Coverage.OutputTokens(prices, baseCharged, ceiling, inputTokens, cachedTokens);
                BigInteger available = limit >> 10;
                if (covered is not { } tokens)
                {
                    return ChargeOf(prices, inputTokens, cachedTokens, 0) > available;
                }

                return ChargeOf(prices, inputTokens, cachedTokens, tokens) <= available
                    && (tokens == ulong.MaxValue
                        || ChargeOf(prices, inputTokens, cachedTokens, (BigInteger)tokens + 1) > available);
            }, iter: 20_000);
    }

    [Fact]
    public void A_ceiling_below_the_base_covers_nothing() =>
        Assert.Null(Coverage.OutputTokens(TheOffer.Prices, Units(100), Units(99), 0, 0));

    [Fact]
    public void Free_output_is_covered_without_end()
    {
        var prices = new Prices(Units(1), Units(1), Units(0));
        Assert.Equal(ulong.MaxValue, Coverage.OutputTokens(prices, Units(5), Units(6), 1, 0));
    }

    [Theory]
    [InlineData(100UL, 0UL)] // The prompt alone costs 100.
    [InlineData(101UL, 0UL)]
    [InlineData(102UL, 1UL)]
    [InlineData(300UL, 100UL)]
    public void Whole_tokens_are_covered(ulong limit, ulong tokens) =>
        Assert.Equal(tokens, Coverage.OutputTokens(TheOffer.Prices, Units(7), Units(7 + limit), 100, 0));
}
