using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>Signs what a holder of currency without gas money gives (EIP-3009); somebody else sends it.</summary>
public static class CurrencyOrders
{
    /// <summary>Money into a vault.</summary>
    /// <param name="holder">Whose currency.</param>
    /// <param name="currency">The currency's domain; see <see cref="EvmMarketChain.CurrencyDomainAsync"/>.</param>
    /// <param name="vault">Who gets it.</param>
    /// <param name="amount">Smallest units.</param>
    /// <param name="nonce">Any value that the holder has not used at the currency.</param>
    /// <param name="validBefore">Unix time, in seconds, from which it is void.</param>
    public static FundVault Fund(
        PrivateKey holder, Eip712Domain currency, Address vault, Amount amount, Bytes32 nonce, ulong validBefore)
    {
        ArgumentNullException.ThrowIfNull(holder);
        var order = new ReceiveAuthorisation(holder.Address, vault, amount, validBefore, nonce);
        return new FundVault(vault, order, order.Sign(holder, currency));
    }

    /// <summary>Money into a provider's stake. The nonce that is signed names the provider, as the registry asks, so
    /// that nobody can send it for another one.</summary>
    /// <param name="holder">Whose currency.</param>
    /// <param name="currency">The currency's domain.</param>
    /// <param name="registry">The registry.</param>
    /// <param name="provider">Whose stake.</param>
    /// <param name="amount">Smallest units.</param>
    /// <param name="salt">Any value that the holder has not used for this provider.</param>
    /// <param name="validBefore">Unix time, in seconds, from which it is void.</param>
    public static LockStakeByOrder Stake(
        PrivateKey holder,
        Eip712Domain currency,
        Address registry,
        Address provider,
        Amount amount,
        Bytes32 salt,
        ulong validBefore)
    {
        ArgumentNullException.ThrowIfNull(holder);
        var nonce = Keccak256.Hash(AbiPart.Sequence([AbiPart.Of(provider), AbiPart.Of(salt)]));
        var order = new ReceiveAuthorisation(holder.Address, registry, amount, validBefore, nonce);
        return new LockStakeByOrder(provider, salt, order, order.Sign(holder, currency));
    }
}
