using System.Text;
using CsCheck;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.Tests.Paid;

public sealed class MessageTests
{
    private static readonly Gen<RequestChoice> Choices = Gen.Select(
        Gen.Int[0, int.MaxValue].Array[0, 50], Gen.Int[0, 2])
        .Select((ids, reason) => new RequestChoice(ids, reason switch { 0 => null, 1 => "stop", _ => "length" }));

    private static readonly Gen<GuardedClaim> Guarded = Gen.Select(
        Samples.Channels, Samples.Vouchers, Samples.Money, Samples.Signatures)
        .Select((config, voucher, total, by) => new GuardedClaim(config, voucher, total, by));

    /// <summary>Every body that a peer sends, and its reader.</summary>
    private static readonly (byte[] Valid, Func<ReadOnlyMemory<byte>, Refusal?> Parse)[] All =
    [
        (new VoucherRaise(Samples.Vouchers.Single(), 9).ToJson().ToArray(), b => VoucherRaise.Parse(b).Refusal),
        (new ChannelOpening(
            Samples.Channels.Single(), new(new(5), Samples.Account.Single(), new byte[] { 1, 2 })).ToJson().ToArray(),
            b => ChannelOpening.Parse(b).Refusal),
        (new RequestRecord(
            Samples.Id.Single(), RequestState.Ended, [new([1, 2, 3], "stop")], Samples.SignedReceipt)
            .ToJson().ToArray(),
            b => RequestRecord.Parse(b).Refusal),
        (new OfferList([Samples.SignedOffer], "next").ToJson().ToArray(), b => OfferList.Parse(b).Refusal),
        (new HeartbeatList([new(Samples.H(1), Samples.H(2))]).ToJson().ToArray(), b => HeartbeatList.Parse(b).Refusal),
        (new AnnounceReply(1, [new(Samples.H(1), "expired", "It is late.")]).ToJson().ToArray(),
            b => AnnounceReply.Parse(b).Refusal),
        (new GuardRequest(new(5), [Guarded.Single()]).ToJson().ToArray(), b => GuardRequest.Parse(b).Refusal),
        (new GuardReply([new(Samples.H(1), new(5))]).ToJson().ToArray(), b => GuardReply.Parse(b).Refusal),
    ];

    [Fact]
    public void A_raise_survives_its_body() => Gen.Select(Samples.Vouchers, Gen.ULong).Sample((voucher, received) =>
    {
        var raise = new VoucherRaise(voucher, received);
        Assert.Equal(raise, VoucherRaise.Parse(raise.ToJson()).Value);
    });

    [Fact]
    public void Claims_for_a_watchtower_survive_their_body_up_to_the_bound() =>
        Gen.Select(Samples.Money, Guarded.Array[0, GuardRequest.MostClaims]).Sample((unclaimed, claims) =>
        {
            var read = GuardRequest.Parse(new GuardRequest(unclaimed, claims).ToJson()).Value;
            Assert.Equal(unclaimed, read.Unclaimed);
            Assert.Equal(claims, read.Claims);
        }, iter: 20);

    [Fact]
    public void More_claims_than_the_bound_are_refused()
    {
        GuardedClaim[] claims = [.. Enumerable.Repeat(Guarded.Single(), GuardRequest.MostClaims + 1)];
        Assert.NotNull(GuardRequest.Parse(new GuardRequest(new(1), claims).ToJson()).Refusal);
    }

    [Fact]
    public void A_channel_opening_survives_its_body() =>
        Gen.Select(Samples.Channels, Samples.Money, Samples.Account, Gen.Byte.Array[0, 8192], Gen.Bool).Sample(
            (config, amount, collector, data, isRelayed) =>
            {
                var opening = new ChannelOpening(config, isRelayed ? new(amount, collector, data) : null);
                var read = ChannelOpening.Parse(opening.ToJson()).Value;

                Assert.Equal(config, read.Config);
                Assert.Equal(isRelayed, read.Deposit is not null);
                if (isRelayed)
                {
                    Assert.Equal((amount, collector), (read.Deposit!.Amount, read.Deposit.Collector));
                    Assert.Equal(data, read.Deposit.Data.ToArray());
                }
            });

    [Fact]
    public void A_request_record_survives_its_body() =>
        Gen.Select(Samples.Id, Choices.Array[0, 5], Gen.Bool).Sample((id, choices, hasEnded) =>
        {
            var record = new RequestRecord(
                id,
                hasEnded ? RequestState.Ended : RequestState.Running,
                choices,
                hasEnded ? Samples.SignedReceipt : null);
            var read = RequestRecord.Parse(record.ToJson()).Value;

            Assert.Equal((record.Id, record.State, record.Receipt), (read.Id, read.State, read.Receipt));
            Assert.Equal(choices.Select(c => (string.Join(',', c.Ids), c.FinishReason)),
                read.Choices.Select(c => (string.Join(',', c.Ids), c.FinishReason)));
        });

