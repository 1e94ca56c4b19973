using Souk.Chain;
using Souk.Protocol;

namespace Souk.Cli.State;

/// <summary>The keys of a provider on this machine.</summary>
internal sealed record ProviderSecrets(
    PrivateKey Owner, PrivateKey Payout, PrivateKey Node, PrivateKey Authorizer, PrivateKey Gas)
{
    /// <summary>The addresses that the registry holds.</summary>
    public ProviderKeys Addresses => new(Payout.Address, Node.Address, Authorizer.Address, Gas.Address);

    /// <summary>Opens them, and makes those that are missing.</summary>
    public static Result<ProviderSecrets> Open(NodeKeys keys)
    {
        List<PrivateKey> opened = [];
        foreach (var role in new[] { "provider", "payout", "node", "authorizer", "gas" })
        {
            if (!keys.OpenOrCreate(role).TryGet(out var key, out var refusal))
            {
                return refusal;
            }

            opened.Add(key);
        }

        return new ProviderSecrets(opened[0], opened[1], opened[2], opened[3], opened[4]);
    }
}
