using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>What the provider registry allows. Pending changes of delay and court are left out: no role reads
/// them.</summary>
internal static class RegistryRules
{
    public static ChainBooks Act(ChainBooks books, Acting acting, RegistryAction action) => action switch
    {
        Register a => Register(books, acting, a),
        UpdateKeys a => UpdateKeys(books, acting, a),
        UpdateEndpoint a => Put(books, acting.Sender, Active(books, acting) with { Endpoint = a.Endpoint }),
        LockStake a => Lock(books, acting, a),
        UnbondStake a => Unbond(books, acting, Active(books, acting), a.Amount),
        ReleaseStake a => Release(books, acting, a.Provider),
        Souk.Chain.Leave => LeaveAfterDelay(books, acting),
        _ => throw new NotSupportedException($"The simulated registry does not do {action.GetType().Name}."),
    };

    public static ProviderEntry Show(Address address, SimulatedProvider provider, ulong now) => new(
        address, provider.IsActive(now), provider.LeavesAt, provider.Current, provider.Endpoint, provider.Stake,
        provider.Unbonding, provider.ReleaseAt, provider.Delay, 0, 0, provider.Court, Address.Zero, 0);

    private static ChainBooks Register(ChainBooks books, Acting acting, Register register)
    {
        var known = books.Providers.GetValueOrDefault(acting.Sender);
        Require(known is null || !known.IsActive(acting.Now), "AlreadyRegistered");
        Require(register.Endpoint.Length is > 0 and <= 256, "EndpointInvalid");
        RequireProof(acting, register.Keys.Node, register.NodeProof);
        RequireFree(books, acting, register.Keys);
        var sets = known?.Sets ?? [];
        var fresh = new SimulatedProvider(
            sets.Add(new ProviderKeySet((uint)sets.Count, register.Keys, acting.Now)), register.Endpoint,
            known?.Stake ?? Amount.Zero, known?.Unbonding ?? Amount.Zero, known?.ReleaseAt ?? 0, register.Delay,
            register.Court, 0);
        return Put(books, acting.Sender, fresh) with
        {
            Registered = known is null ? books.Registered.Add(acting.Sender) : books.Registered,
        };
    }

    private static ChainBooks UpdateKeys(ChainBooks books, Acting acting, UpdateKeys update)
    {
        var provider = Active(books, acting);
        if (update.Keys.Node != provider.Current.Keys.Node)
        {
            RequireProof(acting, update.Keys.Node, update.NodeProof ?? default);
        }

        RequireFree(books, acting, update.Keys);
        return Put(books, acting.Sender, provider with
        {
            Sets = provider.Sets.Add(new ProviderKeySet((uint)provider.Sets.Count, update.Keys, acting.Now)),
        });
    }

    private static ChainBooks Lock(ChainBooks books, Acting acting, LockStake stake)
    {
        Require(books.Providers.TryGetValue(stake.Provider, out var provider) && provider.LeavesAt == 0, "NotActive");
        return Put(
            books.Transfer(acting.Sender, acting.Network.Registry, stake.Amount), stake.Provider,
            provider! with { Stake = provider.Stake + stake.Amount });
    }

    private static ChainBooks Unbond(ChainBooks books, Acting acting, SimulatedProvider provider, Amount amount)
    {
        Require(amount <= provider.Stake, "StakeTooSmall");
        return Put(books, acting.Sender, provider with
        {
            Stake = provider.Stake - amount,
            Unbonding = provider.Unbonding + amount,
            ReleaseAt = Math.Max(provider.ReleaseAt, acting.Now + provider.Delay),
        });
    }

    private static ChainBooks Release(ChainBooks books, Acting acting, Address address)
    {
        Require(
            books.Providers.TryGetValue(address, out var provider) && !provider.Unbonding.IsZero
            && acting.Now >= provider.ReleaseAt, "NothingToRelease");
        return Put(
            books.Transfer(acting.Network.Registry, address, provider!.Unbonding), address,
            provider with { Unbonding = Amount.Zero, ReleaseAt = 0 });
    }

    private static ChainBooks LeaveAfterDelay(ChainBooks books, Acting acting)
    {
        var provider = Active(books, acting);
        Require(provider.LeavesAt == 0, "AlreadyLeaving");
        return Unbond(books, acting, provider with { LeavesAt = acting.Now + provider.Delay }, provider.Stake);
    }

    private static SimulatedProvider Active(ChainBooks books, Acting acting)
    {
        Require(
            books.Providers.TryGetValue(acting.Sender, out var provider) && provider.IsActive(acting.Now), "NotActive");
        return provider!;
    }

    private static void RequireProof(Acting acting, Address node, Signature proof)
    {
        var registry = new SoukDomain(acting.Network.ChainId, acting.Network.Registry);
        Require(Secp256k1.Recover(NodeKeyProof.Digest(registry, acting.Sender, node), proof) == node,
            "InvalidSignature");
    }

    private static void RequireFree(ChainBooks books, Acting acting, ProviderKeys keys)
    {
        var others = books.Providers
            .Where(entry => entry.Key != acting.Sender && entry.Value.IsActive(acting.Now))
            .Select(entry => entry.Value.Current.Keys).ToList();
        Require(others.TrueForAll(other => other.Payout != keys.Payout), "PayoutTaken");
        Require(others.TrueForAll(other => other.Node != keys.Node), "NodeKeyTaken");
    }

    private static ChainBooks Put(ChainBooks books, Address address, SimulatedProvider provider) =>
        books with { Providers = books.Providers.SetItem(address, provider) };

    private static void Require(bool isFine, string error)
    {
        if (!isFine)
        {
            throw new RevertException(error);
        }
    }
}
