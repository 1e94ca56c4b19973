using System.Buffers.Binary;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>
/// What x402's collector of EIP-3009 deposits and the currency allow: written from their specifications, apart from
/// the contracts and from the code under test.
/// </summary>
internal static class ReceiveRules
{
    private const int Word = 32;
    private static readonly Bytes32 Type = Eip712.TypeHash(ReceiveAuthorisation.Type);

    public static Eip712Domain Currency(NetworkFile network) =>
        new("Simulated Dollar", "1", network.ChainId, network.Currency);

    /// <summary>Takes the payer's money by its signed permission.</summary>
    public static ChainBooks Collect(
        ChainBooks books, Acting acting, Address collector, ChannelConfig config, Bytes32 id, Amount amount,
        ReadOnlySpan<byte> data)
    {
        if (data.Length < 5 * Word || config.Token != acting.Network.Currency)
        {
            throw new RevertException("DepositCollectionFailed");
        }

        var (after, before) = (Number(data), Number(data[Word..]));
        Span<byte> preimage = stackalloc byte[2 * Word];
        id.CopyTo(preimage);
        data.Slice(2 * Word, Word).CopyTo(preimage[Word..]);
        var nonce = Keccak256.Hash(preimage);
        var length = (int)Number(data[(4 * Word)..]);
        var digest = Eip712.Digest(Currency(acting.Network), new StructHasher(Type)
            .Add(config.Payer).Add(collector).Add(amount).Add(after).Add(before).Add(nonce).Hash());
        if (acting.Now <= after)
        {
            throw new RevertException("AuthorizationNotYetValid");
        }

        if (length != Signature.Size
            || !Signature.TryFromBytes(data.Slice(5 * Word, length), out var signature)
            || Secp256k1.Recover(digest, signature) != config.Payer)
        {
            throw new RevertException("InvalidSignature");
        }

        return books.Use(config.Token, config.Payer, nonce, before - 1, acting.Now)
            .Transfer(config.Payer, acting.Network.Escrow, amount);
    }

    private static ulong Number(ReadOnlySpan<byte> word) =>
        BinaryPrimitives.ReadUInt64BigEndian(word[(Word - 8)..Word]);
}
