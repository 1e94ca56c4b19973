using Souk.Protocol;

namespace Souk.Market.Tests.Messages;

/// <summary>Small true messages of one market: real keys, and distinct values in every field. Compiled into each
/// project that wants them, so that rooms' tests need no other room.</summary>
internal static class Sample
{
    public static readonly SoukDomain Domain = new(31337, AddressOf(90));
    public static readonly EscrowDomain Escrow = new(31337, AddressOf(91));
    public static readonly PrivateKey Customer = Key(1);
    public static readonly PrivateKey Node = Key(2);
    public static readonly Bytes32 Model = Hash("model");

    public static readonly ChannelConfig Config = new(
        AddressOf(1), Customer.Address, AddressOf(2), AddressOf(3), AddressOf(4), 86_400, Hash("salt"));

    public static readonly Bytes32 Channel = Config.Id(Escrow);

    /// <summary>An offer, issued at 1,000 seconds for 600.</summary>
    public static readonly Offer AnOffer = new()
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
        Sequence = 1,
        IssuedAt = 1_000,
        Expiry = 1_600,
        HeartbeatAnchor = Hash("heartbeat"),
    };

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
}
