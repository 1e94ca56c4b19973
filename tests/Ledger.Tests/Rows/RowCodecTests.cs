using System.Text;
using Souk.Ledger.Rows;
using Souk.Market.Tests.Messages;
using Souk.Protocol;

namespace Souk.Ledger.Tests.Rows;

public sealed class RowCodecTests
{
    public static TheoryData<int> Each => [.. Enumerable.Range(0, Samples.All.Count)];

    [Theory]
    [MemberData(nameof(Each))]
    public void An_event_comes_back_as_it_was_written(int position)
    {
        var happened = Samples.All[position];
        var entry = RowCodec.ToEntry(happened);
        var back = RowCodec.ToEvent(Row(entry.Kind, entry.Body));
        Assert.Equal(happened.GetType(), back.GetType());
        Assert.Equal(happened.Key, back.Key);
        // Written again it is the same bytes; lists make the records themselves unequal.
        Assert.Equal(
            Encoding.UTF8.GetString(entry.Body.Span), Encoding.UTF8.GetString(RowCodec.ToEntry(back).Body.Span));
        if (happened is not (ClaimSubmitted or ApiKeyChanged))
        {
            Assert.Equal(happened, back);
        }
    }

    [Fact]
    public void There_is_a_sample_of_every_kind_and_a_kind_for_every_event()
    {
        Assert.Equal(RowCodec.Kinds, Samples.All.Select(happened => RowCodec.ToEntry(happened).Kind));
        var events = typeof(LedgerEvent).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(LedgerEvent)) && !type.IsAbstract);
        Assert.Equal(events.Count(), RowCodec.Kinds.Distinct().Count());
    }

    [Fact]
    public void Signatures_survive_the_ledger()
    {
        var receipt = Assert.IsType<ReceiptSigned>(Again(new ReceiptSigned(Samples.Receipt(1, 1, 10, 20), 25)));
        Assert.Equal(Node.Address, receipt.Receipt.Signer(Domain));
        var offer = Assert.IsType<OfferIssued>(Again(new OfferIssued(Hash("o"), Samples.Offer(), 18)));
        Assert.Equal(Node.Address, offer.Offer.Signer(Domain));
        var voucher = Assert.IsType<VoucherAccepted>(Again(Samples.Taken(1, 6_000)));
        Assert.Equal(Sample.Customer.Address, voucher.Voucher.Signer(Escrow));
    }

    [Fact]
    public void The_written_form_is_fixed()
    {
        var entry = RowCodec.ToEntry(new BudgetReserved(
            RequestId.Parse("000102030405060708090a0b0c0d0e0f"), Bytes32.Zero, new Amount(UInt128.MaxValue), 1_700));
        Assert.Equal("budget_reserved", entry.Kind);
        Assert.Equal("000102030405060708090a0b0c0d0e0f", entry.Key);
        Assert.Equal(
            """{"app_request":"000102030405060708090a0b0c0d0e0f","""
            + $"\"key_hash\":\"0x{new string('0', 64)}\","
            + "\"reserved\":\"340282366920938463463374607431768211455\",\"at_ms\":1700}",
            Encoding.UTF8.GetString(entry.Body.Span));
    }

    [Theory]
    [InlineData("budget_released", """{"app_request":"000102030405060708090a0b0c0d0e0f","at_ms":1}""")]
    [InlineData("api_key_revoked", """{"key_hash":"KEY","at_ms":1,"pardoned":true}""")]
    [InlineData("api_key_revoked", """{"key_hash":null,"at_ms":1}""")]
    [InlineData("api_key_revoked", """{"key_hash":"KEY","at_ms":-1}""")]
    [InlineData("api_key_revoked", """{"key_hash":"KEY","at_ms":1""")]
    [InlineData("api_key_pardoned", """{"key_hash":"KEY","at_ms":1}""")]
    public void A_row_of_another_version_is_refused(string kind, string body)
    {
        body = body.Replace("KEY", "0x" + new string('0', 64), StringComparison.Ordinal);
        var refused = Assert.Throws<LedgerFormatException>(
            () => RowCodec.ToEvent(Row(kind, Encoding.UTF8.GetBytes(body))));
        Assert.Contains("row 7", refused.Message, StringComparison.Ordinal);
    }

    private static LedgerEvent Again(LedgerEvent happened)
    {
        var entry = RowCodec.ToEntry(happened);
        return RowCodec.ToEvent(Row(entry.Kind, entry.Body));
    }

    private static LedgerRow Row(string kind, ReadOnlyMemory<byte> body) => new(7, kind, "key", body, Bytes32.Zero);
}
