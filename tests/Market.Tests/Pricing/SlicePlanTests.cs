using CsCheck;
using Souk.Market.Pricing;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Pricing;

public sealed class SlicePlanTests
{
    // Base 500, a prompt of 100 units, output tokens of 2 units, slices of 64 tokens.
    private static readonly SlicePlan Plan = new(TheOffer.Prices, Units(500), 100, 64, 1_000);

    [Theory]
    [InlineData(512UL, 64UL, 1024UL, 9_999UL, 512UL)]
    [InlineData(512UL, 64UL, 256UL, 9_999UL, 256UL)]
    [InlineData(512UL, 600UL, 1024UL, 9_999UL, 600UL)]
    [InlineData(512UL, 600UL, 1024UL, 20UL, 20UL)]
    public void A_slice_is_what_the_offer_allows_and_the_request_can_bring(
        ulong wanted, ulong least, ulong greatest, ulong output, ulong expected) =>
        Assert.Equal(expected, SlicePlan.TokensFor(wanted, least, greatest, output));

    [Fact]
    public void The_first_voucher_signs_base_and_first_slice()
    {
        Assert.Equal(Units(500 + 100 + 128), Plan.First(Units(0)));
        Assert.Equal(64UL, Plan.Covered(Plan.First(Units(0))));
    }

    [Theory]
    [InlineData(64UL, 1_000UL, 8UL)]
    [InlineData(7UL, 1_000UL, 0UL)]
    [InlineData(64UL, 64UL, 64UL)]
    [InlineData(64UL, 63UL, 63UL)]
    public void Tokens_gather_to_an_eighth_of_a_slice_unless_no_raise_is_to_come(
        ulong slice, ulong output, ulong expected) =>
        Assert.Equal(expected, (Plan with { SliceTokens = slice, OutputTokens = output }).Gather);

    [Fact]
    public void A_ceiling_never_falls()
    {
        Assert.Equal(Units(728), Plan.First(Units(728)));
        Assert.Equal(Units(729), Plan.First(Units(729)));
        Assert.Null(Plan.Next(Units(5_000), 900));
    }

    [Theory]
    [InlineData(0UL, null)]
    [InlineData(32UL, null)] // 32 of 64 tokens stay covered: that is not fewer than half.
    [InlineData(33UL, 500UL + 100 + (2 * (33 + 64)))]
    [InlineData(64UL, 500UL + 100 + (2 * (64 + 64)))]
    [InlineData(990UL, 500UL + 100 + 2_000UL)] // Not beyond what the request can bring.
    [InlineData(1_000UL, null)]
    public void The_ceiling_is_raised_to_what_was_received_and_one_slice(ulong received, ulong? expected) =>
        Assert.Equal(expected, (ulong?)Plan.Next(Units(728), received)?.Units);

    [Fact]
    public void An_odd_slice_is_halved_exactly()
    {
        var odd = Plan with { SliceTokens = 5 };
        Assert.Null(odd.Next(odd.First(Units(0)), 2)); // 3 stay covered, 2.5 is half.
        Assert.NotNull(odd.Next(odd.First(Units(0)), 3));
    }

    [Fact]
    public void Slices_of_one_token_go_on_to_the_end()
    {
        var plan = Plan with { SliceTokens = 1, OutputTokens = 5 };
        var ceiling = plan.First(Units(0));
        for (var received = 1UL; received <= 5; received++)
        {
            Assert.True(plan.Covered(ceiling) >= received);
            ceiling = plan.Next(ceiling, received) ?? ceiling;
        }
    }

    [Fact]
    public void No_sequence_of_raises_puts_more_than_one_slice_at_risk_or_lets_an_answer_stall()
    {
        var gen = Gen.Select(
            Gen.ULong[0, 1UL << 32], Gen.ULong[0, 1UL << 32], Gen.ULong[0, 3_000], Gen.ULong[1, 600],
            Gen.ULong[1, 3_000], Gen.ULong[0, 1UL << 20], Gen.Int[0, int.MaxValue]);
        gen.Sample((inputPrice, outputPrice, prompt, slice, output, baseCharged, seed) =>
        {
            var prices = new Prices(Units(inputPrice), Units(0), Units(outputPrice));
            var plan = new SlicePlan(prices, Units(baseCharged), prompt, Math.Min(slice, output), output);
            var random = new Random(seed);
            var ceiling = plan.First(Units(0));
            var oneSlice = ChargeOf(prices, 0, 0, plan.SliceTokens);
            var received = 0UL;
            while (received < output)
            {
                var covered = Math.Min(plan.Covered(ceiling) ?? 0, output);
                Assert.True(covered > received, "The answer stalls.");
                // A burst of any length within what is covered, as a stream brings it.
                received += (ulong)random.NextInt64(1, (long)(covered - received) + 1);
                var raised = plan.Next(ceiling, received);
                Assert.True(raised is null || raised > ceiling, "A raise that raises nothing.");
                ceiling = raised ?? ceiling;
                var earned = ChargeOf(prices, prompt, 0, received) + baseCharged;
                // The last unit is the rounding of the charge, which is one for the whole request.
                Assert.True((System.Numerics.BigInteger)ceiling.Units - earned <= oneSlice + 1);
            }
        }, iter: 2_000);
    }
}
