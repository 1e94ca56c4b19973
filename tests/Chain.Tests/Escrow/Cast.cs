using Souk.Chain.Evm;
using Souk.Protocol;

namespace Souk.Chain.Tests.Escrow;

/// <summary>The accounts and channels of a sequence, and all that they sign.</summary>
internal sealed class Cast : IDisposable
{
    private readonly PrivateKey[] _keys = [.. Enumerable.Range(1, 8).Select(Key)];

    public Cast(NetworkFile network, Eip712Domain currency)
    {
        (Network, Currency) = (network, currency);
        Channels =
        [
            Channel(0, _keys[2], 4, 900, 1),
            Channel(0, _keys[2], 5, 3600, 2),
            Channel(1, _keys[3], 4, 2_592_000, 3),
            Channel(1, null, 5, 900, 4),
            Channel(0, _keys[3], 4, 900, 5) with { ReceiverAuthorizer = _keys[5].Address },
        ];
    }

    public NetworkFile Network { get; }

    public Eip712Domain Currency { get; }

    public IReadOnlyList<ChannelConfig> Channels { get; }

    /// <summary>The channels, and those into which a broken salt turns them.</summary>
    public IReadOnlyList<ChannelConfig> Watched => [.. Channels, .. Channels.Select(WithOtherSalt)];

    /// <summary>Two payers, two voucher keys, two receivers, the receivers' authorizer, and a stranger.</summary>
    public IReadOnlyList<Address> Accounts => [.. _keys.Select(key => key.Address)];

    public static int Stranger => 7;

    public static ChannelConfig WithOtherSalt(ChannelConfig channel) =>
        channel with { Salt = Keccak256.Hash("another channel"u8) };

    public Signature Voucher(ChannelConfig channel, Amount ceiling, int? key = null) =>
        Of(key, channel.PayerAuthorizer.IsZero ? channel.Payer : channel.PayerAuthorizer)
            .Sign(Protocol.Voucher.Digest(Network.EscrowDomain, channel.Id(Network.EscrowDomain), ceiling));

    public Signature Batch(IReadOnlyList<VoucherClaim> rows, int? key = null) => Of(key, _keys[6].Address).Sign(
        ClaimBatch.Digest(Network.EscrowDomain, [.. rows.Select(row =>
            new ClaimEntry(row.Channel.Id(Network.EscrowDomain), row.Ceiling, row.Total))]));

    public Signature Refund(ChannelConfig channel, UInt128 nonce, Amount amount, int? key = null) =>
        Of(key, _keys[6].Address).Sign(RefundAuthorisation.Digest(
            Network.EscrowDomain, channel.Id(Network.EscrowDomain), nonce, amount));

    /// <summary>The collector's data, signed by the payer for the currency's domain.</summary>
    public ReadOnlyMemory<byte> Deposit(
        Eip712Domain currency, ChannelConfig channel, Amount amount, ulong validBefore, Bytes32 salt, int? key = null)
    {
        var nonce = ReceiveData.Nonce(channel.Id(Network.EscrowDomain), salt);
        var collector = Network.Erc3009Collector!.Value;
        var order = new ReceiveAuthorisation(channel.Payer, collector, amount, validBefore, nonce);
        var signature = order.Sign(Of(key, channel.Payer), currency);
        return ReceiveData.Encode(ReceiveAuthorisation.ValidAfter, validBefore, salt, signature.ToBytes());
    }

    public void Dispose() => Array.ForEach(_keys, key => key.Dispose());

    private PrivateKey Of(int? index, Address otherwise) => index is { } chosen
        ? _keys[chosen]
        : _keys.FirstOrDefault(key => key.Address == otherwise) ?? _keys[Stranger];

    private ChannelConfig Channel(int payer, PrivateKey? authorizer, int receiver, uint delay, byte salt) => new(
        _keys[payer].Address, authorizer?.Address ?? Address.Zero, _keys[receiver].Address, _keys[6].Address,
        Network.Currency, delay, Keccak256.Hash([salt]));

    private static PrivateKey Key(int number) => PrivateKey.FromBytes(Keccak256.Hash([(byte)number]).ToBytes());
}
