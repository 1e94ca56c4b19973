using Souk.Protocol;

namespace Souk.Chain;

/// <summary>
/// The market as the chain knows it: channels, providers, vaults and money, read at one block each time. Roles see
/// nothing of the chain but this and <see cref="IMarketAccount"/>; an EVM chain and a simulated one implement both.
/// </summary>
/// <remarks>
/// State is what a read returns; news only says where to look. A read that cannot be answered is a
/// <see cref="Refusal"/> with one of <see cref="ChainRefusals"/>, never an old answer: how old an answer is, its
/// <see cref="Read{T}.At"/> tells by the block's own timestamp.
/// </remarks>
public interface IMarketChain
{
    /// <summary>Chain, contracts, currency, confirmations and greatest age of a head.</summary>
    NetworkFile Network { get; }

    /// <summary>The newest block, or the newest one with the network's confirmations.</summary>
    Task<Result<Head>> HeadAsync(ReadPoint point, CancellationToken cancellation);

    /// <summary>The escrow's books of these channels, in the order asked, all at one block. A channel that was
    /// never funded has all zero.</summary>
    Task<Result<Read<IReadOnlyList<ChannelState>>>> ChannelsAsync(
        IReadOnlyList<Bytes32> channels, ReadPoint point, CancellationToken cancellation);

    /// <summary>What the escrow owes and has paid a receiver in the network's currency, over all channels.</summary>
    Task<Result<Read<ReceiverState>>> ReceiverAsync(
        Address receiver, ReadPoint point, CancellationToken cancellation);

    /// <summary>Registry entries in the order asked, all at one block; null for one that never registered.</summary>
    Task<Result<Read<IReadOnlyList<ProviderEntry?>>>> ProvidersAsync(
        IReadOnlyList<Address> providers, ReadPoint point, CancellationToken cancellation);

    /// <summary>All providers that ever registered, in order of registration, those that left included.</summary>
    Task<Result<Read<IReadOnlyList<ProviderEntry>>>> AllProvidersAsync(
        ReadPoint point, CancellationToken cancellation);

    /// <summary>All key sets of a provider by number, the current one last; empty if it never registered.</summary>
    Task<Result<Read<IReadOnlyList<ProviderKeySet>>>> KeySetsAsync(
        Address provider, ReadPoint point, CancellationToken cancellation);

    /// <summary>A vault that the network's factory made; null for any other address, whose code could lie.</summary>
    Task<Result<Read<VaultState?>>> VaultAsync(Address vault, ReadPoint point, CancellationToken cancellation);

    /// <summary>Where a vault with these settings and salt is, or will be once it is made.</summary>
    Task<Result<Address>> VaultAddressAsync(VaultSettings settings, Bytes32 salt, CancellationToken cancellation);

    /// <summary>Currency and gas money that an address holds, newest block.</summary>
    Task<Result<Read<Holdings>>> HoldingsAsync(Address holder, CancellationToken cancellation);

    /// <summary>The currency's own EIP-712 domain, in which its holders sign permissions to take from them.</summary>
    Task<Result<Eip712Domain>> CurrencyDomainAsync(CancellationToken cancellation);

    /// <summary>
    /// News until cancelled, first item at once. It says what to read again; it never replaces reading. Trouble
    /// with the chain shows as silence: compare the last head's timestamp with the clock.
    /// </summary>
    /// <param name="vaults">Vaults to report on; channels and providers are all reported.</param>
    /// <param name="cancellation">Ends the news, without an exception.</param>
    IAsyncEnumerable<ChainNews> FollowAsync(IReadOnlyList<Address> vaults, CancellationToken cancellation);

    /// <summary>The account of a key. The same key always gets the same account, so its queue is one.</summary>
    IMarketAccount Account(PrivateKey key);
}

/// <summary>Sends one key's transactions, one after the other.</summary>
public interface IMarketAccount
{
    /// <summary>The sender, who pays the gas.</summary>
    Address Address { get; }

