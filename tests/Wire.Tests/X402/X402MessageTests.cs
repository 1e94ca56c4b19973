using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.Protocol;
using Souk.Wire.Tests.Paid;
using Souk.Wire.X402;

namespace Souk.Wire.Tests.X402;

/// <summary>
/// Messages of x402 as the unmodified npm packages write them as client and as server
/// (<c>contracts/test/node/x402.messages.mjs</c>), and as this room writes them.
/// </summary>
public sealed class X402MessageTests
{
    private static readonly (string Name, string Kind, string Header)[] Recorded = ReadRecorded();

    private static readonly Gen<PaymentPayload> Payments = Gen.Select(
        Samples.Channels, Samples.Vouchers, Samples.Money, Samples.Hash, Gen.ULong, Gen.Int[0, 2], Gen.Byte.Array[65])
        .Select((config, voucher, amount, salt, time, kind, signature) => new PaymentPayload(
            Terms(config, amount),
            kind switch
            {
                0 => new VoucherPayload(config, voucher),
                1 => new RefundPayload(config, voucher, time % 2 == 0 ? amount : null),
                _ => new DepositPayload(config, voucher, amount, new(time, time / 2, salt, signature)),
            })
        {
            Resource = new("https://souk.example/v1", "Ü \"quoted\"", "text/plain"),
            Extensions = time % 3 == 0 ? """{"a":{"info":[1,2]}}""" : null,
        });

    [Fact]
    public void The_packages_own_deposit_is_read()
    {
        var payment = PaymentPayload.FromHeader(Header("deposit", "payment")).Value;
        var json = Json("deposit", "payment");
        var deposit = Assert.IsType<DepositPayload>(payment.Payload);

        Assert.Equal(Text(json, "payload", "deposit", "amount"), deposit.Amount.ToString());
        Assert.Equal(
            Text(json, "payload", "deposit", "authorization", "erc3009Authorization", "salt"),
            deposit.Proof.Salt.ToString());
        Assert.Equal(65, deposit.Proof.Signature.Length);
        Assert.Equal(0ul, deposit.Proof.ValidAfter);
        Assert.True(deposit.Proof.ValidBefore > 1_700_000_000);
        Assert.Equal(31337ul, payment.Accepted.ChainId);
        Assert.Equal("1000", payment.Accepted.Amount.ToString());
    }

    [Fact]
    public void The_packages_own_vouchers_hold_for_our_channel_ids_and_digests()
    {
        var escrow = new EscrowDomain(31337, Address.Parse("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"));

        Assert.All(Recorded.Where(m => m.Kind == "payment"), recorded =>
        {
            var payload = PaymentPayload.FromHeader(recorded.Header).Value.Payload;

            Assert.Equal(payload.Voucher.ChannelId, payload.Config.Id(escrow));
            Assert.Equal(payload.Config.PayerAuthorizer, payload.Voucher.Signer(escrow));
        });
    }

    [Fact]
    public void The_packages_own_refunds_are_read()
    {
        var part = PaymentPayload.FromHeader(Header("partial refund", "payment")).Value.Payload;
        var rest = PaymentPayload.FromHeader(Header("full refund", "payment")).Value.Payload;

        Assert.Equal("1500", Assert.IsType<RefundPayload>(part).Amount?.ToString());
        Assert.Null(Assert.IsType<RefundPayload>(rest).Amount);
    }

    [Fact]
    public void The_packages_own_402_is_read_with_its_hints()
    {
        var required = PaymentRequired.FromHeader(Header("deposit", "required")).Value;
        var terms = Assert.Single(required.Accepts);

        Assert.Equal("Beyond ASCII: ü, 市場", required.Resource.Description);
        Assert.Equal("10000", terms.Extra.MinDeposit?.ToString());
        Assert.Equal(900u, terms.Extra.WithdrawDelay);
        Assert.Equal("Souk Development Dollar", terms.Extra.CurrencyName);
        Assert.Null(terms.Extra.ChannelState);
    }

    [Fact]
    public void The_packages_own_corrective_402_is_read_with_its_proof()
    {
        var corrective = Recorded.Last(m => m.Kind == "required" && m.Name.StartsWith("voucher of a client",
            StringComparison.Ordinal));
        var required = PaymentRequired.FromHeader(corrective.Header).Value;
        var extra = Assert.Single(required.Accepts).Extra;

        Assert.Equal(X402Errors.CumulativeMismatch, required.Error);
        Assert.Equal("2000", extra.ChannelState?.Charged?.ToString());
        Assert.Equal("10000", extra.ChannelState?.Balance.ToString());
        Assert.Equal("2000", extra.VoucherState?.SignedMaxClaimable.ToString());
    }

