using System.Text.Json;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>
/// One nonce from first broadcast to receipt: every version sent under it is kept, since any of them may be the one
/// that is mined.
/// </summary>
internal sealed class InFlight(
    RpcChain chain,
    PrivateKey key,
    SenderOptions options,
    TransactionWish wish,
    ulong gas,
    ulong nonce,
    Fees fees,
    long started)
{
    private const int LooksBeforeNonceIsGone = 4;
    private const ulong WidestGap = 16;
    private const ulong TransferGas = 21_000;

    private readonly List<SignedTransaction> _versions = [];
    private Fees _fees = fees;
    private Fees _fillFees = fees;

    private SenderOptions Offered => wish.Options(options, gas, Now);

    private ulong Now => (ulong)chain.Time.GetUtcNow().ToUnixTimeSeconds();

    private enum Sent
    {
        Accepted,
        Underpriced,
        NonceGone,
        Refused,
    }

    private sealed record Look(ulong Block, ulong NextNonce, EvmReceipt? Receipt, bool IsKnown);

    /// <summary>The receipt, or why there is none; null if another transaction has the nonce.</summary>
    public async Task<Result<EvmReceipt>?> RunAsync(CancellationToken cancellation)
    {
        var (sent, refusal) = await SendNewAsync(cancellation);
        if (sent == Sent.NonceGone)
        {
            return null;
        }

        if (refusal is not null)
        {
            return refusal;
        }

        ulong? sentAt = null;
        var looksWithoutNonce = 0;
        RpcUnavailableException? trouble = null;
        while (chain.Time.GetElapsedTime(started) < options.GiveUpAfter)
        {
            await Task.Delay(options.PollInterval, chain.Time, cancellation);
            try
            {
                var look = await LookAsync(cancellation);
                trouble = null;
                if (look.Receipt is { } receipt)
                {
                    return receipt;
                }

                if (look.NextNonce > nonce && ++looksWithoutNonce >= LooksBeforeNonceIsGone)
                {
                    return null;
                }

                sentAt ??= look.Block;
                if (look.NextNonce <= nonce)
                {
                    looksWithoutNonce = 0;
                    sentAt = await PushAsync(look, sentAt.Value, cancellation);
                }
            }
            catch (RpcUnavailableException failure)
            {
                // What was sent may be mined meanwhile, so only time ends the waiting.
                trouble = failure;
            }
        }

        return trouble is null
            ? Refusals.NotMined(_versions[^1].Hash, options.GiveUpAfter)
            : Refusals.Unavailable(trouble);
    }

    // Not mined yet: raise the fees when it is stuck, send again what the node has forgotten.
    private async Task<ulong> PushAsync(Look look, ulong sentAt, CancellationToken cancellation)
    {
        var offered = Offered;
        if (look.Block < sentAt || look.Block - sentAt < (ulong)offered.ReplaceAfterBlocks)
        {
            if (!look.IsKnown)
            {
                await BroadcastAsync(_versions[^1], cancellation);
            }

            return sentAt;
        }

        var now = await Fees.EstimateAsync(chain, options, cancellation);
        if (look.NextNonce < nonce)
        {
            await FillGapAsync(look.NextNonce, now, cancellation);
        }

        var raised = _fees.Replacing(now.Hurried(wish.Hurry?.Percent(Now) ?? 100, offered.GreatestFee));
        if (raised.Cap > offered.GreatestFee)
        {
            await BroadcastAsync(_versions[^1], cancellation);
            return look.Block;
        }

        _fees = raised;
        await SendNewAsync(cancellation);
        return look.Block;
    }

    // Transactions before ours are missing or stuck: empty ones take their place, or nothing of ours ever moves.
    private async Task FillGapAsync(ulong next, Fees now, CancellationToken cancellation)
    {
        var raised = _fillFees.Replacing(now);
        if (nonce - next > WidestGap || raised.Cap > Offered.GreatestFee)
        {
            return;
        }

        _fillFees = raised;
        for (var missing = next; missing < nonce; missing++)
        {
            var filler = new FeeMarketTransaction(
                chain.ChainId, missing, _fillFees.Tip, _fillFees.Cap, TransferGas, key.Address, 0, default);
            await BroadcastAsync(filler.Sign(key), cancellation);
        }
    }

    // A version that a node calls underpriced meets an unknown one of the same nonce: offer more until it yields.
    private async Task<(Sent Sent, Refusal? Refusal)> SendNewAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var version = new FeeMarketTransaction(
                chain.ChainId, nonce, _fees.Tip, _fees.Cap, gas, wish.To, wish.Value, wish.Data).Sign(key);
            _versions.Add(version);
            var (sent, refusal) = await BroadcastAsync(version, cancellation);
            if (sent == Sent.Refused && _versions.Count > 1)
            {
                // The earlier version stands; only the raise did not take.
                _versions.RemoveAt(_versions.Count - 1);
                return (Sent.Accepted, null);
            }

            if (sent != Sent.Underpriced)
            {
                return (sent, refusal);
            }

            var now = await Fees.EstimateAsync(chain, options, cancellation);
            var raised = _fees.Replacing(now);
            if (raised.Cap > Offered.GreatestFee)
            {
                return _versions.Count > 1
                    ? (Sent.Accepted, null)
                    : (Sent.Refused, Refusals.TooExpensive(raised.Cap, Offered.GreatestFee));
            }

            _fees = raised;
        }
    }

    private async Task<(Sent Sent, Refusal? Refusal)> BroadcastAsync(
        SignedTransaction transaction, CancellationToken cancellation)
    {
        RpcReply reply;
        try
        {
            var bytes = RpcValues.Hex(transaction.Bytes.Span);
            reply = await chain.AskAsync(RpcCall.OfBytes("eth_sendRawTransaction", bytes), cancellation);
        }
        catch (RpcUnavailableException)
        {
            // It may have arrived; the looks that follow tell.
            return (Sent.Accepted, null);
        }

        return reply.Error switch
        {
            null => (Sent.Accepted, null),
            var e when e.Says("already known") || e.Says("already imported") || e.Says("known transaction") =>
                (Sent.Accepted, null),
            // Perhaps this very transaction was mined and only the node's answer got lost: the looks tell.
            var e when e.Says("nonce too low") => (Sent.Accepted, null),
            var e when e.Says("nonce too high") => (Sent.NonceGone, null),
            var e when e.Says("underpriced") || e.Says("max fee per gas less than") => (Sent.Underpriced, null),
            var e when e.Says("insufficient funds") => (Sent.Refused, Refusals.NoGasMoney(key.Address)),
            { Kind: RpcErrorKind.Revert } e => (
                Sent.Refused,
                Refusals.Reverted(Bindings.ContractErrors.Read(e.Data ?? default), "; nothing was sent")),
            var e => (Sent.Refused, Refusals.Refused(e.Short)),
        };
    }

    private async Task<Look> LookAsync(CancellationToken cancellation)
    {
        var hash = _versions[^1].Hash.ToString();
        var replies = await chain.SendAsync(
            [
                RpcCall.OfNumber("eth_blockNumber"),
                RpcCall.OfNumber("eth_getTransactionCount", key.Address.ToString(), "latest"),
                RpcCall.Of("eth_getTransactionByHash", IsObjectOrNull, hash),
                .. _versions.Select(ReceiptCall),
            ],
            cancellation);
        return new Look(
            RpcValues.Quantity64(replies[0]) ?? throw RpcChain.Malformed("eth_blockNumber"),
            RpcValues.Quantity64(replies[1]) ?? throw RpcChain.Malformed("eth_getTransactionCount"),
            replies.Skip(3).Select(Receipt).FirstOrDefault(receipt => receipt is not null),
            replies[2].ValueKind == JsonValueKind.Object);
    }

    private static bool IsObjectOrNull(JsonElement json) =>
        json.ValueKind is JsonValueKind.Object or JsonValueKind.Null;

    private static RpcCall ReceiptCall(SignedTransaction version) => RpcCall.Of(
        "eth_getTransactionReceipt",
        json => json.ValueKind == JsonValueKind.Null || Receipt(json)?.Transaction == version.Hash,
        version.Hash.ToString());

    private static EvmReceipt? Receipt(JsonElement json) =>
        RpcValues.Word(RpcValues.Member(json, "transactionHash")) is { } hash
        && RpcValues.Quantity64(RpcValues.Member(json, "status")) is { } status
        && RpcValues.Quantity64(RpcValues.Member(json, "blockNumber")) is { } block
        && RpcValues.Word(RpcValues.Member(json, "blockHash")) is { } blockHash
        && RpcValues.Quantity64(RpcValues.Member(json, "gasUsed")) is { } used
        && RpcValues.Quantity(RpcValues.Member(json, "effectiveGasPrice")) is { } price
        && price <= UInt128.MaxValue >> 64
            ? new EvmReceipt(hash, status == 1, block, blockHash, used, price)
            : null;
}
