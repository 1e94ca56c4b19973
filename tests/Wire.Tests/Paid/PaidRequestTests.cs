using CsCheck;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.Tests.Paid;

public sealed class PaidRequestTests
{
    [Fact]
    public void Headers_carry_a_request_unchanged() => Samples.Requests.Sample(request =>
    {
        var headers = new WireHeaders();
        request.WriteTo(headers);

        Assert.Equal(request, PaidRequest.Parse(headers).Value);
    });

    [Fact]
    public void Headers_hold_what_the_documentation_says()
    {
        var request = Samples.Requests.Single() with
        {
            Id = RequestId.Parse("000102030405060708090a0b0c0d0e0f"),
            Index = 12,
            Voucher = new(Samples.H(1), new(77), new(Samples.H(2), Samples.H(3), 28)),
            Continuation = new(new(1, 2, 3, 0xabcdef01), 4, 500),
            Gather = 64,
        };
        var headers = new WireHeaders();
        request.WriteTo(headers);

        Assert.Equal("000102030405060708090a0b0c0d0e0f", headers["souk-request-id"]);
        Assert.Equal("12", headers["souk-index"]);
        Assert.Equal(
            $"0x{Repeat("01")};77;0x{Repeat("02")}{Repeat("03")}1c", headers["souk-voucher"]);
        Assert.Equal("000000010000000200000003abcdef01;4;500", headers["souk-continue"]);
        Assert.Equal("64", headers["souk-gather"]);
        static string Repeat(string pair) => string.Concat(Enumerable.Repeat(pair, 32));
    }

    [Theory]
    [InlineData(SoukHeaders.RequestId)]
    [InlineData(SoukHeaders.Offer)]
    [InlineData(SoukHeaders.Index)]
    [InlineData(SoukHeaders.GatewayNonce)]
    [InlineData(SoukHeaders.Salt)]
    [InlineData(SoukHeaders.Channel)]
    [InlineData(SoukHeaders.Voucher)]
    public void A_missing_repeated_or_malformed_header_is_refused_by_name(string name)
    {
        Samples.Requests.Sample(request =>
        {
            foreach (var spoil in new Action<WireHeaders>[]
            {
                h => h[name] = null,
                h => h.Add(name, h[name]!),
                h => h[name] += "0",
                h => h[name] = "",
                h => h[name] = new string('9', 100_000),
            })
            {
                var headers = new WireHeaders();
                request.WriteTo(headers);
                spoil(headers);
                var parsed = PaidRequest.Parse(headers);
                if (parsed.IsOk && name == SoukHeaders.Index)
                {
                    // A further digit can still be an index.
                    Assert.Equal(unchecked(request.Index * 10), parsed.Value.Index);
                    continue;
                }

                Assert.Equal(Fault.Theirs, parsed.Refusal!.Fault);
                Assert.Contains(name, parsed.Refusal.Message, StringComparison.Ordinal);
            }
        }, iter: 20);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1.0")]
    [InlineData("18446744073709551617")]
    public void An_index_that_is_no_number_from_one_is_refused(string index)
    {
        var headers = new WireHeaders();
        Samples.Requests.Single().WriteTo(headers);
        headers[SoukHeaders.Index] = index;

        Assert.False(PaidRequest.Parse(headers).IsOk);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("many")]
    [InlineData("")]
    [InlineData("18446744073709551617")]
    public void A_count_of_tokens_to_gather_that_is_no_number_is_refused(string gather)
    {
        var headers = new WireHeaders();
        Samples.Requests.Single().WriteTo(headers);
        headers[SoukHeaders.Gather] = gather;

        Assert.False(PaidRequest.Parse(headers).IsOk);
    }

    [Fact]
    public void Any_header_text_is_read_or_refused_but_never_thrown_at() =>
        Gen.Select(Samples.Requests, Gen.Int[0, 8], Gen.String).Sample((request, which, text) =>
        {
            var headers = new WireHeaders();
            request.WriteTo(headers);
            string[] names =
            [
                SoukHeaders.RequestId, SoukHeaders.Offer, SoukHeaders.Index, SoukHeaders.GatewayNonce, SoukHeaders.Salt,
                SoukHeaders.Channel, SoukHeaders.Voucher, SoukHeaders.Continuation, SoukHeaders.Gather,
            ];
            headers[names[which]] = new([.. text.Where(c => c is not ('\r' or '\n' or '\0'))]);

            var parsed = PaidRequest.Parse(headers);
            Assert.True(parsed.IsOk || parsed.Refusal!.Fault == Fault.Theirs);
        });

    [Fact]
    public void A_header_cannot_be_split_by_its_value()
    {
        var headers = new WireHeaders();

        Assert.Throws<ArgumentException>(() => headers.Add("souk-index", "1\r\nevil: 1"));
        Assert.Throws<ArgumentException>(() => headers.Add("evil: 1\r\nx", "1"));
    }
}
