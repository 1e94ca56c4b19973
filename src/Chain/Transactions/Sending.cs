using System.Text.Json.Nodes;
using Souk.Chain.Bindings;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>What is to be sent; fees, gas and nonce are found when its turn comes. Where the estimate is above
/// <paramref name="MostGas"/> nothing is sent.</summary>
internal sealed record TransactionWish(
    Address? To, ReadOnlyMemory<byte> Data, UInt128 Value, ulong? MostGas = null, Hurry? Hurry = null)
{
    /// <summary>The options with which it is sent now: in haste at every block, and up to what it is worth.</summary>
    /// <param name="usual">Without haste.</param>
    /// <param name="gas">Units that it takes.</param>
    /// <param name="now">Unix seconds.</param>
    public SenderOptions Options(SenderOptions usual, ulong gas, ulong now) =>
        Hurry is not { } hurry ? usual
        : hurry.Percent(now) == 100 ? usual with
        {
            GreatestFee = UInt128.Min(usual.GreatestFee, hurry.MostFee / Math.Max(gas, 1)),
        }
        : usual with { GreatestFee = hurry.MostFee / Math.Max(gas, 1), ReplaceAfterBlocks = 1 };
}

/// <summary>Takes one wish at a time from estimate to receipt.</summary>
internal sealed class Sending(RpcChain chain, PrivateKey key, SenderOptions options)
{
    private const int PatienceWithLaggingNode = 3;

    // One more than the nonce of our last mined transaction: a node that says less is behind, or the chain was reset.
    private ulong _floor;

    public async Task<Result<GasQuote>> QuoteAsync(TransactionWish wish, CancellationToken cancellation)
    {
        var gas = await GasAsync(wish, cancellation);
        if (!gas.TryGet(out var units, out var refusal))
        {
            return refusal;
        }

        var fees = await Fees.EstimateAsync(chain, options, cancellation);
        return new GasQuote(units, fees.BaseFee + fees.Tip);
    }

    public async Task<Result<EvmReceipt>> RunAsync(TransactionWish wish, CancellationToken cancellation)
    {
        var started = chain.Time.GetTimestamp();
        for (var attempt = 0; attempt <= options.MostResyncs; attempt++)
        {
            // Estimated anew each time: another's transaction may have made this one pointless, and then it reverts.
            var gas = await GasAsync(wish, cancellation);
            if (!gas.TryGet(out var units, out var refusal))
            {
                return refusal;
            }

            var now = (ulong)chain.Time.GetUtcNow().ToUnixTimeSeconds();
            var greatest = wish.Options(options, units, now).GreatestFee;
            var fees = await Fees.EstimateAsync(chain, options, cancellation);
            if (fees.BaseFee + fees.Tip > greatest)
            {
                return Refusals.TooExpensive(fees.BaseFee + fees.Tip, greatest);
            }

            fees = fees.Hurried(wish.Hurry?.Percent(now) ?? 100, greatest);
            var nonce = await NonceAsync(cancellation);
            var inFlight = new InFlight(chain, key, options, wish, units, nonce, fees, started);
            if (await inFlight.RunAsync(cancellation) is not { } outcome)
            {
                _floor = 0;
                await Task.Delay(options.PollInterval, chain.Time, cancellation);
                continue;
            }

            if (outcome.TryGet(out var receipt, out refusal))
            {
                _floor = nonce + 1;
                return receipt.Succeeded ? receipt : await ExplainAsync(wish, receipt, cancellation);
            }

            return refusal;
        }

        return Refusals.NonceTaken(key.Address);
    }

    private async Task<Result<ulong>> GasAsync(TransactionWish wish, CancellationToken cancellation)
    {
        var call = RpcChain.Call(wish.To, wish.Data, key.Address, wish.Value);
        var reply = await chain.AskAsync(GasCall(call), cancellation);
        if (reply.Error is { } error)
        {
            return error.Kind == RpcErrorKind.Revert
                ? Refusals.Reverted(ContractErrors.Read(error.Data ?? default), "; nothing was sent")
                : error.Says("insufficient funds") || error.Says("gas required exceeds allowance")
                    ? Refusals.NoGasMoney(key.Address)
                    : Refusals.Refused(error.Short);
        }

        var estimate = RpcValues.Quantity64(reply.Result) ?? throw RpcChain.Malformed("eth_estimateGas");
        return estimate > wish.MostGas
            ? Refusals.TooMuchGas(estimate, wish.MostGas.Value)
            : estimate + (estimate * (ulong)options.GasMarginPercent / 100);
    }

    private static RpcCall GasCall(JsonObject call) => RpcCall.Of(
        "eth_estimateGas",
        static result => RpcValues.Quantity64(result) is { } gas && gas < ulong.MaxValue / 1000,
        call);

    // The pending count queues behind transactions that an earlier run of this process left in the pool.
    private async Task<ulong> NonceAsync(CancellationToken cancellation)
    {
        for (var look = 1; ; look++)
        {
            var from = key.Address.ToString();
            var replies = await chain.SendAsync(
                [
                    RpcCall.OfNumber("eth_getTransactionCount", from, "latest"),
                    RpcCall.OfNumber("eth_getTransactionCount", from, "pending"),
                ],
                cancellation);
            var nonce = Math.Max(
                RpcValues.Quantity64(replies[0]) ?? throw RpcChain.Malformed("eth_getTransactionCount"),
                RpcValues.Quantity64(replies[1]) ?? throw RpcChain.Malformed("eth_getTransactionCount"));
            if (nonce >= _floor || look > PatienceWithLaggingNode)
            {
                return nonce;
            }

            await Task.Delay(options.PollInterval, chain.Time, cancellation);
        }
    }

    // The receipt only says that it failed. The same call on the state before the block usually fails the same way.
    private async Task<Result<EvmReceipt>> ExplainAsync(
        TransactionWish wish, EvmReceipt receipt, CancellationToken cancellation)
    {
        var reason = new RevertReason("Unknown", "reverted without saying why, or ran out of gas");
        var call = RpcChain.Call(wish.To, wish.Data, key.Address, wish.Value);
        try
        {
            var before = RpcValues.Quantity(receipt.Block == 0 ? 0 : receipt.Block - 1);
            var reply = await chain.AskAsync(RpcCall.OfBytes("eth_call", call, before), cancellation);
            if (reply.Error is { Kind: RpcErrorKind.Revert } error)
            {
                reason = ContractErrors.Read(error.Data ?? default);
            }
        }
        catch (RpcUnavailableException)
        {
            // The failure is certain; only its reason stays unknown.
        }

        return Refusals.Reverted(
            reason, $"; transaction {receipt.Transaction} in block {receipt.Block} cost {receipt.Fee} wei");
    }
}
