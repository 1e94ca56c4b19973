using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>An EIP-1559 transaction without access list. Fees are wei per unit of gas.</summary>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="Nonce">The sender's count of earlier transactions.</param>
/// <param name="Tip">Most that the block's producer gets on top of the base fee.</param>
/// <param name="FeeCap">Most that base fee and tip together cost.</param>
/// <param name="Gas">Most gas that it may use.</param>
/// <param name="To">Recipient; null creates a contract.</param>
/// <param name="Value">Wei.</param>
/// <param name="Data">Calldata.</param>
public sealed record FeeMarketTransaction(
    ulong ChainId,
    ulong Nonce,
    UInt128 Tip,
    UInt128 FeeCap,
    ulong Gas,
    Address? To,
    UInt128 Value,
    ReadOnlyMemory<byte> Data)
{
    internal const byte TypeByte = 2;
    private const int UnsignedFields = 9;

    /// <summary>What the sender signs.</summary>
    public Bytes32 SigningHash => Keccak256.Hash(Encode(Fields()));

    /// <summary>Signs and encodes.</summary>
    public SignedTransaction Sign(PrivateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return WithSignature(key.Sign(SigningHash));
    }

    /// <summary>Encodes with a signature made elsewhere.</summary>
    public SignedTransaction WithSignature(Signature signature) => new(Encode(
    [
        .. Fields(),
        RlpItem.Of((UInt128)(signature.V - 27)),
        SignedTransaction.Word(signature.R),
        SignedTransaction.Word(signature.S),
    ]));

    /// <summary>Reads a signed transaction of this type.</summary>
    /// <exception cref="RlpException">The bytes are something else, or carry an access list.</exception>
    public static FeeMarketTransaction Decode(ReadOnlyMemory<byte> bytes, out Signature signature)
    {
        if (bytes.IsEmpty || bytes.Span[0] != TypeByte)
        {
            throw new RlpException("the bytes are no EIP-1559 transaction");
        }

        var fields = Rlp.Decode(bytes[1..]).Items;
        if (fields.Count != UnsignedFields + 3 || fields[8].Items.Count != 0)
        {
            throw new RlpException($"{fields.Count} fields, or an access list");
        }

        var parity = fields[9].ToNumber();
        if (parity > 1)
        {
            throw new RlpException("the signature's parity is neither 0 nor 1");
        }

        signature = new Signature(
            SignedTransaction.Word(fields[10]), SignedTransaction.Word(fields[11]), (byte)(27 + (byte)parity));
        return new FeeMarketTransaction(
            SignedTransaction.Number64(fields[0]),
            SignedTransaction.Number64(fields[1]),
            fields[2].ToNumber(),
            fields[3].ToNumber(),
            SignedTransaction.Number64(fields[4]),
            SignedTransaction.To(fields[5]),
            fields[6].ToNumber(),
            fields[7].Bytes);
    }

    private static byte[] Encode(RlpItem[] fields) => [TypeByte, .. Rlp.Encode(RlpItem.List(fields))];

    private RlpItem[] Fields() =>
    [
        RlpItem.Of((UInt128)ChainId),
        RlpItem.Of((UInt128)Nonce),
        RlpItem.Of(Tip),
        RlpItem.Of(FeeCap),
        RlpItem.Of((UInt128)Gas),
        SignedTransaction.To(To),
        RlpItem.Of(Value),
        RlpItem.Of(Data),
        RlpItem.List([]),
    ];
}
