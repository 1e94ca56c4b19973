using System.Collections.Immutable;
using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>A contract's refusal; the transaction changes nothing but the sender's gas money.</summary>
internal sealed class RevertException(string name) : Exception(name)
{
    public string Name { get; } = name;
}

/// <summary>A channel and the configuration behind its id.</summary>
internal sealed record SimulatedChannel(ChannelConfig Config, ChannelState State);

/// <summary>A registry entry. Times are Unix seconds.</summary>
internal sealed record SimulatedProvider(
    ImmutableList<ProviderKeySet> Sets, string Endpoint, Amount Stake, Amount Unbonding, ulong ReleaseAt, uint Delay,
    Address Court, ulong LeavesAt)
{
    public ProviderKeySet Current => Sets[^1];

    public bool IsActive(ulong now) => LeavesAt == 0 || now < LeavesAt;
}

/// <summary>A leaky bucket: what was drawn runs off evenly over a day.</summary>
internal readonly record struct Drawn(Amount Used, ulong At)
{
    private const ulong Day = 86_400;

    public Amount Left(Amount cap, ulong now)
    {
        var elapsed = Math.Min(now - At, Day);
        return Amount.SubtractToZero(cap, Amount.SubtractToZero(Used, new Amount(cap.Units * elapsed / Day)));
    }

    public Drawn Take(Amount cap, Amount amount, ulong now) => amount <= Left(cap, now)
        ? new Drawn(cap - Left(cap, now) + amount, now)
        : throw new RevertException("CapExceeded");
}

/// <summary>A customer's vault.</summary>
internal sealed record SimulatedVault(
    Address Owner, VaultLimits Limits, ImmutableSortedDictionary<Address, Amount> HotKeys,
    ImmutableSortedSet<Address> Registries, ImmutableSortedSet<Address> Receivers, Drawn Whole,
    ImmutableSortedDictionary<Address, Drawn> ByKey, ImmutableSortedDictionary<Address, Drawn> ByReceiver);

/// <summary>Who acts, when, on which network.</summary>
internal sealed record Acting(NetworkFile Network, Address Sender, ulong Now);

/// <summary>Everything the chain holds at one block.</summary>
internal sealed record ChainBooks
{
    public ImmutableSortedDictionary<Address, Amount> Currency { get; init; } =
        ImmutableSortedDictionary<Address, Amount>.Empty;

    public ImmutableSortedDictionary<Address, UInt128> GasMoney { get; init; } =
        ImmutableSortedDictionary<Address, UInt128>.Empty;

    public ImmutableSortedDictionary<Bytes32, SimulatedChannel> Channels { get; init; } =
        ImmutableSortedDictionary<Bytes32, SimulatedChannel>.Empty;

    public ImmutableSortedDictionary<Address, ReceiverState> Receivers { get; init; } =
        ImmutableSortedDictionary<Address, ReceiverState>.Empty;

    public ImmutableSortedDictionary<Address, SimulatedProvider> Providers { get; init; } =
        ImmutableSortedDictionary<Address, SimulatedProvider>.Empty;

    public ImmutableList<Address> Registered { get; init; } = [];

    public ImmutableSortedDictionary<Address, SimulatedVault> Vaults { get; init; } =
        ImmutableSortedDictionary<Address, SimulatedVault>.Empty;

    /// <summary>Authorisations that were used: contract, account, nonce.</summary>
    public ImmutableHashSet<(Address Contract, Address Account, Bytes32 Nonce)> Used { get; init; } = [];

    public Amount BalanceOf(Address holder) => Currency.GetValueOrDefault(holder);

    public ChainBooks Transfer(Address from, Address to, Amount amount)
    {
        if (BalanceOf(from) < amount)
        {
            throw new RevertException("ERC20InsufficientBalance");
        }

        var paid = Currency.SetItem(from, BalanceOf(from) - amount);
        return this with { Currency = paid.SetItem(to, paid.GetValueOrDefault(to) + amount) };
    }

    public ChainBooks Mint(Address to, Amount amount) =>
        this with { Currency = Currency.SetItem(to, BalanceOf(to) + amount) };

    public ChainBooks Use(Address contract, Address account, Bytes32 nonce, ulong deadline, ulong now)
    {
        if (now > deadline)
        {
            throw new RevertException("AuthorizationExpired");
        }

        return Used.Contains((contract, account, nonce))
            ? throw new RevertException("AuthorizationUsed")
            : this with { Used = Used.Add((contract, account, nonce)) };
    }

    public ChainBooks PayGas(Address sender, UInt128 wei) => this with
    {
        GasMoney = GasMoney.SetItem(sender, GasMoney.GetValueOrDefault(sender) - wei),
    };

    /// <summary>The books after an action.</summary>
    /// <exception cref="RevertException">The contract refuses.</exception>
    public ChainBooks Apply(MarketAction action, Acting acting) => action switch
    {
        DepositFromVault a => EscrowRules.Deposit(
            this, acting, a.Channel, a.Draw.Amount, a.Channel.Payer,
            Souk.Chain.Evm.DrawData.Encode(a.Channel, a.Draw, a.Signature)),
        DepositThrough a => EscrowRules.Deposit(this, acting, a.Channel, a.Amount, a.Collector, a.CollectorData),
        Claim a => EscrowRules.Claim(this, acting, a),
        ClaimEach a => a.Claims.Aggregate(this, (books, claim) => EscrowRules.Claim(books, acting, claim)),
        Settle a => EscrowRules.Settle(this, acting, a.Receiver),
        Refund a => EscrowRules.Refund(this, acting, a),
        InitiateWithdraw a => EscrowRules.Initiate(this, acting, a.Channel, a.Amount),
        FinalizeWithdraw a => EscrowRules.Finalize(this, acting, a.Channel),
        CreateVault a => VaultRules.Create(this, a),
        VaultAction a => VaultRules.Act(this, acting, a),
        RegistryAction a => RegistryRules.Act(this, acting, a),
        Relay a => RelayAll(a, acting),
        TransferCurrency a => Transfer(acting.Sender, a.To, a.Amount),
        MintCurrency a => Mint(a.To, a.Amount),
        TransferGasMoney a => PayGas(acting.Sender, a.Wei) with
        {
            GasMoney = PayGas(acting.Sender, a.Wei).GasMoney
                .SetItem(a.To, GasMoney.GetValueOrDefault(a.To) + a.Wei),
        },
        _ => throw new NotSupportedException($"The simulated chain does not do {action.GetType().Name}."),
    };

    private ChainBooks RelayAll(Relay relay, Acting acting)
    {
        var digest = Souk.Chain.Evm.RelayOrders.Authorisation(relay)
            .Digest(new SoukDomain(acting.Network.ChainId, relay.Target));
        if (Secp256k1.Recover(digest, relay.Signature) != relay.Account)
        {
            throw new RevertException("InvalidSignature");
        }

        return relay.Actions.Aggregate(
            Use(relay.Target, relay.Account, relay.Nonce, relay.Deadline, acting.Now),
            (books, action) => books.Apply(action, acting with { Sender = relay.Account }));
    }
}
