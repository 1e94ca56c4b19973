using Souk.Market.Receipts;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Receipts;

public sealed class ReceiptRulesTests
{
    private static readonly byte[] Salt = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
    private static readonly int[] Prompt = [.. Enumerable.Range(10, 120)];
    private static readonly int[] Output = [.. Enumerable.Range(500, 30)];
    private static readonly NonceChain Nonces = new(Hash("nonces"));
    private static readonly RequestId Request = RequestId.FromBytes(Salt);

    // 100 fresh and 20 cached prompt tokens and 30 of output, at 1, 0.5 and 2 units: 170.
    private static readonly Receipt True = new(
        Request, 4, Channel, TheOffer.Hash(Domain), Model, Commitments.Request(Salt, "body"u8),
        Commitments.Prompt(Salt, Prompt), Commitments.Output(Salt, Output), Hash("gateway nonce"), Nonces.Nonce(4),
        KeySources.TwoParty, SamplingParameters.Default, 100, 20, 30, Units(170), Units(670), FinishReasons.Stop,
        1_000, 1_100, 2_000, Bytes32.Zero);

    private static readonly ReceiptExpectation Expected = new()
    {
        RequestId = Request,
        Index = 4,
        ChannelId = Channel,
        OfferHash = TheOffer.Hash(Domain),
        Offer = TheOffer,
        NodeKey = Node.Address,
        RequestCommitment = Commitments.Request(Salt, "body"u8),
        GatewayNonce = Hash("gateway nonce"),
        KnownNonce = Nonces.Nonce(2),
        KnownIndex = 2,
        OpenedNonce = Nonces.Nonce(4),
        KeySource = KeySources.TwoParty,
        Sampling = SamplingParameters.Default,
        Base = Units(500),
        Ceiling = Units(728),
        PromptTokens = 120,
        MostCached = 50,
        MostOutput = 64,
    };

    private static readonly Delivered Whole = Delivered.Of(Salt, Prompt, [Output], FinishReasons.Stop);

    private static readonly Receipt Crashed = True with
    {
        OutputTokens = 16, Charge = Units(142), Cumulative = Units(642), FinishReason = FinishReasons.Error,
        OutputCommitment = Bytes32.Zero,
    };

    public static TheoryData<string, Func<Receipt, Receipt>> Lies => new()
    {
        { "receipt_request_id", receipt => receipt with { RequestId = RequestId.FromBytes(new byte[16]) } },
        { "receipt_index", receipt => receipt with { Index = 5, ProviderNonce = Nonces.Nonce(5) } },
        { "receipt_channel", receipt => receipt with { ChannelId = Hash("other") } },
        { "receipt_offer", receipt => receipt with { OfferHash = Hash("other") } },
        { "receipt_model", receipt => receipt with { ModelDigest = Hash("other") } },
        { "receipt_request_commitment", receipt => receipt with { RequestCommitment = Hash("other") } },
        { "receipt_prompt_commitment", receipt => receipt with { PromptCommitment = Hash("other") } },
        { "receipt_prompt_commitment", receipt => receipt with { PromptCommitment = Bytes32.Zero } },
        { "receipt_output_commitment", receipt => receipt with { OutputCommitment = Hash("other") } },
        { "receipt_output_commitment", receipt => receipt with { OutputCommitment = Bytes32.Zero } },
        { "receipt_gateway_nonce", receipt => receipt with { GatewayNonce = Hash("other") } },
        { "receipt_provider_nonce", receipt => receipt with { ProviderNonce = Nonces.Nonce(5) } },
        { "receipt_provider_nonce", receipt => receipt with { ProviderNonce = Hash("other") } },
        { "receipt_key_source", receipt => receipt with { KeySource = KeySources.AppSeed } },
        { "receipt_sampling", receipt => receipt with { Sampling = receipt.Sampling with { Temperature = 0.5 } } },
        { "receipt_input_tokens", receipt => Counted(receipt, 101, 20, 30) },
        { "receipt_input_tokens", receipt => Counted(receipt, 99, 20, 30) },
        { "receipt_input_tokens", receipt => Counted(receipt, 0, 0, 30) },
        { "receipt_cached", receipt => Counted(receipt, 69, 51, 30) },
        { "receipt_output_tokens", receipt => Counted(receipt, 100, 20, 31) },
        { "receipt_output_tokens", receipt => Counted(receipt, 100, 20, 29) },
        { "receipt_output_tokens", receipt => Counted(receipt, 100, 20, 65) },
        { "receipt_charge", receipt => receipt with { Charge = Units(171), Cumulative = Units(671) } },
        { "receipt_charge", receipt => receipt with { Charge = Units(169), Cumulative = Units(669) } },
        { "receipt_cumulative", receipt => receipt with { Cumulative = Units(671) } },
        { "receipt_cumulative", receipt => receipt with { Cumulative = Units(171) } },
        { "receipt_cumulative", receipt => receipt with { Cumulative = Amount.MaxValue } },
        { "receipt_finish_reason", receipt => receipt with { FinishReason = FinishReasons.Length } },
        { "receipt_malformed", receipt => receipt with { KeySource = "mine" } },
        { "receipt_malformed", receipt => receipt with { FinishReason = "" } },
        { "receipt_malformed", receipt => receipt with { Cumulative = Units(1) } },
    };

