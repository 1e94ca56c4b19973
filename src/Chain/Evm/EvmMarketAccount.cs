using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>One key's transactions on the market's contracts.</summary>
internal sealed class EvmMarketAccount(TransactionSender sender, NetworkFile network)
    : IMarketAccount, IAsyncDisposable
{
    public Address Address => sender.From;

    public async Task<Result<TxOutcome>> SubmitAsync(MarketAction action, CancellationToken cancellation)
    {
        var call = ContractCalls.Encode(action, network);
        var sent = await sender.SendAsync(call.To, call.Data, call.Value, cancellation, action.MostGas, action.Hurry);
        return sent.TryGet(out var receipt, out var refusal)
            ? new TxOutcome(receipt.Transaction, receipt.Block, receipt.BlockHash, receipt.GasUsed, receipt.Fee)
            : refusal;
    }

    public Task<Result<GasQuote>> QuoteAsync(MarketAction action, CancellationToken cancellation)
    {
        var call = ContractCalls.Encode(action, network);
        return sender.QuoteAsync(call.To, call.Data, call.Value, cancellation, action.MostGas);
    }

    public ValueTask DisposeAsync() => sender.DisposeAsync();
}
