namespace Souk.Protocol;

/// <summary>A numbered key set of a provider, as the registry has it.</summary>
/// <param name="Node">Signs offers, acceptances and receipts.</param>
/// <param name="Payout">Receives channels' money.</param>
/// <param name="Authorizer">Signs claims.</param>
/// <param name="Since">Unix seconds from which it is current; the next set's ends it.</param>
public sealed record KeySet(Address Node, Address Payout, Address Authorizer, ulong Since);

/// <summary>A provider's registry entry, read from the chain by the reader itself at a confirmed block.</summary>
/// <param name="Provider">The provider.</param>
/// <param name="IsActive">True while it has not left.</param>
/// <param name="KeySets">All of them, oldest first; never empty.</param>
/// <param name="Endpoint">Where its node answers.</param>
/// <param name="Stake">Its stake, without what is unbonding.</param>
/// <param name="Court">The court that may slash it; zero where nobody can.</param>
public sealed record RegistryEntry(
    Address Provider, bool IsActive, IReadOnlyList<KeySet> KeySets, string Endpoint, Amount Stake, Address Court)
{
    /// <summary>The key set that was current at a time (Unix seconds); null before the first.</summary>
    public KeySet? KeysAt(ulong time)
    {
        for (var i = KeySets.Count - 1; i >= 0; i--)
        {
            if (KeySets[i].Since <= time)
            {
                return KeySets[i];
            }
        }

        return null;
    }
}
