using System.Buffers.Binary;
using System.Collections.Immutable;
using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>What customers' vaults allow.</summary>
internal static class VaultRules
{
    private const int Word = 32;
    private static readonly Drawn Nothing = new(Amount.Zero, 0);

    public static Address AddressOf(VaultSettings settings, Bytes32 salt)
    {
        Span<byte> bytes = stackalloc byte[52];
        settings.Owner.CopyTo(bytes);
        salt.CopyTo(bytes[20..]);
        return Address.FromBytes(Keccak256.Hash(bytes).ToBytes().AsSpan(12));
    }

    public static ChainBooks Create(ChainBooks books, CreateVault create)
    {
        var settings = create.Settings;
        var address = AddressOf(settings, create.Salt);
        return books.Vaults.ContainsKey(address)
            ? books
            : books with
            {
                Vaults = books.Vaults.Add(address, new SimulatedVault(
                    settings.Owner, settings.Limits,
                    settings.HotKeys.ToImmutableSortedDictionary(key => key.Key, key => key.Cap),
                    [.. settings.Registries], [.. settings.Receivers], Nothing,
                    ImmutableSortedDictionary<Address, Drawn>.Empty, ImmutableSortedDictionary<Address, Drawn>.Empty)),
            };
    }

    /// <summary>Brings the money of a deposit; every check that the vault contract makes is made here too.</summary>
    public static ChainBooks Collect(
        ChainBooks books, Acting acting, Address collector, ChannelConfig config, Bytes32 id, Amount amount,
        ReadOnlyMemory<byte> data)
    {
        Require(books.Vaults.TryGetValue(collector, out var vault), "DepositCollectionFailed");
        Require(config.Payer == collector, "NotThisVault");
        Require(config.Token == acting.Network.Currency, "WrongCurrency");
        var (drawn, nonce, deadline, signature) = Decode(data.Span);
        var network = acting.Network;
        Require(drawn.Id(network.EscrowDomain) == id, "WrongChannel");
        var key = drawn.PayerAuthorizer;
        Require(vault!.HotKeys.TryGetValue(key, out var keyCap), "NotHotKey");
        var isPaidOut = vault.Receivers.Contains(config.Receiver)
            || (vault.Registries.Contains(network.Registry) && books.Providers.Values.Any(provider =>
                provider.IsActive(acting.Now) && provider.Current.Keys.Payout == config.Receiver));
        Require(isPaidOut, "ReceiverNotAllowed");
        Require(
            config.WithdrawDelay >= vault.Limits.LeastWithdrawDelay
            && config.WithdrawDelay <= vault.Limits.GreatestWithdrawDelay, "WithdrawDelayNotAllowed");
        var digest = new DrawAuthorisation(id, amount, nonce, deadline)
            .Digest(new SoukDomain(network.ChainId, collector));
        Require(Secp256k1.Recover(digest, signature) == key, "InvalidSignature");
        books = books.Use(collector, key, nonce, deadline, acting.Now);
        var now = acting.Now;
        var spent = vault with
        {
            Whole = vault.Whole.Take(vault.Limits.Cap, amount, now),
            ByKey = vault.ByKey.SetItem(key, vault.ByKey.GetValueOrDefault(key).Take(keyCap, amount, now)),
            ByReceiver = vault.ByReceiver.SetItem(
                config.Receiver,
                vault.ByReceiver.GetValueOrDefault(config.Receiver).Take(vault.Limits.ReceiverCap, amount, now)),
        };
        return books.Transfer(collector, network.Escrow,
            amount) with { Vaults = books.Vaults.SetItem(collector, spent) };
    }

