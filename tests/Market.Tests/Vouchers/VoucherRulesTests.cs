using Souk.Market.Vouchers;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Vouchers;

public sealed class VoucherRulesTests
{
    private static readonly SellerView View = new(Escrow, new ChainTiming(2, 60), Now - 5, Now);

    private static readonly SellerChannel Known = new(
        Channel, Units(10_000), Units(10_000), IsWithdrawing: false, Units(500), Units(700), Index: 3,
        AcceptanceIndex: 0, IsBusy: false);

    // A prompt of 100 units and a least slice of 64 tokens, 2 units each: 228 over the base.
    private static readonly PaidAttempt Attempt = new(Sign(728), Config, 4, PromptTokens: 100, OutputTokens: 1_000);

    [Fact]
    public void A_voucher_for_base_and_slice_is_taken() =>
        Assert.Equal(new Cover(Units(728), 64), VoucherRules.Accept(View, TheOffer, Known, Attempt).Value);

    [Fact]
    public void A_higher_voucher_covers_more() =>
        Assert.Equal(new Cover(Units(10_000), 4_700), Accept(attempt: Attempt with { Voucher = Sign(10_000) }).Value);

    [Fact]
    public void A_lower_voucher_is_rejected()
    {
        Refuses("voucher_lower", attempt: Attempt with { Voucher = Sign(699) });
        Refuses("voucher_lower", channel: Known with { Ceiling = Units(729) });
    }

    [Fact]
    public void A_voucher_below_base_and_first_slice_is_rejected()
    {
        Refuses("voucher_below_slice", attempt: Attempt with { Voucher = Sign(727) });
        Refuses("voucher_below_slice", channel: Known with { Base = Units(800) });
    }

    [Fact]
    public void A_short_answer_needs_only_itself()
    {
        var attempt = Attempt with { Voucher = Sign(620), OutputTokens = 10 };
        Assert.Equal(10UL, Accept(channel: Known with { Ceiling = Units(600) }, attempt: attempt).Value.OutputTokens);
    }

    [Fact]
    public void A_voucher_that_a_withdrawal_could_overtake_is_rejected()
    {
        // The head is 5 s old: a withdrawal may have begun then.
        var most = (ulong)Config.WithdrawDelay - 5;
        Assert.True(VoucherRules.Accept(View with { ClaimMargin = most }, TheOffer, Known, Attempt).IsOk);
        var refused = VoucherRules.Accept(View with { ClaimMargin = most + 1 }, TheOffer, Known, Attempt).Refusal!;
        Assert.Equal(("withdrawal_too_near", Fault.Ours), (refused.Code, refused.Fault));
    }

    [Fact]
    public void A_voucher_above_the_deposit_is_rejected() =>
        Refuses("voucher_above_deposit", attempt: Attempt with { Voucher = Sign(10_001) });

    [Fact]
    public void A_voucher_by_another_key_is_rejected() =>
        Refuses("voucher_signer_mismatch", attempt: Attempt with
        {
            Voucher = Voucher.Sign(Stranger, Escrow, Channel, Units(728)),
        });

    [Fact]
    public void What_was_authentic_before_is_judged_again_by_all_that_can_change()
    {
        var seen = Attempt with { IsAuthentic = true };
        Assert.True(Accept(attempt: seen with { Voucher = seen.Voucher with { Signature = Sign(1).Signature } }).IsOk);
        Refuses("channel_busy", channel: Known with { IsBusy = true }, attempt: seen);
        Refuses("voucher_lower", channel: Known with { Ceiling = Units(729) }, attempt: seen);
        Refuses("voucher_below_slice", channel: Known with { Base = Units(600) }, attempt: seen);
        Refuses("voucher_above_deposit", channel: Known with { Deposit = Units(727) }, attempt: seen);
        Refuses("withdrawal_pending", channel: Known with { IsWithdrawing = true }, attempt: seen);
        Refuses("index_spent", channel: Known with { Index = 4 }, attempt: seen);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(31338UL)]
    public void A_voucher_for_another_chain_is_rejected(ulong chain) =>
        Refuses("voucher_signer_mismatch", attempt: Attempt with
        {
            Voucher = Voucher.Sign(Customer, new EscrowDomain(chain, Escrow.Escrow), Channel, Units(728)),
        });

    [Fact]
    public void A_voucher_whose_amount_was_changed_is_rejected() =>
        Refuses(
            "voucher_signer_mismatch",
            attempt: Attempt with { Voucher = Sign(728) with { MaxClaimable = Units(729) } });

    [Fact]
    public void A_voucher_for_another_channel_is_rejected() =>
        Refuses("voucher_channel_mismatch", attempt: Attempt with
        {
            Voucher = Voucher.Sign(Customer, Escrow, Hash("other"), Units(728)),
        });

