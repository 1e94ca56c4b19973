using System.Runtime.CompilerServices;
using Souk.Chain.Codec;
using Souk.Chain.Following;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>The market on an EVM chain, by the contracts that the network file names.</summary>
public sealed class EvmMarketChain : IMarketChain, IAsyncDisposable
{
    private readonly RpcChain _chain;
    private readonly ContractReads _reads;
    private readonly SenderOptions _sending;
    private readonly Dictionary<Address, EvmMarketAccount> _accounts = [];

    /// <summary>Takes a network and its chain, which the caller disposes of afterwards.</summary>
    public EvmMarketChain(NetworkFile network, RpcChain chain, SenderOptions sending)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(chain);
        if (network.ChainId != chain.ChainId)
        {
            throw new ArgumentException("The network file is for another chain.", nameof(chain));
        }

        Network = network;
        _chain = chain;
        _reads = new ContractReads(chain, network);
        _sending = sending;
    }

    /// <inheritdoc/>
    public NetworkFile Network { get; }

    /// <summary>Opens the chain of a network file.</summary>
    public static RpcChain Open(NetworkFile network, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(network);
        var options = new RpcOptions { StaleHead = TimeSpan.FromSeconds(network.MaxHeadAge) };
        return new RpcChain(network.ChainId, [.. network.RpcUrls.Select(url => new Uri(url))], options, time);
    }

    /// <inheritdoc/>
    public async Task<Result<Head>> HeadAsync(ReadPoint point, CancellationToken cancellation)
    {
        var read = await ReadAsync(point, static (_, _) => Task.FromResult(true), cancellation);
        return read.TryGet(out var value, out var refusal) ? value.At : refusal;
    }

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ChannelState>>>> ChannelsAsync(
        IReadOnlyList<Bytes32> channels, ReadPoint point, CancellationToken cancellation) =>
        ReadAsync(point, (at, stop) => _reads.ChannelsAsync(channels, at, stop), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<ReceiverState>>> ReceiverAsync(
        Address receiver, ReadPoint point, CancellationToken cancellation) =>
        ReadAsync(point, (at, stop) => _reads.ReceiverAsync(receiver, at, stop), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry?>>>> ProvidersAsync(
        IReadOnlyList<Address> providers, ReadPoint point, CancellationToken cancellation) =>
        ReadAsync(point, (at, stop) => _reads.ProvidersAsync(providers, at, stop), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderEntry>>>> AllProvidersAsync(
        ReadPoint point, CancellationToken cancellation) =>
        ReadAsync(point, _reads.AllProvidersAsync, cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<IReadOnlyList<ProviderKeySet>>>> KeySetsAsync(
        Address provider, ReadPoint point, CancellationToken cancellation) =>
        ReadAsync(point, (at, stop) => _reads.KeySetsAsync(provider, at, stop), cancellation);

    /// <inheritdoc/>
    public Task<Result<Read<VaultState?>>> VaultAsync(
        Address vault, ReadPoint point, CancellationToken cancellation) =>
        ReadAsync(point, (at, stop) => _reads.VaultAsync(vault, at, stop), cancellation);

    /// <inheritdoc/>
    public async Task<Result<Address>> VaultAddressAsync(
        VaultSettings settings, Bytes32 salt, CancellationToken cancellation)
    {
        var read = await ReadAsync(
            ReadPoint.Newest, (at, stop) => _reads.VaultAddressAsync(settings, salt, at, stop), cancellation);
        return read.TryGet(out var value, out var refusal) ? value.Value : refusal;
    }

    /// <inheritdoc/>
    public Task<Result<Read<Holdings>>> HoldingsAsync(Address holder, CancellationToken cancellation) =>
        ReadAsync(ReadPoint.Newest, (at, stop) => _reads.HoldingsAsync(holder, at, stop), cancellation);

    /// <inheritdoc/>
    public async Task<Result<Eip712Domain>> CurrencyDomainAsync(CancellationToken cancellation)
    {
        var read = await ReadAsync(ReadPoint.Newest, _reads.CurrencyDomainAsync, cancellation);
        return !read.TryGet(out var value, out var refusal)
            ? refusal
            : value.Value is { } domain
                ? domain
                : Refusals.WrongContract("the currency's signatures are for another domain than its name and version");
    }

    /// <summary>Whether a holder's EIP-3009 authorisation with this nonce was used or cancelled.</summary>
    public async Task<Result<bool>> IsAuthorisationUsedAsync(
        Address holder, Bytes32 nonce, CancellationToken cancellation)
    {
        var read = await ReadAsync(
            ReadPoint.Newest, (at, stop) => _reads.IsAuthorisationUsedAsync(holder, nonce, at, stop), cancellation);
        return read.TryGet(out var value, out var refusal) ? value.Value : refusal;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChainNews> FollowAsync(
        IReadOnlyList<Address> vaults, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var topics = new MarketTopics(Network, vaults);
        var follower = new ChainFollower(_chain, topics.Filters, Network.Confirmations, PollInterval);
        while (await follower.NextAsync(cancellation) is { } advance)
        {
            yield return topics.News(advance);
        }
    }

    /// <inheritdoc/>
    public IMarketAccount Account(PrivateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_accounts)
        {
            if (!_accounts.TryGetValue(key.Address, out var account))
            {
                var sender = new TransactionSender(_chain, key, _sending with { PollInterval = PollInterval });
                account = new EvmMarketAccount(sender, Network);
                _accounts.Add(key.Address, account);
            }

            return account;
        }
    }

    /// <summary>Stops the accounts' queues.</summary>
    public async ValueTask DisposeAsync()
    {
        List<EvmMarketAccount> accounts;
        lock (_accounts)
        {
            accounts = [.. _accounts.Values];
            _accounts.Clear();
        }

        foreach (var account in accounts)
        {
            await account.DisposeAsync();
        }
    }

    // Twice a block, but neither a node's whole attention nor minutes late.
    private TimeSpan PollInterval => TimeSpan.FromSeconds(Math.Clamp(Network.BlockTime / 2, 0.1, 6));

    private async Task<Result<Read<T>>> ReadAsync<T>(
        ReadPoint point, Func<Head, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        try
        {
            var at = await PointAsync(point, cancellation);
            return new Read<T>(at, await read(at, cancellation));
        }
        catch (RpcUnavailableException failure)
        {
            return Refusals.Unavailable(failure);
        }
        catch (RpcRefusedException failure)
        {
            return Refusals.Refused(failure.Message);
        }
        catch (Exception failure) when (failure is AbiException or CallRevertedException)
        {
            return Refusals.WrongContract(failure.Message);
        }
    }

    private async Task<Head> PointAsync(ReadPoint point, CancellationToken cancellation)
    {
        var newest = (await _chain.NewestAsync(cancellation)).Head;
        var depth = (ulong)Math.Max(Network.Confirmations - 1, 0);
        if (point == ReadPoint.Newest || depth == 0)
        {
            return newest;
        }

        var number = newest.Number < depth ? 0 : newest.Number - depth;
        var block = (await _chain.BlocksAsync([number], cancellation))[0];
        return block?.Head ?? throw new RpcUnavailableException($"No node has block {number} of {newest.Number}.");
    }
}
