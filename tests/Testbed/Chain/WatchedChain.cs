using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>The simulated chain behind a node that can be watched, held up, and made to answer with what it said
/// before.
/// </summary>
public sealed class WatchedChain(IMarketChain inner) : IMarketChain
{
    private readonly List<(ReadPoint Point, Result<Read<IReadOnlyList<ChannelState>>> Answer)> _answers = [];

    /// <summary>While set, reads of channels give this earlier answer of theirs, counted from 0.</summary>
    public int? Repeats { get; set; }

    /// <summary>While set, what reads of channels show is changed by it, as a node on another branch would show it:
    /// the block is as new as any.</summary>
    public Func<ChannelState, ChannelState>? Shows { get; set; }

    /// <summary>Says which actions revert although the chain would take them, and with which error.</summary>
    public Func<MarketAction, string?>? Reverts { get; set; }

    /// <summary>Actions that accounts tried or sent, in order; tries are dry runs.</summary>
    public List<(bool IsTry, MarketAction Action)> Actions { get; } = [];

    /// <summary>Awaited before a read of registry entries.</summary>
    public Func<IReadOnlyList<Address>, Task>? OnProviders { get; set; }

    /// <summary>Whether the history of a provider's keys cannot be read, as where it is too long for the
    /// node.</summary>
    public bool RefusesKeySets { get; set; }

    /// <summary>Whether vaults cannot be read.</summary>
    public bool RefusesVaults { get; set; }

    /// <summary>Reads of registry entries so far.</summary>
    public int ProviderReads { get; private set; }

    /// <summary>Reads of channels answered so far.</summary>
    public int ChannelReads => _answers.Count;

    /// <inheritdoc/>
    public NetworkFile Network => inner.Network;

    /// <inheritdoc/>
    public Task<Result<Head>> HeadAsync(ReadPoint point, CancellationToken cancellation) =>
        inner.HeadAsync(point, cancellation);

    /// <inheritdoc/>
    public async Task<Result<Read<IReadOnlyList<ChannelState>>>> ChannelsAsync(
        IReadOnlyList<Bytes32> channels, ReadPoint point, CancellationToken cancellation)
    {
        if (Repeats is { } earlier)
        {
            return _answers.Where(answer => answer.Point == point).ElementAt(earlier).Answer;
        }

        var answer = await inner.ChannelsAsync(channels, point, cancellation);
        if (Shows is { } shows && answer.TryGet(out var read, out _))
        {
            return new Read<IReadOnlyList<ChannelState>>(read.At, [.. read.Value.Select(shows)]);
        }

        _answers.Add((point, answer));
        return answer;
    }

    /// <inheritdoc/>
    public Task<Result<Read<ReceiverState>>> ReceiverAsync(
        Address receiver, ReadPoint point, CancellationToken cancellation) =>
        inner.ReceiverAsync(receiver, point, cancellation);

    /// <inheritdoc/>
    public async Task<Result<Read<IReadOnlyList<ProviderEntry?>>>> ProvidersAsync(
        IReadOnlyList<Address> providers, ReadPoint point, CancellationToken cancellation)
    {
        ProviderReads++;
        await (OnProviders?.Invoke(providers) ?? Task.CompletedTask);
        return await inner.ProvidersAsync(providers, point, cancellation);
    }

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry>>>> AllProvidersAsync(
        ReadPoint point, CancellationToken cancellation) => inner.AllProvidersAsync(point, cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderKeySet>>>> KeySetsAsync(
        Address provider, ReadPoint point, CancellationToken cancellation) =>
        RefusesKeySets
            ? Task.FromResult<Result<Read<IReadOnlyList<ProviderKeySet>>>>(
                new Refusal(Fault.Nobody, "rpc_unavailable", "The reply is too large."))
            : inner.KeySetsAsync(provider, point, cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<VaultState?>>> VaultAsync(Address vault, ReadPoint point, CancellationToken cancellation) =>
        RefusesVaults
            ? Task.FromResult<Result<Read<VaultState?>>>(
                new Refusal(Fault.Nobody, "rpc_unavailable", "The node does not answer."))
            : inner.VaultAsync(vault, point, cancellation);

    /// <inheritdoc/>
    public Task<Result<Address>> VaultAddressAsync(
        VaultSettings settings, Bytes32 salt, CancellationToken cancellation) =>
        inner.VaultAddressAsync(settings, salt, cancellation);

    /// <inheritdoc/>
    public Task<Result<Eip712Domain>> CurrencyDomainAsync(CancellationToken cancellation) =>
        inner.CurrencyDomainAsync(cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<Holdings>>> HoldingsAsync(Address holder, CancellationToken cancellation) =>
        inner.HoldingsAsync(holder, cancellation);

    /// <inheritdoc/>
    public IAsyncEnumerable<ChainNews> FollowAsync(IReadOnlyList<Address> vaults, CancellationToken cancellation) =>
        inner.FollowAsync(vaults, cancellation);

    /// <inheritdoc/>
    public IMarketAccount Account(PrivateKey key) => new WatchedAccount(this, inner.Account(key));

    private sealed class WatchedAccount(WatchedChain chain, IMarketAccount inner) : IMarketAccount
    {
        public Address Address => inner.Address;

        public Task<Result<TxOutcome>> SubmitAsync(MarketAction action, CancellationToken cancellation)
        {
            chain.Actions.Add((false, action));
            return Refused(action) is { } refusal
                ? Task.FromResult<Result<TxOutcome>>(refusal)
                : inner.SubmitAsync(action, cancellation);
        }

        public Task<Result<GasQuote>> QuoteAsync(MarketAction action, CancellationToken cancellation)
        {
            chain.Actions.Add((true, action));
            return Refused(action) is { } refusal
                ? Task.FromResult<Result<GasQuote>>(refusal)
                : inner.QuoteAsync(action, cancellation);
        }

        private Refusal? Refused(MarketAction action) => chain.Reverts?.Invoke(action) is { } name
            ? new Refusal(Fault.Ours, ChainRefusals.Reverted + name, $"The contract says {name}.")
            : null;
    }
}
