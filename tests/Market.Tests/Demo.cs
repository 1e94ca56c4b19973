using System.Numerics;
using Souk.Market.Offers;
using Souk.Protocol;

namespace Souk.Market.Tests;

/// <summary>A small true market: signed by real keys, with distinct values in every field.</summary>
internal static class Demo
{
    public const ulong Now = 1_000_000;

    public static readonly SoukDomain Domain = new(31337, AddressOf(90));
    public static readonly EscrowDomain Escrow = new(31337, AddressOf(91));
    public static readonly PrivateKey Customer = Key(1);
    public static readonly PrivateKey Node = Key(2);
    public static readonly PrivateKey Stranger = Key(3);
    public static readonly Bytes32 Model = Hash("model");

    public static readonly ChannelConfig Config = new(
        AddressOf(1), Customer.Address, AddressOf(2), AddressOf(3), AddressOf(4), 86_400, Hash("salt"));

    public static readonly Bytes32 Channel = Config.Id(Escrow);

    public static readonly Heartbeat Beats = new(Hash("heartbeat secret"), Now);

    public static readonly Offer TheOffer = new()
    {
        Provider = AddressOf(9),
        ModelDigest = Model,
        WeightsRoot = Hash("weights"),
        TokenizerRoot = Hash("tokenizer"),
        TemplateRoot = Hash("template"),
        Numerics = "w=bf16,a=bf16,kv=bf16",
        PublicName = "demo",
        InputPrice = Units(1_000_000),
        CachedPrice = Units(500_000),
        OutputPrice = Units(2_000_000),
        Context = 4096,
        MaxOutput = 2048,
        SliceLeast = 64,
        SliceGreatest = 1024,
        Features = ["json", "tools"],
        Concurrency = 4,
        Region = "eu-west",
        Hardware = "2x RTX 4090",
        Engine = "onnx 1",
        Sampler = "souk-gumbel-1",
        Counting = CountingKinds.Ids,
        DataPolicy = "keeps nothing",
        Endpoint = "https://node.example:8443",
        SpkiHash = Hash("spki"),
        Escrow = Escrow.Escrow,
        Currency = Config.Token,
        Payout = Config.Receiver,
        Authorizer = Config.ReceiverAuthorizer,
        WithdrawDelay = 86_400,
        MinimumDeposit = Units(10_000),
        Sequence = 5,
        IssuedAt = Now,
        Expiry = Now + 600,
        HeartbeatAnchor = Beats.Anchor,
    };

    public static readonly RegistryEntry Entry = new(
        TheOffer.Provider, IsActive: true, [new KeySet(Node.Address, TheOffer.Payout, TheOffer.Authorizer, 500)],
        TheOffer.Endpoint, Units(77), AddressOf(80));

    public static readonly OfferTerms Terms = new(Domain, Escrow.Escrow, Config.Token);

    public static PrivateKey Key(byte number)
    {
        var bytes = new byte[32];
        bytes[31] = number;
        return PrivateKey.FromBytes(bytes);
    }

    public static Address AddressOf(byte number)
    {
        var bytes = new byte[20];
        bytes[0] = 0xA0;
        bytes[19] = number;
        return Address.FromBytes(bytes);
    }

    public static Bytes32 Hash(string text) => Sha.Hash(System.Text.Encoding.UTF8.GetBytes(text));

    public static Amount Units(ulong units) => new(units);

    public static Signed<Offer> Sign(Offer offer) => Signed<Offer>.Sign(offer, Node, Domain);

    public static VerifiedOffer Verified(Offer offer, TrustTier tier = TrustTier.Unaudited) =>
        new(Sign(offer), offer.Hash(Domain), Node.Address, Entry.Stake, tier);

    /// <summary>The charge by the words of the protocol, in numbers without bounds.</summary>
    public static BigInteger ChargeOf(Prices prices, BigInteger input, BigInteger cached, BigInteger output)
    {
        var millionths = (input * (BigInteger)prices.Input.Units) + (cached * (BigInteger)prices.Cached.Units)
            + (output * (BigInteger)prices.Output.Units);
        return BigInteger.Divide(millionths + 999_999, 1_000_000);
    }
}
