using Souk.Market.Budgets;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Budgets;

public sealed class BudgetTests
{
    private static readonly ApiKeyStanding Key = new(Units(1_000), Units(300), Units(200), Now + 60, IsRevoked: false);

    private static readonly AtRisk[] Risks =
        [new(AddressOf(1), Units(40)), new(AddressOf(2), Units(30)), new(AddressOf(1), Units(20))];

    private static readonly ExposureCaps Caps = new(Units(100), Units(150));

    [Fact]
    public void What_is_neither_spent_nor_reserved_can_be_reserved()
    {
        Assert.Equal(Units(500), Key.Available);
        Assert.Null(ApiKeyRules.CheckReserve(Key, Units(500), Now));
        Assert.Equal("insufficient_quota", ApiKeyRules.CheckReserve(Key, Units(501), Now)?.Code);
        Assert.Equal("insufficient_quota", ApiKeyRules.CheckReserve(Key, Amount.MaxValue, Now)?.Code);
    }

    [Fact]
    public void A_budget_that_was_lowered_below_what_is_spent_has_nothing_left() =>
        Assert.Equal(Units(0), (Key with { Budget = Units(100) }).Available);

    [Fact]
    public void Todays_budget_bounds_what_is_left_of_the_whole()
    {
        var daily = Key with { BudgetPerDay = Units(350), SpentToday = Units(100) };
        Assert.Equal((Units(50), true), (daily.Available, daily.IsBoundByDay));
        Assert.Null(ApiKeyRules.CheckReserve(daily, Units(50), Now));
        var refusal = ApiKeyRules.CheckReserve(daily, Units(51), Now)!;
        Assert.Equal("insufficient_quota", refusal.Code);
        Assert.EndsWith(ApiKeyRules.Tomorrow, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(Units(0), (daily with { SpentToday = Units(350) }).Available);
        var ample = Key with { BudgetPerDay = Units(5_000), SpentToday = Units(300) };
        Assert.Equal((Units(500), false), (ample.Available, ample.IsBoundByDay));
    }

    [Fact]
    public void Only_the_models_that_a_key_names_are_its()
    {
        Assert.Null(ApiKeyRules.CheckModel(Key, "any"));
        var two = Key with { Models = ["a", "b"] };
        Assert.Null(ApiKeyRules.CheckModel(two, "b"));
        Assert.Equal("model_not_allowed", ApiKeyRules.CheckModel(two, "B")?.Code);
    }

    [Fact]
    public void An_unknown_revoked_or_expired_key_is_refused()
    {
        Assert.Null(ApiKeyRules.CheckUse(Key, Now + 59));
        Assert.Equal("invalid_api_key", ApiKeyRules.CheckUse(null, Now)?.Code);
        Assert.Equal("api_key_revoked", ApiKeyRules.CheckReserve(Key with { IsRevoked = true }, Units(1), Now)?.Code);
        Assert.Equal("api_key_expired", ApiKeyRules.CheckReserve(Key, Units(1), Now + 60)?.Code);
        Assert.Null(ApiKeyRules.CheckUse(Key with { ExpiresAt = null }, ulong.MaxValue));
    }

    [Fact]
    public void An_app_is_never_billed_more_than_was_reserved()
    {
        Assert.Equal(Units(40), ApiKeyRules.Bill(Units(40), Units(100)));
        Assert.Equal(Units(100), ApiKeyRules.Bill(Units(140), Units(100)));
    }

    [Fact]
    public void Exposure_is_capped_for_each_peer()
    {
        Assert.Null(Exposure.Check(Risks, AddressOf(1), Units(40), Caps));
        Assert.Equal("peer_exposure", Exposure.Check(Risks, AddressOf(1), Units(41), Caps)?.Code);
        Assert.Null(Exposure.Check(Risks, AddressOf(2), Units(60), Caps));
    }

    [Fact]
    public void Exposure_is_capped_over_all()
    {
        Assert.Equal(Units(90), Exposure.Total(Risks));
        Assert.Null(Exposure.Check(Risks, AddressOf(3), Units(60), Caps));
        Assert.Equal("total_exposure", Exposure.Check(Risks, AddressOf(3), Units(61), Caps)?.Code);
    }

    [Fact]
    public void A_cap_that_was_lowered_stops_everything_more()
    {
        var lowered = new ExposureCaps(Units(10), Units(10));
        Assert.Equal("peer_exposure", Exposure.Check(Risks, AddressOf(1), Units(0), lowered)?.Code);
        Assert.Equal("peer_exposure", Exposure.Check([], AddressOf(1), Amount.MaxValue, lowered)?.Code);
    }
}