    [Fact]
    public void A_configuration_that_is_not_the_channels_is_rejected()
    {
        Refuses("channel_id_mismatch", attempt: Attempt with { Config = Config with { Salt = Hash("other") } });
        Refuses("channel_id_mismatch", view: View with { Escrow = new EscrowDomain(1, Escrow.Escrow) });
    }

    [Fact]
    public void A_channel_to_someone_else_is_rejected()
    {
        RefusesConfig("receiver_mismatch", Config with { Receiver = AddressOf(50) });
        RefusesConfig("receiver_authorizer_mismatch", Config with { ReceiverAuthorizer = AddressOf(50) });
        RefusesConfig("token_mismatch", Config with { Token = AddressOf(50) });
        RefusesConfig("payer_authorizer_missing", Config with { PayerAuthorizer = Address.Zero });
        RefusesConfig("withdraw_delay_mismatch", Config with { WithdrawDelay = 86_399 });
        RefusesConfig("withdraw_delay_mismatch", Config with { WithdrawDelay = 2_592_001 });
        Refuses("escrow_mismatch", offer: TheOffer with { Escrow = AddressOf(50) });
    }

    [Fact]
    public void An_offer_that_is_not_ours_or_over_is_rejected()
    {
        var unknown = VoucherRules.Accept(View, null, Known, Attempt);
        Assert.Equal("offer_unknown", unknown.Refusal?.Code);
        Refuses("offer_expired", view: View with { Now = TheOffer.Expiry + 1, HeadTimestamp = TheOffer.Expiry });
        Assert.True(Accept(view: View with { Now = TheOffer.Expiry, HeadTimestamp = TheOffer.Expiry }).IsOk);
        Refuses("offer_withdrawn", offer: TheOffer with { Concurrency = 0 });
    }

    [Fact]
    public void An_index_comes_once_and_may_leave_a_gap()
    {
        Refuses("index_spent", attempt: Attempt with { Index = 3 });
        Refuses("index_spent", attempt: Attempt with { Index = 0 });
        Assert.True(Accept(attempt: Attempt with { Index = 9 }).IsOk);
    }

    [Fact]
    public void A_spent_nonce_chain_is_rejected()
    {
        Assert.True(Accept(attempt: Attempt with { Index = 4_096 }).IsOk);
        Refuses("nonce_chain_spent", attempt: Attempt with { Index = 4_097 });
        Assert.True(Accept(channel: Known with { AcceptanceIndex = 3 }, attempt: Attempt with { Index = 4_099 }).IsOk);
        Refuses("channel_unaccepted", channel: Known with { AcceptanceIndex = null });
    }

    [Fact]
    public void A_busy_channel_is_rejected() => Refuses("channel_busy", channel: Known with { IsBusy = true });

    [Fact]
    public void A_channel_with_a_pending_withdrawal_is_rejected() =>
        Refuses("withdrawal_pending", channel: Known with { IsWithdrawing = true });

    [Theory]
    [InlineData(60, 86_400u, 62UL)] // maxHeadAge and one block.
    [InlineData(600, 900u, 227UL)] // A quarter of the delay and one block.
    public void A_provider_with_an_old_head_takes_no_voucher(int maxHeadAge, uint delay, ulong greatest)
    {
        var offer = TheOffer with { WithdrawDelay = delay };
        var config = Config with { WithdrawDelay = delay };
        var id = config.Id(Escrow);
        var channel = Known with { Id = id };
        var attempt = Attempt with { Config = config, Voucher = Voucher.Sign(Customer, Escrow, id, Units(728)) };
        var view = View with { Timing = new ChainTiming(2, maxHeadAge), HeadTimestamp = Now - greatest };
        Assert.True(VoucherRules.Accept(view, offer, channel, attempt).IsOk);
        var stale = VoucherRules.Accept(view with { HeadTimestamp = Now - greatest - 1 }, offer, channel, attempt);
        Assert.Equal(("head_stale", Fault.Ours), (stale.Refusal?.Code, stale.Refusal!.Fault));
    }

    [Fact]
    public void A_head_ahead_of_the_clock_is_fresh() =>
        Assert.True(Accept(view: View with { HeadTimestamp = Now + 50 }).IsOk);

    [Fact]
    public void While_confirmations_are_missing_the_credit_is_one_slice()
    {
        // The greatest slice with this prompt: 100 + 1,024 x 2.
        var young = Known with { Base = Units(0), Ceiling = Units(0), ConfirmedDeposit = Units(0) };
        var attempt = Attempt with { Voucher = Sign(10_000) };
        Assert.Equal(new Cover(Units(2_148), 1_024), Accept(channel: young, attempt: attempt).Value);
        var used = Accept(channel: young with { Base = Units(2_000) }, attempt: attempt);
        Assert.Equal(("deposit_unconfirmed", Fault.Nobody), (used.Refusal?.Code, used.Refusal!.Fault));
        var toppedUp = Accept(channel: Known with { ConfirmedDeposit = Units(5_000) }, attempt: attempt);
        Assert.Equal(Units(7_148), toppedUp.Value.Usable);
    }

