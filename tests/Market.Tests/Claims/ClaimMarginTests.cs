using Souk.Market.Claims;

namespace Souk.Market.Tests.Claims;

public sealed class ClaimMarginTests
{
    private const ulong Now = 1_700_000_000_000;

    [Fact]
    public void Nothing_measured_leaves_the_blocks_that_confirm_and_at_least_a_minute()
    {
        Assert.Equal(60UL, ClaimMargin.Seconds([], Now, 2, 3));
        Assert.Equal(180UL, ClaimMargin.Seconds([], Now, 12, 12));
    }

    [Fact]
    public void It_is_twice_the_slowest_claim_of_the_last_hours()
    {
        MeasuredClaim[] measured = [new(Now - 1_000, 4_000), new(Now - 10, 100_500), new(Now, 2_000)];
        // 2 x 100.5 s and 5 blocks of 2 s.
        Assert.Equal(211UL, ClaimMargin.Seconds(measured, Now, 2, 2));
    }

    [Fact]
    public void A_slow_claim_is_forgotten_after_six_hours()
    {
        MeasuredClaim[] measured = [new(Now - (6 * 3_600_000), 100_000)];
        Assert.Equal(210UL, ClaimMargin.Seconds(measured, Now, 2, 2));
        Assert.Equal(60UL, ClaimMargin.Seconds(measured, Now + 1, 2, 2));
    }
}