    [Fact]
    public void A_true_receipt_holds()
    {
        var held = Check(True).Value;
        Assert.Equal((True, false, false), (held.Receipt, held.IsCrash, held.IsFailure));
    }

    [Theory]
    [MemberData(nameof(Lies), DisableDiscoveryEnumeration = true)]
    public void Every_lie_is_named(string code, Func<Receipt, Receipt> lie)
    {
        // Signed by the node key, so that only the lie itself can be found. Sign refuses what is malformed.
        var receipt = lie(True);
        var signature = Node.Sign(Eip712.Digest(Domain.Domain, receipt.StructHash()));
        var refusal = ReceiptRules.Check(Domain, new Signed<Receipt>(receipt, signature), Expected, Whole).Refusal;
        Assert.Equal((code, Fault.Theirs), (refusal?.Code, refusal!.Fault));
    }

    [Fact]
    public void Only_the_node_key_signs_receipts_for_this_chain_and_registry()
    {
        var forged = Signed<Receipt>.Sign(True, Stranger, Domain);
        Refuses("receipt_signer", ReceiptRules.Check(Domain, forged, Expected, Whole));
        var elsewhere = Signed<Receipt>.Sign(True, Node, new SoukDomain(1, Domain.Contract));
        Refuses("receipt_signer", ReceiptRules.Check(Domain, elsewhere, Expected, Whole));
    }

    [Fact]
    public void A_receipt_above_the_ceiling_is_refused()
    {
        Assert.True(Check(True, Expected with { Ceiling = Units(670) }).IsOk);
        Refuses("receipt_above_ceiling", Check(True, Expected with { Ceiling = Units(669) }));
    }

    [Fact]
    public void A_nonce_is_hashed_back_to_the_last_one_known()
    {
        Assert.True(Check(True, Expected with { KnownNonce = Nonces.Anchor, KnownIndex = 0 }).IsOk);
        Assert.True(Check(True, Expected with { OpenedNonce = null }).IsOk);
        Refuses("receipt_provider_nonce", Check(True, Expected with { KnownNonce = Nonces.Nonce(4), KnownIndex = 4 }));
        Refuses("receipt_provider_nonce", Check(True, Expected with { OpenedNonce = Nonces.Nonce(3) }));
    }

    [Fact]
    public void A_broken_stream_is_checked_without_its_finish_reason()
    {
        var broken = Whole with { FinishReason = null };
        Assert.True(Check(True with { FinishReason = FinishReasons.Cancelled }, delivered: broken).IsOk);
    }

    [Fact]
    public void Choices_are_counted_together()
    {
        var choices = Delivered.Of(Salt, Prompt, [Output[..10], Output[10..]], FinishReasons.Stop);
        Assert.Equal(30UL, choices.OutputTokens);
        var receipt = True with { OutputCommitment = choices.OutputCommitment };
        Assert.True(Check(receipt, delivered: choices).IsOk);
        Refuses("receipt_output_commitment", Check(True, delivered: choices));
    }

