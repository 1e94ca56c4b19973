namespace Souk.Protocol;

/// <summary>A hot key's permission to move money from its vault into one channel, once.</summary>
/// <param name="ChannelId">The channel to fund.</param>
/// <param name="Amount">How much, exactly.</param>
/// <param name="Nonce">Any value that this key has not used at this vault.</param>
/// <param name="Deadline">Last Unix time, in seconds, at which it may be used.</param>
public sealed record DrawAuthorisation(Bytes32 ChannelId, Amount Amount, Bytes32 Nonce, ulong Deadline)
{
    /// <summary>The EIP-712 type, as the vault contract states it.</summary>
    public const string Type = "Draw(bytes32 channelId,uint128 amount,bytes32 nonce,uint64 deadline)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>What the hot key signs.</summary>
    /// <param name="vault">The customer's vault.</param>
    public Bytes32 Digest(SoukDomain vault)
    {
        ArgumentNullException.ThrowIfNull(vault);
        var structHash = new StructHasher(Hash).Add(ChannelId).Add(Amount).Add(Nonce).Add(Deadline).Hash();
        return Eip712.Digest(vault.Domain, structHash);
    }

    /// <summary>Signs the draw.</summary>
    public Signature Sign(PrivateKey key, SoukDomain vault)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Sign(Digest(vault));
    }
}

/// <summary>A list of calls that an account without gas signs and anyone sends to one of Souk's contracts.</summary>
/// <param name="Account">As whom the calls run.</param>
/// <param name="Calls">ABI-encoded calls to the contract, run in order, all or none.</param>
/// <param name="Nonce">Any value that this account has not used at this contract.</param>
/// <param name="Deadline">Last Unix time, in seconds, at which they may run.</param>
public sealed record RelayAuthorisation(
    Address Account, IReadOnlyList<ReadOnlyMemory<byte>> Calls, Bytes32 Nonce, ulong Deadline)
{
    /// <summary>The EIP-712 type, as the contracts state it.</summary>
    public const string Type = "Relay(address account,bytes[] calls,bytes32 nonce,uint64 deadline)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>What the account signs.</summary>
    /// <param name="contract">The vault or the registry.</param>
    public Bytes32 Digest(SoukDomain contract)
    {
        ArgumentNullException.ThrowIfNull(contract);
        var structHash = new StructHasher(Hash).Add(Account)
            .AddArray(Calls.Select(call => Keccak256.Hash(call.Span))).Add(Nonce).Add(Deadline).Hash();
        return Eip712.Digest(contract.Domain, structHash);
    }

    /// <summary>Signs the calls.</summary>
    public Signature Sign(PrivateKey key, SoukDomain contract)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Sign(Digest(contract));
    }
}

/// <summary>A node key's proof, for the registry, that its holder agrees to speak for a provider.</summary>
public static class NodeKeyProof
{
    /// <summary>The EIP-712 type, as the registry contract states it.</summary>
    public const string Type = "NodeKey(address provider,address node)";

    private static readonly Bytes32 Hash = Eip712.TypeHash(Type);

    /// <summary>What the node key signs.</summary>
    public static Bytes32 Digest(SoukDomain registry, Address provider, Address node)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return Eip712.Digest(registry.Domain, new StructHasher(Hash).Add(provider).Add(node).Hash());
    }

    /// <summary>Signs the proof.</summary>
    public static Signature Sign(PrivateKey node, SoukDomain registry, Address provider)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Sign(Digest(registry, provider, node.Address));
    }
}
