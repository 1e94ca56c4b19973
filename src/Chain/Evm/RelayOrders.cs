using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>Signs actions that somebody else sends, so that an account needs no gas money.</summary>
public static class RelayOrders
{
    /// <summary>The order, ready to be sent by any account.</summary>
    /// <param name="key">Who acts: a vault's owner or hot key, or a provider's owner.</param>
    /// <param name="chainId">EIP-155 chain id.</param>
    /// <param name="target">The vault or the registry that all actions are for.</param>
    /// <param name="actions">Actions of that contract, run in order, all or none.</param>
    /// <param name="nonce">Any value that this account has not used at the target.</param>
    /// <param name="deadline">Last Unix time, in seconds.</param>
    /// <exception cref="ArgumentException">An action is not one of the target's.</exception>
    public static Relay Sign(
        PrivateKey key,
        ulong chainId,
        Address target,
        IReadOnlyList<MarketAction> actions,
        Bytes32 nonce,
        ulong deadline)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(actions);
        var authorisation = Authorisation(key.Address, target, actions, nonce, deadline);
        var signature = authorisation.Sign(key, new SoukDomain(chainId, target));
        return new Relay(target, key.Address, actions, nonce, deadline, signature);
    }

    /// <summary>What the account of an order signed; for those who check it before they pay to send it.</summary>
    public static RelayAuthorisation Authorisation(Relay relay)
    {
        ArgumentNullException.ThrowIfNull(relay);
        return Authorisation(relay.Account, relay.Target, relay.Actions, relay.Nonce, relay.Deadline);
    }

    private static RelayAuthorisation Authorisation(
        Address account, Address target, IReadOnlyList<MarketAction> actions, Bytes32 nonce, ulong deadline)
    {
        if (actions.Any(action => action is VaultAction vault && vault.Vault != target))
        {
            throw new ArgumentException("An action is for another vault than the order.", nameof(actions));
        }

        return new RelayAuthorisation(
            account,
            [.. actions.Select(action => (ReadOnlyMemory<byte>)ContractCalls.Relayable(action))],
            nonce,
            deadline);
    }
}