    public static ChainBooks Act(ChainBooks books, Acting acting, VaultAction action)
    {
        Require(books.Vaults.TryGetValue(action.Vault, out var vault), "NoCode");
        var asVault = acting with { Sender = action.Vault };
        switch (action)
        {
            case VaultInitiateWithdraw a:
                RequireMayTakeBack(vault!, acting.Sender, a.Channel);
                return EscrowRules.Initiate(books, asVault, a.Channel, a.Amount);
            case VaultFinalizeWithdraw a:
                RequireMayTakeBack(vault!, acting.Sender, a.Channel);
                return EscrowRules.Finalize(books, asVault, a.Channel);
        }

        Require(acting.Sender == vault!.Owner, "NotOwner");
        return action switch
        {
            VaultWithdraw a => books.Transfer(a.Vault, vault.Owner, a.Amount),
            AddHotKey a => Put(vault with { HotKeys = vault.HotKeys.SetItem(a.Key, a.Cap) }),
            RemoveHotKey a => Put(vault with { HotKeys = vault.HotKeys.Remove(a.Key) }),
            SetLimits a => Put(vault with { Limits = a.Limits }),
            ListRegistry a => Put(vault with { Registries = Listed(vault.Registries, a.Registry, a.IsListed) }),
            ListReceiver a => Put(vault with { Receivers = Listed(vault.Receivers, a.Receiver, a.IsListed) }),
            _ => throw new NotSupportedException($"The simulated vault does not do {action.GetType().Name}."),
        };

        ChainBooks Put(SimulatedVault changed) =>
            books with { Vaults = books.Vaults.SetItem(action.Vault, changed) };
    }

    public static VaultState Show(ChainBooks books, NetworkFile network, Address address, ulong now)
    {
        var vault = books.Vaults[address];
        return new VaultState(
            address, vault.Owner, network.Escrow, network.Currency, books.BalanceOf(address),
            vault.Whole.Left(vault.Limits.Cap, now), vault.Limits,
            [.. vault.HotKeys.Select(key => new VaultHotKeyState(
                key.Key, key.Value, vault.ByKey.GetValueOrDefault(key.Key).Left(key.Value, now)))],
            [.. vault.Registries], [.. vault.Receivers]);
    }

    private static ImmutableSortedSet<Address> Listed(ImmutableSortedSet<Address> set, Address item, bool isListed) =>
        isListed ? set.Add(item) : set.Remove(item);

    private static void RequireMayTakeBack(SimulatedVault vault, Address actor, ChannelConfig channel)
    {
        if (actor != vault.Owner)
        {
            Require(vault.HotKeys.ContainsKey(actor), "NotOwnerOrHotKey");
            Require(
                actor == channel.PayerAuthorizer || !vault.HotKeys.ContainsKey(channel.PayerAuthorizer),
                    "NotKeyOfChannel");
        }
    }

    // Solidity's abi.encode of (ChannelConfig config, bytes32 nonce, uint64 deadline, bytes signature), read word by
    // word.
    private static (ChannelConfig Config, Bytes32 Nonce, ulong Deadline, Signature Signature) Decode(
        ReadOnlySpan<byte> data)
    {
        Require(data.Length >= 14 * Word && Number(data) == Word, "InvalidData");
        var tuple = data[Word..];
        var config = new ChannelConfig(
            AddressAt(tuple, 0), AddressAt(tuple, 1), AddressAt(tuple, 2), AddressAt(tuple, 3), AddressAt(tuple, 4),
            (uint)Number(tuple[(5 * Word)..]), Bytes32.FromBytes(tuple.Slice(6 * Word, Word)));
        var nonce = Bytes32.FromBytes(tuple.Slice(7 * Word, Word));
        var deadline = Number(tuple[(8 * Word)..]);
        var at = Number(tuple[(9 * Word)..]);
        Require(at == 10 * Word && Number(tuple[(10 * Word)..]) == 65, "InvalidSignature");
        return (config, nonce, deadline, Signature.FromBytes(tuple.Slice(11 * Word, 65)));
    }

    private static Address AddressAt(ReadOnlySpan<byte> tuple, int word) =>
        Address.FromBytes(tuple.Slice((word * Word) + 12, 20));

    private static ulong Number(ReadOnlySpan<byte> word) => BinaryPrimitives.ReadUInt64BigEndian(word[24..]);

    private static void Require(bool isFine, string error)
    {
        if (!isFine)
        {
            throw new RevertException(error);
        }
    }
}
