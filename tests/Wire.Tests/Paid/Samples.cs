using CsCheck;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.Tests.Paid;

/// <summary>Well-formed messages with arbitrary content.</summary>
internal static class Samples
{
    public static readonly PrivateKey Key = PrivateKey.FromBytes(Enumerable.Repeat((byte)7, 32).ToArray());
    public static readonly SoukDomain Domain = new(31337, Address.FromBytes(new byte[20]));

    public static readonly Gen<byte[]> Bytes32s = Gen.Byte.Array[32];

    public static readonly Gen<Bytes32> Hash = Bytes32s.Select(b => Bytes32.FromBytes(b));
    public static readonly Gen<Address> Account = Gen.Byte.Array[20].Select(b => Address.FromBytes(b));
    public static readonly Gen<RequestId> Id = Gen.Byte.Array[16].Select(b => RequestId.FromBytes(b));
    public static readonly Gen<Salt> Salts = Gen.Byte.Array[16].Select(b => Salt.FromBytes(b));
    public static readonly Gen<Amount> Money =
        Gen.Select(Gen.ULong, Gen.ULong).Select((high, low) => new Amount(new UInt128(high, low)));

    public static readonly Gen<Signature> Signatures = Gen.Select(Hash, Hash, Gen.Bool)
        .Select((r, s, odd) => new Signature(r, s, (byte)(odd ? 28 : 27)));

    public static readonly Gen<Voucher> Vouchers =
        Gen.Select(Hash, Money, Signatures).Select((channel, ceiling, by) => new Voucher(channel, ceiling, by));

    public static readonly Gen<ChannelConfig> Channels =
        Gen.Select(Account, Account, Account, Account, Account, Gen.UInt, Hash)
            .Select((a, b, c, d, e, delay, salt) => new ChannelConfig(a, b, c, d, e, delay, salt));

    public static readonly Gen<Continuation?> Continuations =
        Gen.Select(Gen.UInt.Array[4], Gen.Int[0, 255], Gen.Int[0, (1 << 24) - 1], Gen.Bool).Select(
            (key, choice, position, isThere) => isThere
                ? new Continuation(new(key[0], key[1], key[2], key[3]), choice, position)
                : null);

    public static readonly Gen<PaidRequest> Requests =
        Gen.Select(Id, Hash, Gen.ULong[1, ulong.MaxValue], Hash, Salts, Channels, Vouchers, Continuations).Select(
            (id, offer, index, nonce, salt, channel, voucher, continuation) =>
                new PaidRequest(id, offer, index, nonce, salt, channel, voucher, continuation) { Gather = index % 3 });

    public static readonly Signed<Receipt> SignedReceipt = Signed.Sign(
        new Receipt(
            RequestId.Parse(new string('a', 32)), 3, H(1), H(2), H(3), H(4), H(5), H(6), H(7), H(8),
            KeySources.TwoParty, SamplingParameters.Default, 10, 2, 30, new(123), new(456), FinishReasons.Stop, 1, 2, 3,
            H(9)),
        Key,
        Domain);

    public static readonly Signed<Offer> SignedOffer = Signed.Sign(
        new Offer
        {
            Provider = Key.Address,
            ModelDigest = H(1),
            WeightsRoot = H(2),
            TokenizerRoot = H(3),
            TemplateRoot = H(4),
            Numerics = "f32/f32/f32",
            PublicName = "demo",
            InputPrice = new(1),
            CachedPrice = new(1),
            OutputPrice = new(2),
            Context = 4096,
            MaxOutput = 1024,
            SliceLeast = 16,
            SliceGreatest = 512,
            Features = ["stream"],
            Concurrency = 4,
            Region = "eu",
            Hardware = "cpu",
            Engine = "onnx",
            Sampler = Sampler.Name,
            Counting = "ids",
            DataPolicy = "none",
            Endpoint = "https://provider.example:8443",
            SpkiHash = H(5),
            Escrow = Key.Address,
            Currency = Key.Address,
            Payout = Key.Address,
            Authorizer = Key.Address,
            WithdrawDelay = 3600,
            MinimumDeposit = new(1000),
            Sequence = 1,
            IssuedAt = 1_700_000_000,
            Expiry = 1_700_000_600,
            HeartbeatAnchor = H(6),
        },
        Key,
        Domain);

    public static Bytes32 H(byte fill) => Bytes32.FromBytes(Enumerable.Repeat(fill, 32).ToArray());
}