    [Fact]
    public void After_a_crash_input_and_no_more_than_was_received_are_charged()
    {
        var broken = Whole with { FinishReason = null };
        var held = Check(Crashed, delivered: broken).Value;
        Assert.Equal((true, true), (held.IsCrash, held.IsFailure));
        Assert.True(Check(Crashed).IsOk); // The crash may fall between the last chunk and the receipt.
        Refuses("receipt_output_tokens", Check(Counted(Crashed, 100, 20, 31), delivered: broken));
        Assert.True(Check(Empty(Crashed), delivered: broken).IsOk);
    }

    [Fact]
    public void A_request_that_the_provider_ended_before_its_first_token_costs_nothing()
    {
        var nothing = Delivered.Of(Salt, Prompt, [[]], null);
        var failed = Empty(True with
        {
            FinishReason = FinishReasons.Error, OutputCommitment = nothing.OutputCommitment,
        });
        var held = Check(failed, delivered: nothing).Value;
        Assert.Equal((false, true), (held.IsCrash, held.IsFailure));
        Assert.True(Check(failed with { PromptCommitment = Bytes32.Zero }, delivered: nothing).IsOk);
        Refuses("receipt_charge", Check(Counted(failed, 100, 20, 0), delivered: nothing));
    }

    [Fact]
    public void A_request_cancelled_during_prefill_costs_its_input()
    {
        var nothing = Delivered.Of(Salt, Prompt, [[]], null);
        var cancelled = Counted(
            True with { FinishReason = FinishReasons.Cancelled, OutputCommitment = nothing.OutputCommitment },
            100, 20, 0);
        Assert.Equal(Units(110), Check(cancelled, delivered: nothing).Value.Receipt.Charge);
    }

    [Fact]
    public void Where_ids_are_not_told_counts_are_bounded()
    {
        var offer = TheOffer with { Counting = CountingKinds.Usage };
        var expected = Expected with
        {
            Offer = offer, OfferHash = offer.Hash(Domain), PromptTokens = 1_500,
        };
        var receipt = True with
        {
            OfferHash = offer.Hash(Domain), PromptCommitment = Bytes32.Zero, OutputCommitment = Bytes32.Zero,
        };
        var delivered = new Delivered(Bytes32.Zero, Bytes32.Zero, 0, FinishReasons.Stop);
        Assert.True(Check(receipt, expected, delivered).IsOk);
        Refuses("receipt_input_tokens", Check(Counted(receipt, 1_481, 20, 30), expected, delivered));
        Refuses("receipt_output_tokens", Check(Counted(receipt, 100, 20, 65), expected, delivered));
        Refuses("receipt_commitments", Check(receipt with { OutputCommitment = Hash("x") }, expected, delivered));
    }

    [Fact]
    public void Hostile_counts_neither_wrap_nor_throw()
    {
        var receipt = True with { InputTokens = ulong.MaxValue, CachedTokens = 121, OutputTokens = ulong.MaxValue };
        var loose = Expected with { MostCached = ulong.MaxValue, MostOutput = ulong.MaxValue };
        // 2^64 - 1 + 121 would be 120 if it wrapped.
        Refuses("receipt_input_tokens", Check(receipt, loose));
    }

    private static Receipt Counted(Receipt receipt, ulong input, ulong cached, ulong output)
    {
        var charge = new Amount((UInt128)ChargeOf(TheOffer.Prices, input, cached, output));
        return receipt with
        {
            InputTokens = input, CachedTokens = cached, OutputTokens = output, Charge = charge,
            Cumulative = charge + Units(500),
        };
    }

    private static Receipt Empty(Receipt receipt) => Counted(receipt, 0, 0, 0);

    private static Result<CheckedReceipt> Check(
        Receipt receipt, ReceiptExpectation? expected = null, Delivered? delivered = null) =>
        ReceiptRules.Check(
            Domain, Signed<Receipt>.Sign(receipt, Node, Domain), expected ?? Expected, delivered ?? Whole);

    private static void Refuses(string code, Result<CheckedReceipt> result) =>
        Assert.Equal((code, Fault.Theirs), (result.Refusal?.Code, result.Refusal!.Fault));
}