    [Theory]
    [InlineData("deposit", "10000", "1000", "1000")]
    [InlineData("voucher", null, "1000", "2000")]
    [InlineData("partial refund", "1500", null, "4000")]
    [InlineData("full refund", "4500", null, "4000")]
    public void The_packages_own_settlements_are_read(string name, string? amount, string? charged, string total)
    {
        var response = SettlementResponse.FromHeader(Header(name, "response")).Value;

        Assert.True(response.Success);
        Assert.Equal(amount, response.Amount?.ToString());
        Assert.Equal(amount is null, response.Transaction is null);
        Assert.Equal(charged, response.Charged?.ToString());
        Assert.Equal(total, response.ChannelState?.Charged?.ToString());
    }

    [Fact]
    public void What_was_read_is_echoed_to_the_letter() =>
        Assert.All(Recorded.Where(m => m.Kind == "required"), recorded =>
        {
            var terms = PaymentRequired.FromHeader(recorded.Header).Value.Accepts[0];
            var payment = new PaymentPayload(terms, new VoucherPayload(
                Samples.Channels.Single(), Samples.Vouchers.Single()));
            var echoed = JsonNode.Parse(payment.ToJson().Span)!["accepted"]!;

            Assert.True(JsonNode.DeepEquals(Decode(recorded.Header)["accepts"]![0], echoed));
        });