    [Fact]
    public void Offers_and_heartbeats_survive_their_bodies()
    {
        var list = new OfferList([Samples.SignedOffer, Samples.SignedOffer], "page 2");
        var offers = OfferList.Parse(list.ToJson()).Value;
        var beats = HeartbeatList.Parse(new HeartbeatList([new(Samples.H(1), Samples.H(2))]).ToJson()).Value;

        Assert.Equal("page 2", offers.Next);
        Assert.All(offers.Offers, o => Assert.Equal(Samples.Key.Address, o.Signer(Samples.Domain)));
        Assert.Equal([new HeartbeatValue(Samples.H(1), Samples.H(2))], beats.Heartbeats);
    }

    [Fact]
    public void A_receipt_survives_header_and_comment()
    {
        var receipt = Samples.SignedReceipt;
        var comment = Encoding.ASCII.GetString(ReceiptText.ToComment(receipt));

        Assert.StartsWith(": souk-receipt ", comment, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", comment, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', comment.TrimEnd('\n'));
        var inner = Encoding.ASCII.GetBytes(comment.Trim()[2..]);
        Assert.True(ReceiptText.IsReceipt(inner));
        Assert.Equal(receipt, ReceiptText.FromComment(inner).Value);
        Assert.Equal(receipt, ReceiptText.FromHeader(ReceiptText.ToHeader(receipt)).Value);
        Assert.Equal(Fault.Theirs, ReceiptText.FromHeader(new string('A', 1 << 20)).Refusal!.Fault);
        Assert.Equal(Fault.Theirs, ReceiptText.FromHeader("!!!").Refusal!.Fault);
    }

    [Fact]
    public void Valid_bodies_are_read() => Assert.All(All, m => Assert.Null(m.Parse(m.Valid)));

    [Fact]
    public void A_damaged_body_is_read_or_refused_as_theirs_but_never_thrown_at() =>
        Gen.Select(Gen.Int[0, All.Length - 1], Gen.Int[0, 5000], Gen.Byte, Gen.Int[0, 3]).Sample(
            (which, at, with, how) =>
            {
                var (valid, parse) = All[which];
                at %= valid.Length;
                byte[] damaged = how switch
                {
                    0 => [.. valid[..at], with, .. valid[(at + 1)..]],
                    1 => valid[..at],
                    2 => [.. valid[..at], .. valid[(at + 1)..]],
                    _ => [.. valid[..at], with, .. valid[at..]],
                };
                var refusal = parse(damaged);
                Assert.True(refusal is null or { Fault: Fault.Theirs });
                Assert.True(how != 1 || refusal is not null, "A cut body was taken for a whole one.");
            },
            iter: 20_000);

    [Fact]
    public void Any_bytes_are_read_or_refused_as_theirs() =>
        Gen.Select(Gen.Int[0, All.Length - 1], Gen.Byte.Array[0, 200]).Sample((which, bytes) =>
            Assert.Equal(Fault.Theirs, All[which].Parse(bytes)!.Fault));

    [Theory]
    [InlineData("{\"channel_id\":\"\\ud800\"}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]")]
    [InlineData("{\"id\":{},\"choices\":[1],\"config\":[],\"offers\":[null],\"heartbeats\":{},\"refused\":\"\"}")]
    public void Odd_json_is_refused_as_theirs(string json) =>
        Assert.All(All, m => Assert.Equal(Fault.Theirs, m.Parse(Encoding.UTF8.GetBytes(json))!.Fault));

    [Fact]
    public void Bodies_beyond_their_bounds_are_refused_unread() => Assert.All(All, m =>
        Assert.Equal(WireCodes.TooLarge, m.Parse(new byte[(16 << 20) + 1])!.Code));

    [Fact]
    public void Too_many_entries_are_refused()
    {
        var many = new RequestRecord(
            Samples.Id.Single(), RequestState.Running, [.. Enumerable.Repeat(new RequestChoice([1], null), 257)], null);

        Assert.Equal(Fault.Theirs, RequestRecord.Parse(many.ToJson()).Refusal!.Fault);
    }

    [Fact]
    public void The_fault_in_an_error_is_seen_from_the_readers_side()
    {
        foreach (var (sent, read) in new[]
        {
            (Fault.Theirs, Fault.Ours), (Fault.Ours, Fault.Theirs), (Fault.Nobody, Fault.Nobody),
        })
        {
            var body = new WireError(402, "no_money", "Deposit more.", sent).ToJson();
            Assert.Equal(new WireError(402, "no_money", "Deposit more.", read), WireError.Parse(402, body));
        }
    }

    [Fact]
    public void A_peers_words_are_bounded_and_cannot_forge_lines()
    {
        var error = new WireError(400, "c\n", "line\r\n[31mred", Fault.Ours);

        var read = WireError.Parse(400, error.ToJson());

        Assert.DoesNotContain(read.Code + read.Message, char.IsControl);
        Assert.Equal(WireCodes.UnexpectedStatus, WireError.Parse(502, "<html>"u8.ToArray()).Code);
        Assert.Equal(
            WireCodes.UnexpectedStatus,
            WireError.Parse(400, new WireError(400, new string('c', 9000), "", Fault.Ours).ToJson()).Code);
    }
}