    [Fact]
    public void A_plain_x402_client_pays_its_worst_case()
    {
        var plain = Attempt with { Index = null };
        var channel = Known with { AcceptanceIndex = null };
        Refuses("voucher_out_of_step", channel: channel, attempt: plain with { Voucher = Sign(500 + 100 + 1_999) });
        Refuses("voucher_out_of_step", channel: channel, attempt: plain with { Voucher = Sign(500 + 100 + 2_001) });
        Refuses("voucher_lower", channel: channel, attempt: plain with { Voucher = Sign(499) });
        Assert.Equal(
            1_000UL, Accept(channel: channel, attempt: plain with { Voucher = Sign(2_600) }).Value.OutputTokens);
    }

    [Fact]
    public void A_plain_x402_client_may_sign_less_than_a_ceiling_of_which_not_all_was_charged()
    {
        var plain = Attempt with { Index = null, Voucher = Sign(2_600) };
        var channel = Known with { AcceptanceIndex = null, Ceiling = Units(9_000) };

        Assert.Equal(new Cover(Units(2_600), 1_000), Accept(channel: channel, attempt: plain).Value);
        Refuses("voucher_signer_mismatch", channel: channel, attempt: plain with
        {
            Voucher = Voucher.Sign(Stranger, Escrow, Channel, Units(2_600)),
        });
    }

    [Fact]
    public void Hostile_numbers_neither_wrap_nor_throw()
    {
        var huge = Voucher.Sign(Customer, Escrow, Channel, Amount.MaxValue);
        var plain = Attempt with { Voucher = huge, OutputTokens = ulong.MaxValue / 2, Index = null };
        var price = Charge.Of(TheOffer.Prices, plain.PromptTokens, 0, plain.OutputTokens);
        var promised = Voucher.Sign(Customer, Escrow, Channel, Known.Base + price);
        Refuses("voucher_above_deposit", attempt: Attempt with { Voucher = huge });
        Refuses("voucher_below_slice", attempt: Attempt with
        {
            PromptTokens = ulong.MaxValue, OutputTokens = ulong.MaxValue,
        });
        Assert.True(Accept(
            channel: Known with { Deposit = Amount.MaxValue, ConfirmedDeposit = Amount.MaxValue },
            attempt: Attempt with { Voucher = huge }).IsOk);
        Refuses(
            "deposit_unconfirmed",
            channel: Known with { Deposit = Amount.MaxValue, ConfirmedDeposit = Units(1) },
            attempt: plain with { Voucher = promised },
            fault: Fault.Nobody);
        Refuses("voucher_out_of_step", attempt: plain, channel: Known with { Deposit = Amount.MaxValue });
        Refuses("nonce_chain_spent", attempt: Attempt with { Index = ulong.MaxValue });
    }

    [Fact]
    public void A_channel_below_the_offers_minimum_is_not_accepted()
    {
        Assert.Null(ChannelRules.CheckDeposit(Units(10_000), TheOffer));
        Assert.Equal("deposit_too_small", ChannelRules.CheckDeposit(Units(9_999), TheOffer)?.Code);
    }

    [Theory]
    [InlineData(0UL, 0UL, null)]
    [InlineData(0UL, 1UL, 1UL)]
    [InlineData(0UL, 4_096UL, 4_096UL)]
    [InlineData(0UL, 4_097UL, null)]
    [InlineData(100UL, 100UL, null)]
    [InlineData(100UL, 101UL, 1UL)]
    public void A_nonces_position_counts_from_the_acceptance(ulong accepted, ulong index, ulong? expected) =>
        Assert.Equal(expected, NoncePosition.Of(accepted, index));

    private static Voucher Sign(ulong ceiling) => Voucher.Sign(Customer, Escrow, Channel, Units(ceiling));

    private static Result<Cover> Accept(
        SellerView? view = null, Offer? offer = null, SellerChannel? channel = null, PaidAttempt? attempt = null) =>
        VoucherRules.Accept(view ?? View, offer ?? TheOffer, channel ?? Known, attempt ?? Attempt);

    private static void Refuses(
        string code, SellerView? view = null, Offer? offer = null, SellerChannel? channel = null,
        PaidAttempt? attempt = null, Fault fault = Fault.Theirs)
    {
        var refusal = Accept(view, offer, channel, attempt).Refusal;
        Assert.Equal((code, fault), (refusal?.Code, refusal!.Fault));
    }

    // A wrong configuration with its own true id and signature, so that only the wrong field is left to find.
    private static void RefusesConfig(string code, ChannelConfig config)
    {
        var id = config.Id(Escrow);
        Refuses(
            code,
            channel: Known with { Id = id },
            attempt: Attempt with { Config = config, Voucher = Voucher.Sign(Customer, Escrow, id, Units(728)) });
    }
}
