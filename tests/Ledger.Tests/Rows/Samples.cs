using Souk.Ledger.Rows;
using Souk.Market.Tests.Messages;
using Souk.Protocol;

namespace Souk.Ledger.Tests.Rows;

/// <summary>Small true messages: signed by real keys, with distinct values in every field.</summary>
internal static class Samples
{
    public static RequestId Request(int number)
    {
        var bytes = new byte[16];
        BitConverter.TryWriteBytes(bytes, number);
        return RequestId.FromBytes(bytes);
    }

    public static Voucher Voucher(ulong ceiling) =>
        Protocol.Voucher.Sign(Sample.Customer, Escrow, Channel, Units(ceiling));

    public static Signed<Acceptance> Accepted(ulong charged = 0, ulong index = 0) => Signed<Acceptance>.Sign(
        new Acceptance(Channel, Units(charged), index, new NonceChain(Hash("nonces")).Anchor, 1_000), Node, Domain);

    public static Signed<Offer> Offer(ulong sequence = 1, ulong expiry = 1_600) =>
        Signed<Offer>.Sign(AnOffer with { Sequence = sequence, Expiry = expiry }, Node, Domain);

    public static Signed<Receipt> Receipt(int request, ulong index, ulong charge, ulong cumulative) =>
        Signed<Receipt>.Sign(
            new Receipt(
                Request(request), index, Channel, Hash("offer"), Model, Hash("request"), Hash("prompt"),
                Hash("output"), Hash("gateway nonce"), Hash("provider nonce"), KeySources.TwoParty,
                new SamplingParameters(0.7, 0.9, 40, 0.05, 0.5, -0.5, long.MinValue), 100, 20, 30, Units(charge),
                Units(cumulative), FinishReasons.Stop, 5_000, 5_100, 6_000, Hash("fingerprints")),
            Node,
            Domain);

    public static VoucherIssued Issued(int request, ulong index, ulong ceiling, ulong ids = 0) =>
        new(Voucher(ceiling), Request(request), index, ids, 2_000);

    public static RequestSent Sent(int request, ulong index) => new(
        Request(request), Request(1000 + request), Channel, index, Hash("offer"), Hash("gateway nonce"),
        "000102030405060708090a0b0c0d0e0f", Hash("request"), Hash("prompt"), 120, 512, KeySources.TwoParty, 2_001);

    public static VoucherAccepted Taken(int request, ulong ceiling, ulong ids = 0) =>
        new(Voucher(ceiling), Request(request), ids, 2_000);

    public static RequestAdmitted Admitted(int request, ulong index) => new(
        Request(request), Channel, index, Hash("offer"), Model, Hash("request"), Hash("gateway nonce"),
        Hash("provider nonce"), KeySources.AppSeed, SamplingParameters.Default with { Seed = long.MaxValue }, 2_001);

    public static ChannelSeen Seen(ulong deposit, ulong? confirmed = null, ulong claimed = 0) =>
        new(Channel, Config, Units(deposit), Units(confirmed ?? deposit), Units(claimed), false, 17, 1_900);

    public static KeyLimits Bounded { get; } =
        new(Units(300), 60, 100_000, ["demo", "other"], Units(1_000_000), Units(2_000_000));

    /// <summary>One of every kind of event.</summary>
    public static IReadOnlyList<LedgerEvent> All { get; } =
    [
        new ApiKeyCreated(Hash("key"), "team \"é\"", Units(ulong.MaxValue), 9_000_000_000_000, 1),
        new ApiKeyChanged(Hash("key"), "team", Units(9), null, Bounded, 2),
        new ApiKeyRevoked(Hash("key"), 2),
        new BudgetReserved(Request(1), Hash("key"), new Amount(UInt128.MaxValue), 3),
        new BudgetCharged(Request(1), Hash("key"), Units(4), 4),
        new BudgetReleased(Request(2), Hash("key"), 5),
        new DrawSigned(Channel, Config, Units(6), Hash("draw"), 7_000, 6),
        new ChannelOpened(Channel, AddressOf(9), Config, Units(7), 7),
        new ChannelBalanceSeen(Channel, Units(8), Units(3), 8),
        new AcceptanceAdopted(Accepted(), 9),
        new OfferUsed(Offer().Message.Hash(Domain), Offer(), 10),
        Issued(1, 1, 5_000, 64),
        Sent(1, 1),
        new ReceiptReceived(Receipt(1, 1, 10, 20), 12),
        new RequestRefused(Request(3), Channel, "provider_full", 13),
        new ChannelFrozen(Channel, "receipt_charge", "It charged too much.", Receipt(4, 2, 10, 20), 14),
        new WithdrawalStarted(Channel, Units(15), 15),
        new WithdrawalFinished(Channel, Units(16), 16),
        new LossBooked(Channel, null, Units(17), "claimed_unexplained", 17),
        new SellerTaken(Channel, "https://seller.example/v1", 17),
        new PurchaseSent(Request(5), Request(1005), Channel, 3, Units(900), "x402/demo", 17),
        new PurchaseCharged(Request(5), Channel, Units(700), Units(700), "response", 20, 30, 17),
        new PurchaseLost(Request(6), Channel, "disconnected", 17),
        new OfferIssued(Offer().Message.Hash(Domain), Offer(), 18),
        Seen(100, 50, 10),
        new AcceptanceSigned(Accepted(5, 2), 20),
        Taken(1, 6_000, 128),
        Admitted(1, 1),
        new PrefillBegun(Request(1), 100, 20, Hash("prompt"), 23),
        new DeliveryCounted(Request(1), 24, 24),
        new ReceiptSigned(Receipt(1, 1, 10, 20), 25),
        new ClaimSubmitted(Hash("claim"), [new ClaimedChannel(Channel, Units(26))], 26),
        new ClaimMined(Hash("claim"), Hash("transaction"), 27, 27),
        new ClaimFailed(Hash("claim"), "reverted", 28),
        new Settled(AddressOf(2), AddressOf(4), Units(29), Hash("transaction"), 29),
        new ClaimGuarded(Channel, Seen(1, 1, 1).Config, Taken(1, 6_000, 128).Voucher, Units(30),
            Taken(1, 6_000, 128).Voucher.Signature, 30),
        new GuardEnded(Channel, Units(30), 31),
        new RequestNamed(Hash("name"), Hash("what was asked"), Hash("key"), Request(1), 30),
        new ReplyKept(Hash("name"), Hash("what was asked"), Hash("key"), Request(1), 31, 31),
        new RefundSubmitted(Hash("channel"), Units(30), 3, 30),
        new RefundEnded(Hash("channel"), true, Hash("transaction"), 31),
        new LedgerRepaired(32, 1, 2, 32),
        new CustomerChannelMended(Channel, Units(33), Units(34), 35, Units(36), 33),
        new SpentMended(Hash("key"), Units(34), 34),
        new ProviderChannelMended(Channel, Units(35), 36, Voucher(6_000), Receipt(1, 1, 10, 20), 35),
    ];
}
