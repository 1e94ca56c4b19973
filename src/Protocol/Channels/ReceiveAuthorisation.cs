namespace Souk.Protocol;

/// <summary>
/// A holder's permission that a contract takes currency from it, once (EIP-3009 <c>ReceiveWithAuthorization</c>): how
/// an account without gas money funds a vault or stakes. Only the payee can use it.
/// </summary>
/// <param name="From">Whose currency.</param>
/// <param name="To">The contract that takes it.</param>
/// <param name="Amount">How much, exactly.</param>
/// <param name="ValidBefore">Unix time, in seconds, from which it is void.</param>
/// <param name="Nonce">Any value that this holder has not used at this currency.</param>
public sealed record ReceiveAuthorisation(Address From, Address To, Amount Amount, ulong ValidBefore, Bytes32 Nonce)
{
    /// <summary>The EIP-712 type, as EIP-3009 states it.</summary>
    public const string Type = "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
        + "uint256 validBefore,bytes32 nonce)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>Unix time, in seconds, after which it is valid: from the beginning.</summary>
    public static ulong ValidAfter => 0;

    /// <summary>What the holder signs.</summary>
    /// <param name="currency">The currency's own domain, whose name and version each currency chooses.</param>
    public Bytes32 Digest(Eip712Domain currency)
    {
        var structHash = new StructHasher(Hash)
            .Add(From).Add(To).Add(Amount).Add(ValidAfter).Add(ValidBefore).Add(Nonce).Hash();
        return Eip712.Digest(currency, structHash);
    }

    /// <summary>Signs the permission.</summary>
    public Signature Sign(PrivateKey holder, Eip712Domain currency)
    {
        ArgumentNullException.ThrowIfNull(holder);
        return holder.Sign(Digest(currency));
    }
}
