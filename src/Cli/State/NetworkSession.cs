using Souk.Chain;
using Souk.Chain.Deployment;
using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.Cli.State;

/// <summary>The account that pays for gas.</summary>
internal sealed record Payer(IMarketAccount Account);

/// <summary>A command's way to a network: the data folder, its keys, and the chain with the contracts
/// checked.</summary>
internal sealed class NetworkSession : IAsyncDisposable
{
    private const ulong OrderSeconds = 3600;
    private static readonly SenderOptions Sending = new() { PollInterval = TimeSpan.FromMilliseconds(200) };

    private NetworkSession(DataDirectory data, NetworkFile network, RpcChain rpc, TimeProvider time)
    {
        (Data, Network, Rpc, Time) = (data, network, rpc, time);
        Keys = new NodeKeys(data, Randomness, network.ChainId);
        Chain = new EvmMarketChain(network, rpc, Sending);
    }

    public DataDirectory Data { get; }

    public NetworkFile Network { get; }

    public RpcChain Rpc { get; }

    public EvmMarketChain Chain { get; }

    public NodeKeys Keys { get; }

    public TimeProvider Time { get; }

    public Randomness Randomness { get; } = new SystemRandomness();

    /// <summary>Opens the network that was named, or the data folder's own, and checks its contracts.</summary>
    public static async Task<Result<NetworkSession>> OpenAsync(
        string data, string? named, TimeProvider time, CancellationToken cancellation)
    {
        var folder = new DataDirectory(data);
        if (!(await NetworkSource.ReadAsync(folder, named, cancellation)).TryGet(out var network, out var refusal))
        {
            return refusal;
        }

        var rpc = EvmMarketChain.Open(network, time);
        if (await NetworkCheck.RunAsync(network, rpc, cancellation) is { } wrong)
        {
            rpc.Dispose();
            return wrong;
        }

        return new NetworkSession(folder, network, rpc, time);
    }

    /// <summary>An amount of the currency from a decimal.</summary>
    public Result<Amount> Amount(string text) =>
        Protocol.Amount.TryFromDecimal(text, Network.CurrencyDecimals, out var amount)
            ? amount
            : new Refusal(
                Fault.Theirs, "amount_unfit",
                $"'{text}' is no amount: give a decimal of the whole currency with at most {Network.CurrencyDecimals} "
                    + "places, such as 12.5.");

    /// <summary>An amount as people read it.</summary>
    public string Text(Amount amount) => amount.ToDecimal(Network.CurrencyDecimals);

    /// <summary>An address, or that of a role's key.</summary>
    public Result<Address> Holder(string named)
    {
        if (Address.TryParse(named, out var address))
        {
            return address;
        }

        if (!Keys.Open(named).TryGet(out var key, out var refusal))
        {
            return refusal;
        }

        using (key)
        {
            return key.Address;
        }
    }

    /// <summary>
    /// Who pays the gas: the role that was named; on a development chain its rich account; else the first of the usual
    /// roles that holds gas money.
    /// </summary>
    public async Task<Result<Payer>> PayerAsync(
        string? role, IReadOnlyList<string> usual, CancellationToken cancellation)
    {
        if (role is not null)
        {
            return Keys.Open(role).TryGet(out var named, out var missing) ? new Payer(Chain.Account(named)) : missing;
        }

        if (WellKnownKeys.IsDevelopment(Network.ChainId))
        {
            return WellKnownKeys.Development(Network.ChainId).TryGet(out var rich, out var refused)
                ? new Payer(Chain.Account(rich))
                : refused;
        }

        foreach (var candidate in usual.Where(Keys.Has))
        {
            if (!Keys.Open(candidate).TryGet(out var key, out var refusal)
                || !(await Chain.HoldingsAsync(key.Address, cancellation)).TryGet(out var held, out refusal))
            {
                return refusal;
            }

            if (held.Value.GasMoney > 0)
            {
                return new Payer(Chain.Account(key));
            }
        }

        return new Refusal(
            Fault.Ours, ChainRefusals.NoGasMoney,
            $"None of the keys {string.Join(", ", usual)} holds gas money. Send some of the chain's coin to one of "
                + "them ('souk wallet list' shows the addresses), or name another with --gas-role.");
    }

    /// <summary>Has an account without gas act at its vault or at the registry: it signs, the payer sends.</summary>
    public async Task<Result<TxOutcome>> RelayAsync(
        PrivateKey actor, Address target, IReadOnlyList<MarketAction> actions, Payer payer,
        CancellationToken cancellation)
    {
        if (!(await DeadlineAsync(cancellation)).TryGet(out var deadline, out var refusal))
        {
            return refusal;
        }

        var order = RelayOrders.Sign(actor, Network.ChainId, target, actions, Randomness.NextBytes32(), deadline);
        return await payer.Account.SubmitAsync(order, cancellation);
    }

    /// <summary>Moves a holder's currency into a vault: the holder signs, the payer sends.</summary>
    public async Task<Result<TxOutcome>> FundAsync(
        PrivateKey holder, Address vault, Amount amount, Bytes32 nonce, Payer payer, CancellationToken cancellation)
    {
        if (!(await Chain.CurrencyDomainAsync(cancellation)).TryGet(out var domain, out var refusal)
            || !(await DeadlineAsync(cancellation)).TryGet(out var deadline, out refusal))
        {
            return refusal;
        }

        return await payer.Account.SubmitAsync(
            CurrencyOrders.Fund(holder, domain, vault, amount, nonce, deadline), cancellation);
    }

    /// <summary>Adds a holder's currency to a provider's stake: the holder signs, the payer sends.</summary>
    public async Task<Result<TxOutcome>> StakeAsync(
        PrivateKey holder, Address provider, Amount amount, Payer payer, CancellationToken cancellation)
    {
        if (!(await Chain.CurrencyDomainAsync(cancellation)).TryGet(out var domain, out var refusal)
            || !(await DeadlineAsync(cancellation)).TryGet(out var deadline, out refusal))
        {
            return refusal;
        }

        var order = CurrencyOrders.Stake(
            holder, domain, Network.Registry, provider, amount, Randomness.NextBytes32(), deadline);
        return await payer.Account.SubmitAsync(order, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Chain.DisposeAsync();
        Rpc.Dispose();
    }

    // By the chain's own clock, which is what the contracts compare with.
    private async Task<Result<ulong>> DeadlineAsync(CancellationToken cancellation)
    {
        var head = await Chain.HeadAsync(ReadPoint.Newest, cancellation);
        return head.TryGet(out var at, out var refusal) ? at.Timestamp + OrderSeconds : refusal;
    }
}
