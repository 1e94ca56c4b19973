using Souk.Market.Claims;

namespace Souk.Market.Tests.Claims;

public sealed class SettlePlanTests
{
    private static readonly ClaimRules Rules = new() { Worth = 20, LeastWorth = 2, MostAgeSeconds = 1_000 };

    [Theory]
    [InlineData(2_001, 0, false, SettleReason.Value)]
    [InlineData(2_000, 999, false, null)]
    [InlineData(201, 1_000, false, SettleReason.Age)]
    [InlineData(200, 1_000, false, null)]
    [InlineData(201, 0, true, SettleReason.PayoutChange)]
    [InlineData(200, 0, true, null)]
    [InlineData(201, -1, false, SettleReason.Age)]
    public void It_is_paid_out_by_value_by_age_or_when_the_payout_has_changed(
        int owed, int age, bool isRetired, SettleReason? reason) =>
        Assert.Equal(reason, SettlePlan.Decide(
            Units((ulong)owed), Units(100), age < 0 ? null : (ulong)age, isRetired, Rules));

    [Fact]
    public void Without_gas_all_is_paid_out_and_nothing_is_no_transaction()
    {
        Assert.Equal(SettleReason.Value, SettlePlan.Decide(Units(1), Units(0), 0, false, Rules));
        Assert.Null(SettlePlan.Decide(Units(0), Units(0), null, true, Rules));
    }
}
