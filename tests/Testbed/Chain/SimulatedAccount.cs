using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>An account on the simulated chain: each transaction is tried first, then waits for the next
/// block.</summary>
internal sealed class SimulatedAccount(SimulatedChain chain, Address address) : IMarketAccount
{
    public const ulong Gas = 100_000;

    public Address Address { get; } = address;

    public Task<Result<TxOutcome>> SubmitAsync(MarketAction action, CancellationToken cancellation) =>
        SubmitAsync(action, 0, cancellation);

    /// <summary>As the other, mined so many blocks later than it could be.</summary>
    public async Task<Result<TxOutcome>> SubmitAsync(
        MarketAction action, int blocksLater, CancellationToken cancellation)
    {
        var quote = await QuoteAsync(action, cancellation);
        return quote.TryGet(out _, out var refusal)
            ? await chain.EnqueueAsync(Address, action, blocksLater).WaitAsync(cancellation)
            : refusal;
    }

    public Task<Result<GasQuote>> QuoteAsync(MarketAction action, CancellationToken cancellation)
    {
        var quote = new GasQuote(action is DepositThrough ? chain.DepositGas : Gas, chain.WeiPerGas);
        if (chain.IsDown)
        {
            return Task.FromResult<Result<GasQuote>>(SimulatedChain.Unavailable());
        }

        if (quote.Gas > action.MostGas)
        {
            return Task.FromResult<Result<GasQuote>>(
                new Refusal(Fault.Nobody, ChainRefusals.TooMuchGas, $"It takes {quote.Gas} gas."));
        }

        if (chain.Books.GasMoney.GetValueOrDefault(Address) < quote.Fee)
        {
            return Task.FromResult<Result<GasQuote>>(
                new Refusal(Fault.Ours, ChainRefusals.NoGasMoney, $"{Address} cannot pay the gas."));
        }

        return Task.FromResult(chain.Try(chain.Books, Address, action).TryGet(out _, out var refusal)
            ? quote
            : (Result<GasQuote>)refusal);
    }
}
