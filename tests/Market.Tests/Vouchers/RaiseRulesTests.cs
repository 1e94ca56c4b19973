using CsCheck;
using Souk.Market.Pricing;
using Souk.Market.Vouchers;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Vouchers;

public sealed class RaiseRulesTests
{
    private static readonly SellerView View = new(Escrow, new ChainTiming(2, 60), Now - 5, Now);

    private static readonly SellerChannel Busy = new(
        Channel, Units(10_000), Units(10_000), IsWithdrawing: false, Units(500), Units(728), Index: 4,
        AcceptanceIndex: 0, IsBusy: true);

    private static readonly OpenAnswer Answer = new(100, 0, Generated: 60, IdsReceived: 0);

    [Fact]
    public void A_raise_covers_more() =>
        Assert.Equal(new Cover(Units(800), 100), Accept(Sign(800), 40).Value);

    [Fact]
    public void Cached_input_covers_more_output()
    {
        var cached = Answer with { InputTokens = 20, CachedTokens = 80 };
        Assert.Equal(120UL, Accept(Sign(800), 40, answer: cached).Value.OutputTokens);
    }

    [Theory]
    [InlineData(39UL)]
    [InlineData(40UL)]
    public void A_count_that_is_not_higher_is_rejected(ulong count) =>
        Refuses("count_not_higher", Accept(Sign(800), count, answer: Answer with { IdsReceived = 40 }));

    [Fact]
    public void A_count_above_what_was_delivered_is_rejected()
    {
        Assert.True(Accept(Sign(800), 60).IsOk);
        Refuses("count_impossible", Accept(Sign(800), 61));
    }

    [Fact]
    public void A_lower_ceiling_is_rejected_and_an_equal_one_is_not()
    {
        Refuses("voucher_lower", Accept(Sign(727), 40));
        Assert.Equal(64UL, Accept(Sign(728), 40).Value.OutputTokens);
    }

    [Fact]
    public void The_same_checks_hold_as_for_the_first_voucher()
    {
        Refuses("voucher_above_deposit", Accept(Sign(10_001), 40));
        Refuses("voucher_signer_mismatch", Accept(Voucher.Sign(Stranger, Escrow, Channel, Units(800)), 40));
        Refuses("withdrawal_pending", Accept(Sign(800), 40, Busy with { IsWithdrawing = true }));
        var stale = RaiseRules.Accept(
            View with { HeadTimestamp = Now - 63 }, TheOffer, Busy, Config, Answer, Sign(800), 40);
        Assert.Equal("head_stale", stale.Refusal?.Code);
    }

    [Fact]
    public void An_answer_outlives_its_offer()
    {
        var view = View with { Now = TheOffer.Expiry + 5, HeadTimestamp = TheOffer.Expiry };
        Assert.True(RaiseRules.Accept(view, TheOffer, Busy, Config, Answer, Sign(800), 40).IsOk);
    }

    [Fact]
    public void A_raise_on_an_unconfirmed_deposit_stays_within_one_slice() =>
        Assert.Equal(Units(2_148), Accept(Sign(9_000), 40, Busy with { ConfirmedDeposit = Units(0) }).Value.Usable);

    [Fact]
    public void A_gateway_and_a_provider_that_keep_the_rules_finish_every_answer_with_neither_beyond_a_slice()
    {
        var gen = Gen.Select(
            Gen.ULong[1, 1UL << 24], Gen.ULong[1, 1UL << 24], Gen.ULong[1, 2_000], Gen.ULong[16, 400],
            Gen.ULong[1, 900], Gen.Int[0, int.MaxValue]);
        gen.Sample(Converse, iter: 60);
    }

    [Fact]
    public void No_sequence_of_hostile_vouchers_gets_work_that_is_not_promised()
    {
        var gen = Gen.Select(
            Gen.ULong[0, 20_000], Gen.ULong[0, 20_000], Gen.ULong[0, 3_000], Gen.ULong[0, 3_000], Gen.ULong[0, 3_000]);
        gen.Sample((ceiling, confirmed, prompt, cached, count) =>
        {
            var channel = Busy with { ConfirmedDeposit = Units(Math.Min(confirmed, 10_000)) };
            var answer = new OpenAnswer(prompt, cached, count, 0);
            if (!Accept(Sign(ceiling), count, channel, answer).TryGet(out var cover, out _))
            {
                return;
            }

            var charge = ChargeOf(TheOffer.Prices, prompt, cached, cover.OutputTokens);
            var slice = ChargeOf(TheOffer.Prices, prompt, cached, (ulong)TheOffer.SliceGreatest);
            Assert.True(charge + 500 <= ceiling);
            Assert.True(ceiling <= 10_000);
            Assert.True(charge + 500 <= channel.ConfirmedDeposit.Units + slice);
        }, iter: 400);
    }

    private static void Converse(ulong input, ulong output, ulong prompt, ulong slice, ulong most, int seed)
    {
        var offer = TheOffer with
        {
            InputPrice = Units(input), CachedPrice = Units(input), OutputPrice = Units(output), SliceLeast = 16,
            SliceGreatest = 400,
        };
        var random = new Random(seed);
        var plan = new SlicePlan(offer.Prices, Units(0), prompt, SlicePlan.TokensFor(slice, 16, 400, most), most);
        var deposit = Units(1UL << 62);
        var channel = Busy with
        {
            Deposit = deposit, ConfirmedDeposit = deposit, Base = Units(0), Ceiling = Units(0), IsBusy = false,
        };
        var voucher = Voucher.Sign(Customer, Escrow, Channel, plan.First(Units(0)));
        var cover = VoucherRules.Accept(View, offer, channel, new PaidAttempt(voucher, Config, 5, prompt, most)).Value;
        var (generated, told) = (0UL, 0UL);
        while (generated < most)
        {
            var room = Math.Min(cover.OutputTokens, most) - generated;
            Assert.True(room > 0, "The answer stalls.");
            generated += (ulong)random.NextInt64(1, (long)room + 1);
            // The provider is never ahead of what is promised.
            Assert.True(ChargeOf(offer.Prices, prompt, 0, generated) <= voucher.MaxClaimable.Units);
            if (plan.Next(voucher.MaxClaimable, generated) is { } raised)
            {
                channel = channel with { Ceiling = voucher.MaxClaimable, IsBusy = true };
                voucher = Voucher.Sign(Customer, Escrow, Channel, raised);
                var answer = new OpenAnswer(prompt, 0, generated, told);
                cover = RaiseRules.Accept(View, offer, channel, Config, answer, voucher, generated).Value;
                told = generated;
            }

            // The gateway is never more than a slice ahead of what it received.
            var ahead = voucher.MaxClaimable.Units - ChargeOf(offer.Prices, prompt, 0, generated);
            Assert.True(ahead <= ChargeOf(offer.Prices, 0, 0, plan.SliceTokens) + 1);
        }
    }

    private static Voucher Sign(ulong ceiling) => Voucher.Sign(Customer, Escrow, Channel, Units(ceiling));

    private static Result<Cover> Accept(
        Voucher voucher, ulong count, SellerChannel? channel = null, OpenAnswer? answer = null) =>
        RaiseRules.Accept(View, TheOffer, channel ?? Busy, Config, answer ?? Answer, voucher, count);

    private static void Refuses(string code, Result<Cover> result) =>
        Assert.Equal((code, Fault.Theirs), (result.Refusal?.Code, result.Refusal!.Fault));
}
