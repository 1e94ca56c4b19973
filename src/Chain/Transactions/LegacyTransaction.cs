using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>
/// A transaction from before EIP-2718. Souk sends none of its own, but reads the one that puts the deployment proxy on
/// a chain.
/// </summary>
/// <param name="ChainId">EIP-155 chain id; null signs for every chain, as before EIP-155.</param>
/// <param name="Nonce">The sender's count of earlier transactions.</param>
/// <param name="GasPrice">Wei per unit of gas.</param>
/// <param name="Gas">Most gas that it may use.</param>
/// <param name="To">Recipient; null creates a contract.</param>
/// <param name="Value">Wei.</param>
/// <param name="Data">Calldata.</param>
public sealed record LegacyTransaction(
    ulong? ChainId,
    ulong Nonce,
    UInt128 GasPrice,
    ulong Gas,
    Address? To,
    UInt128 Value,
    ReadOnlyMemory<byte> Data)
{
    private const int SignedFields = 9;

    /// <summary>The bytes that are hashed to be signed.</summary>
    public ReadOnlyMemory<byte> SigningBytes => ChainId is { } id
        ? Rlp.Encode(RlpItem.List([.. Fields(), RlpItem.Of((UInt128)id), RlpItem.Of(0), RlpItem.Of(0)]))
        : Rlp.Encode(RlpItem.List(Fields()));

    /// <summary>What the sender signs.</summary>
    public Bytes32 SigningHash => Keccak256.Hash(SigningBytes.Span);

    /// <summary>Signs and encodes.</summary>
    public SignedTransaction Sign(PrivateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return WithSignature(key.Sign(SigningHash));
    }

    /// <summary>Encodes with a signature made elsewhere.</summary>
    public SignedTransaction WithSignature(Signature signature)
    {
        var v = ChainId is { } id ? ((UInt128)id * 2) + 8 + signature.V : signature.V;
        return new SignedTransaction(Rlp.Encode(RlpItem.List(
        [
            .. Fields(),
            RlpItem.Of(v),
            SignedTransaction.Word(signature.R),
            SignedTransaction.Word(signature.S),
        ])));
    }

    /// <summary>Reads a signed transaction of this type.</summary>
    /// <exception cref="RlpException">The bytes are something else.</exception>
    public static LegacyTransaction Decode(ReadOnlyMemory<byte> bytes, out Signature signature)
    {
        var fields = Rlp.Decode(bytes).Items;
        if (fields.Count != SignedFields)
        {
            throw new RlpException($"{fields.Count} fields where a legacy transaction has {SignedFields}");
        }

        var v = fields[6].ToNumber();
        var isReplayable = v == 27 || v == 28;
        if (!isReplayable && (v < 37 || (v - 35) / 2 > ulong.MaxValue))
        {
            throw new RlpException("v is none that EIP-155 knows");
        }

        var parity = isReplayable ? v - 27 : (v - 35) % 2;
        signature = new Signature(
            SignedTransaction.Word(fields[7]), SignedTransaction.Word(fields[8]), (byte)(27 + (byte)parity));
        return new LegacyTransaction(
            isReplayable ? null : (ulong)((v - 35) / 2),
            SignedTransaction.Number64(fields[0]),
            fields[1].ToNumber(),
            SignedTransaction.Number64(fields[2]),
            SignedTransaction.To(fields[3]),
            fields[4].ToNumber(),
            fields[5].Bytes);
    }

    private RlpItem[] Fields() =>
    [
        RlpItem.Of((UInt128)Nonce),
        RlpItem.Of(GasPrice),
        RlpItem.Of((UInt128)Gas),
        SignedTransaction.To(To),
        RlpItem.Of(Value),
        RlpItem.Of(Data),
    ];
}
