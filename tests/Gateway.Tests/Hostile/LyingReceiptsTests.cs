using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Hostile;

/// <summary>Receipts that do not hold: the app is not billed, the channel freezes, the money goes back.</summary>
public sealed class LyingReceiptsTests
{
    public static TheoryData<string> Lies => [.. Forgeries.Keys];

    private static Dictionary<string, Func<Receipt, Receipt>> Forgeries { get; } = new(StringComparer.Ordinal)
    {
        ["receipt_charge"] = receipt => receipt with
        {
            Charge = receipt.Charge + new Amount(1), Cumulative = receipt.Cumulative + new Amount(1),
        },
        ["receipt_cumulative"] = receipt => receipt with { Cumulative = receipt.Cumulative + new Amount(1) },
        ["receipt_output_tokens"] = receipt => receipt with
        {
            OutputTokens = receipt.OutputTokens + 1, Charge = receipt.Charge + new Amount(6),
            Cumulative = receipt.Cumulative + new Amount(6),
        },
        ["receipt_input_tokens"] = receipt => receipt with
        {
            InputTokens = receipt.InputTokens + 1, Charge = receipt.Charge + new Amount(2),
            Cumulative = receipt.Cumulative + new Amount(2),
        },
        ["receipt_cached"] = receipt => receipt with
        {
            CachedTokens = receipt.InputTokens, InputTokens = 0, Charge = receipt.Charge - new Amount(14),
            Cumulative = receipt.Cumulative - new Amount(14),
        },
        ["receipt_output_commitment"] = receipt => receipt with { OutputCommitment = Sha.Hash("x"u8) },
        ["receipt_prompt_commitment"] = receipt => receipt with { PromptCommitment = Sha.Hash("x"u8) },
        ["receipt_request_commitment"] = receipt => receipt with { RequestCommitment = Sha.Hash("x"u8) },
        ["receipt_gateway_nonce"] = receipt => receipt with { GatewayNonce = Sha.Hash("x"u8) },
        ["receipt_provider_nonce"] = receipt => receipt with { ProviderNonce = Sha.Hash("x"u8) },
        ["receipt_index"] = receipt => receipt with { Index = receipt.Index + 1 },
        ["receipt_channel"] = receipt => receipt with { ChannelId = Sha.Hash("x"u8) },
        ["receipt_offer"] = receipt => receipt with { OfferHash = Sha.Hash("x"u8) },
        ["receipt_model"] = receipt => receipt with { ModelDigest = Sha.Hash("x"u8) },
        ["receipt_key_source"] = receipt => receipt with { KeySource = KeySources.AppSeed },
        ["receipt_sampling"] = receipt => receipt with { Sampling = receipt.Sampling with { Temperature = 0.5 } },
        ["receipt_finish_reason"] = receipt => receipt with { FinishReason = "length" },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void A_lying_receipt_is_refused_and_freezes_the_channel(string code) =>
        HostileMarket.Run(async (market, meddler) =>
    {
        meddler.Forge(market, Forgeries[code]);
        var before = await MoneySeen.OfAsync(market);

        var reply = await market.App.ChatAsync();

        Assert.Equal((502, code), (reply.Status, reply.ErrorCode));
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void A_receipt_by_another_key_is_refused() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnEvent = Meddler.Receipts(market.Keys.Stranger, market.Chain.Network.SoukDomain, receipt => receipt);
        var before = await MoneySeen.OfAsync(market);

        var reply = await market.App.ChatAsync();

        Assert.Equal((502, "receipt_signer"), (reply.Status, reply.ErrorCode));
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void A_receipt_for_another_chain_is_refused() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnEvent = Meddler.Receipts(
            market.Keys.Node, market.Chain.Network.SoukDomain with { ChainId = 1 }, receipt => receipt);
        var before = await MoneySeen.OfAsync(market);

        Assert.Equal("receipt_signer", (await market.App.ChatAsync()).ErrorCode);
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void A_streamed_lie_ends_in_an_error_event() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.Forge(market, Forgeries["receipt_charge"]);
        var before = await MoneySeen.OfAsync(market);

        var reply = await market.App.ChatAsync(body => body["stream"] = true);

        Assert.Equal(200, reply.Status);
        Assert.Equal("receipt_charge", (string?)reply.Chunks[^1]["error"]!["code"]);
        Assert.DoesNotContain("[DONE]", reply.Events);
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void Another_nonce_in_the_headers_than_in_the_receipt_is_refused() =>
        HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnHead = headers => headers["souk-provider-nonce"] = Sha.Hash("x"u8).ToString();
        var before = await MoneySeen.OfAsync(market);

        Assert.Equal("receipt_provider_nonce", (await market.App.ChatAsync()).ErrorCode);
        await market.ExpectDisputeAsync(before);
    });

    [Fact]
    public void A_provider_that_claims_more_than_its_receipts_costs_at_most_a_slice() =>
        HostileMarket.Run(async (market, _) =>
        {
            await market.App.ChatAsync();
            var channel = Assert.Single(market.Gateway.Book.Channels.Values, open => !open.Base.IsZero);
            var highest = (await market.ProviderBookAsync()).Channels[channel.Id].Highest!;
            Assert.True(highest.MaxClaimable > channel.Base);
            await market.Chain.Account(market.Keys.Gas).SubmitAsync(
                new Chain.Claim(
                    [new(channel.Config, highest.MaxClaimable, highest.Signature, highest.MaxClaimable)],
                    ClaimBatch.Sign(market.Keys.Authorizer, market.Chain.Network.EscrowDomain,
                        [new(channel.Id, highest.MaxClaimable, highest.MaxClaimable)])),
                CancellationToken.None);

            await market.UntilAsync(() => !market.Gateway.Book.Losses.IsZero, "the loss is booked");

            Assert.Equal(highest.MaxClaimable - channel.Base, market.Gateway.Book.Losses);
            Assert.True(market.Gateway.Book.Losses <= new Amount(16 * 6 + 28));
            Assert.Equal(channel.Id, market.Frozen().Id);
        });
}