    [Fact]
    public void A_payment_survives_its_header() => Payments.Sample(payment =>
    {
        var read = PaymentPayload.FromHeader(payment.ToHeader()).Value;

        Assert.Equal(payment.Accepted with { Verbatim = null }, read.Accepted with { Verbatim = null });
        Assert.Equal((payment.Resource, payment.Extensions), (read.Resource, read.Extensions));
        Assert.Equal(payment.Payload.GetType(), read.Payload.GetType());
        Assert.Equal((payment.Payload.Config, payment.Payload.Voucher), (read.Payload.Config, read.Payload.Voucher));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse(payment.ToJson().Span), JsonNode.Parse(read.ToJson().Span)));
    });

    [Fact]
    public void A_corrective_402_survives_its_header() =>
        Gen.Select(Samples.Channels, Samples.Money, Samples.Hash, Samples.Signatures, Gen.ULong).Sample(
            (config, amount, id, signature, time) =>
            {
                var terms = Terms(config, amount);
                var state = new ChannelState(id, amount, amount, time, amount.Units, amount);
                var required = new PaymentRequired(
                    X402Errors.CumulativeMismatch,
                    new("https://souk.example"),
                    [
                        terms with
                        {
                            Extra = terms.Extra with
                            {
                                MinDeposit = amount, ChannelState = state, VoucherState = new(amount, signature),
                            },
                        },
                    ]);
                var read = PaymentRequired.FromHeader(required.ToHeader()).Value;

                Assert.Equal(required.Error, read.Error);
                Assert.Equal(required.Accepts[0], read.Accepts[0] with { Verbatim = null });
            });

    [Fact]
    public void A_settlement_survives_its_header() =>
        Gen.Select(Samples.Account, Samples.Money, Samples.Hash, Gen.Bool, Gen.Bool).Sample(
            (payer, amount, id, isOnChain, isSuccess) =>
            {
                var response = new SettlementResponse(isSuccess, 8453)
                {
                    ErrorReason = isSuccess ? null : X402Errors.Busy,
                    Payer = payer,
                    Transaction = isOnChain ? id : null,
                    Amount = isOnChain ? amount : null,
                    Charged = isSuccess ? amount : null,
                    ChannelState = new ChannelState(id, amount, amount, 0, 1, isSuccess ? amount : null),
                };

                Assert.Equal(response, SettlementResponse.FromHeader(response.ToHeader()).Value);
            });

    [Fact]
    public void A_facilitators_request_survives_its_body() => Payments.Sample(payment =>
    {
        var read = FacilitatorRequest.Parse(new FacilitatorRequest(payment, payment.Accepted).ToJson()).Value;

        Assert.Equal(payment.ToHeader(), read.Payment.ToHeader());
        Assert.Equal(payment.Accepted, read.Requirements with { Verbatim = null });
        Assert.Equal(Fault.Theirs, FacilitatorRequest.Parse(payment.ToJson()).Refusal!.Fault);
        Assert.Equal(WireCodes.TooLarge, FacilitatorRequest.Parse(new byte[1 << 20]).Refusal!.Code);
    });

    [Fact]
    public void Ways_to_pay_of_other_schemes_and_chains_are_passed_over()
    {
        var json = Decode(Header("deposit", "required"));
        var accepts = json["accepts"]!.AsArray();
        accepts.Insert(0, JsonNode.Parse("""{"scheme":"exact","network":"solana:x","amount":"$1","extra":7}"""));
        accepts.Add(JsonNode.Parse("""{"scheme":"batch-settlement","network":"solana:x","asset":"y"}"""));
        accepts.Add(JsonNode.Parse("{}"));

        Assert.Single(PaymentRequired.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())).Value.Accepts);
    }

    [Fact]
    public void A_damaged_message_is_read_or_refused_as_theirs_but_never_thrown_at() =>
        Gen.Select(Gen.Int[0, Recorded.Length - 1], Gen.Int[0, 5000], Gen.Byte, Gen.Int[0, 3]).Sample(
            (which, at, with, how) =>
            {
                var valid = Convert.FromBase64String(Recorded[which].Header);
                at %= valid.Length;
                byte[] damaged = how switch
                {
                    0 => [.. valid[..at], with, .. valid[(at + 1)..]],
                    1 => valid[..at],
                    2 => [.. valid[..at], .. valid[(at + 1)..]],
                    _ => [.. valid[..at], with, .. valid[at..]],
                };
                var refusal = Read(Recorded[which].Kind, X402Header.Encode(damaged));

                Assert.True(refusal is null or { Fault: Fault.Theirs });
                Assert.True(how != 1 || refusal is not null, "A cut message was taken for a whole one.");
            },
            iter: 20_000);

    [Theory]
    [InlineData("")]
    [InlineData("!!!")]
    [InlineData("AAAA")]
    [InlineData("e30=")]
    [InlineData(null)]
    public void Odd_headers_are_refused_as_theirs(string? header)
    {
        Assert.All(
            (string[])["payment", "required", "response"], kind =>
                Assert.Equal(Fault.Theirs, Read(kind, header)!.Fault));
    }

    [Fact]
    public void A_giant_header_is_refused_before_it_is_decoded()
    {
        var giant = new string('A', (X402Header.MostBytes * 4 / 3) + 8);

        Assert.All(
            (string[])["payment", "required", "response"],
            kind => Assert.Equal(WireCodes.TooLarge, Read(kind, giant)!.Code));
    }

    [Fact]
    public void Terms_are_the_same_where_price_and_channel_are()
    {
        var terms = Terms(Samples.Channels.Single(), new(1000));

        Assert.True(terms.HasTermsOf(terms with { Verbatim = "{}", MaxTimeoutSeconds = 1 }));
        Assert.False(terms.HasTermsOf(terms with { ChainId = 1 }));
        Assert.False(terms.HasTermsOf(terms with { Amount = new(1001) }));
        Assert.False(terms.HasTermsOf(terms with { Asset = Samples.Key.Address }));
        Assert.False(terms.HasTermsOf(terms with { PayTo = Samples.Key.Address }));
        Assert.False(terms.HasTermsOf(terms with
        {
            Extra = terms.Extra with { ReceiverAuthorizer = Samples.Key.Address },
        }));
        Assert.False(terms.HasTermsOf(terms with { Extra = terms.Extra with { WithdrawDelay = 1 } }));
    }

    private static PaymentRequirements Terms(ChannelConfig config, Amount amount) => new(
        31337,
        amount,
        config.Token,
        config.Receiver,
        3600,
        new(config.ReceiverAuthorizer, config.WithdrawDelay, "Dollar", "1"));

    private static Refusal? Read(string kind, string? header) => kind switch
    {
        "payment" => PaymentPayload.FromHeader(header).Refusal,
        "required" => PaymentRequired.FromHeader(header).Refusal,
        _ => SettlementResponse.FromHeader(header).Refusal,
    };

    private static string Header(string name, string kind) =>
        Recorded.First(m => m.Name == name && m.Kind == kind).Header;

    private static JsonNode Json(string name, string kind) => Decode(Header(name, kind));

    private static JsonNode Decode(string header) => JsonNode.Parse(Convert.FromBase64String(header))!;

    private static string Text(JsonNode node, params string[] path) =>
        path.Aggregate(node, (at, name) => at[name]!).GetValue<string>();

    private static (string Name, string Kind, string Header)[] ReadRecorded()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Souk.slnx")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        var json = File.ReadAllText(Path.Combine(folder, "vectors", "x402", "messages.json"));
        return [.. JsonNode.Parse(json)!.AsArray()
            .Select(m => (Text(m!, "name"), Text(m!, "kind"), Text(m!, "header")))];
    }
}