    /// <summary>
    /// Sends an action and waits for its receipt: success means mined and not reverted, at the newest block (a
    /// reorganisation can still undo it, which the news report). Refusals: <see cref="ChainRefusals.Reverted"/> with
    /// what the contract says, found before sending where possible; <see cref="ChainRefusals.NoGasMoney"/>;
    /// <see cref="ChainRefusals.TooMuchGas"/>; <see cref="ChainRefusals.Unavailable"/>, after which it may or may not
    /// be mined: read the state before trying again. Cancelling stops the waiting, not a transaction that was sent.
    /// </summary>
    Task<Result<TxOutcome>> SubmitAsync(MarketAction action, CancellationToken cancellation);

    /// <summary>What an action would cost now; the same refusals as sending it.</summary>
    Task<Result<GasQuote>> QuoteAsync(MarketAction action, CancellationToken cancellation);
}

/// <summary>At which block to read.</summary>
public enum ReadPoint
{
    /// <summary>The newest block; a reorganisation may undo it.</summary>
    Newest,

    /// <summary>The newest block with as many confirmations as the network file asks.</summary>
    Confirmed,
}

/// <summary>A block. <paramref name="Timestamp"/> in Unix seconds, as its producer wrote it.</summary>
public readonly record struct Head(ulong Number, Bytes32 Hash, ulong Timestamp);

/// <summary>What was read, and at which block.</summary>
public sealed record Read<T>(Head At, T Value);

/// <summary>A transaction that was mined and did not revert. <paramref name="FeePaid"/> in wei.</summary>
public sealed record TxOutcome(Bytes32 Hash, ulong Block, Bytes32 BlockHash, ulong GasUsed, UInt128 FeePaid);

/// <summary>Cost of a transaction at the next block: units of gas, and wei per unit including the tip.</summary>
public sealed record GasQuote(ulong Gas, UInt128 WeiPerGas)
{
    /// <summary>Wei in all.</summary>
    public UInt128 Fee => Gas * WeiPerGas;
}

/// <summary>What an address holds: currency, and gas money in wei.</summary>
public sealed record Holdings(Amount Currency, UInt128 GasMoney);

/// <summary>
/// Something moved. Ids may repeat, may be named although nothing changed, and are named again when their block is
/// confirmed, so that readers at either <see cref="ReadPoint"/> see the change.
/// </summary>
/// <param name="Newest">The newest block.</param>
/// <param name="IsReset">Blocks were missed or replaced, or this is the first item: read everything again.</param>
/// <param name="Channels">Channels to read again, in order of id.</param>
/// <param name="Providers">Registry entries to read again, in order of address.</param>
/// <param name="Vaults">Vaults to read again, in order of address.</param>
public sealed record ChainNews(
    Head Newest,
    bool IsReset,
    IReadOnlyList<Bytes32> Channels,
    IReadOnlyList<Address> Providers,
    IReadOnlyList<Address> Vaults);

/// <summary>Codes of the refusals that reads and writes return.</summary>
public static class ChainRefusals
{
    /// <summary>No configured node gave a usable answer in time (Nobody).</summary>
    public const string Unavailable = "chain_unavailable";

    /// <summary>Start of the code of a revert; the contract's error name follows, as in
    /// <c>reverted:ClaimExceedsBalance</c> (Ours: nothing was spent but possibly gas).</summary>
    public const string Reverted = "reverted:";

    /// <summary>The account cannot pay the gas (Ours).</summary>
    public const string NoGasMoney = "no_gas_money";

    /// <summary>Sent, replaced by higher fees up to the limit, and still not mined (Nobody).</summary>
    public const string NotMined = "not_mined";

    /// <summary>Somebody else sends transactions with the same key (Ours).</summary>
    public const string NonceTaken = "nonce_taken";

    /// <summary>Gas costs more than the configured limit (Nobody).</summary>
    public const string GasTooExpensive = "gas_too_expensive";

    /// <summary>The action takes more gas than it may; nothing was sent (Nobody).</summary>
    public const string TooMuchGas = "too_much_gas";

    /// <summary>The node refuses the request itself (Ours).</summary>
    public const string Refused = "request_refused";

    /// <summary>A contract answered with something that its ABI does not have: the network file names the wrong
    /// address, or the node lies (Ours).</summary>
    public const string WrongContract = "wrong_contract";

    /// <summary>The name of the contract's error if the refusal is a revert, else null.</summary>
    public static string? RevertName(Refusal refusal) =>
        refusal.Code.StartsWith(Reverted, StringComparison.Ordinal) ? refusal.Code[Reverted.Length..] : null;
}
