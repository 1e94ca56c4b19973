namespace Souk.Protocol;

/// <summary>The unchangeable parameters of an x402 batch-settlement channel; their hash is the channel.</summary>
/// <param name="Payer">Whose money it is: a customer's vault, or a plain x402 client.</param>
/// <param name="PayerAuthorizer">The key that signs vouchers; zero where the payer contract itself judges
/// them.</param>
/// <param name="Receiver">The provider's payout address.</param>
/// <param name="ReceiverAuthorizer">The key that signs claims and refunds.</param>
/// <param name="Token">The currency (an ERC-20 contract).</param>
/// <param name="WithdrawDelay">Seconds between asking for the rest back and getting it; 900 to 2,592,000.</param>
/// <param name="Salt">Tells apart channels of the same parties.</param>
public sealed record ChannelConfig(
    Address Payer,
    Address PayerAuthorizer,
    Address Receiver,
    Address ReceiverAuthorizer,
    Address Token,
    uint WithdrawDelay,
    Bytes32 Salt)
{
    /// <summary>Least withdraw delay that the escrow takes, in seconds.</summary>
    public const uint MinWithdrawDelay = 15 * 60;

    /// <summary>Greatest withdraw delay that the escrow takes, in seconds.</summary>
    public const uint MaxWithdrawDelay = 30 * 24 * 60 * 60;

    /// <summary>The EIP-712 type.</summary>
    public const string Type = "ChannelConfig(address payer,address payerAuthorizer,address receiver,"
        + "address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>The channel id: the EIP-712 digest of the configuration.</summary>
    public Bytes32 Id(EscrowDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return Eip712.Digest(domain.Domain, StructHash());
    }

    /// <summary>The EIP-712 struct hash.</summary>
    public Bytes32 StructHash() => new StructHasher(Hash)
        .Add(Payer).Add(PayerAuthorizer).Add(Receiver).Add(ReceiverAuthorizer).Add(Token)
        .Add((ulong)WithdrawDelay).Add(Salt).Hash();
}
