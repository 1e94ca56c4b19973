using System.Globalization;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Deployment;

/// <summary>
/// Makes sure that a chain has the deterministic deployment proxy. Its creator signed one transaction for all chains
/// (before EIP-155, at a fixed gas price) and nobody knows the key, so the proxy has one address everywhere; it only
/// has to be paid for.
/// </summary>
internal static class DeploymentProxy
{
    // Published with the proxy (repository Arachnid/deterministic-deployment-proxy); the signature's r and s are made
    // up, and the account follows from them.
    private static readonly byte[] Presigned = Convert.FromHexString(
        "f8a58085174876e800830186a08080b853604580600e600039806000f350fe"
        + "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
        + "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
        + "1ba02222222222222222222222222222222222222222222222222222222222222222"
        + "a02222222222222222222222222222222222222222222222222222222222222222");

    // What the presigned creation code leaves on the chain: all of it after the first 14 bytes.
    private static readonly byte[] Code = LegacyTransaction.Decode(Presigned, out _).Data[14..].ToArray();

    /// <summary>The account that the presigned transaction is from.</summary>
    public static Address Creator { get; } = SignedTransaction.Sender(Presigned)!.Value;

    /// <summary>Wei that the account needs.</summary>
    public static UInt128 Cost { get; } =
        LegacyTransaction.Decode(Presigned, out _) is var made ? made.GasPrice * made.Gas : 0;

    /// <summary>True once the proxy is there; pays for it with <paramref name="sender"/> where it is not.</summary>
    public static async Task<Result<bool>> EnsureAsync(
        RpcChain chain, TransactionSender sender, TimeSpan patience, CancellationToken cancellation)
    {
        if (await IsThereAsync(chain, cancellation) is not { } isThere)
        {
            return new Refusal(
                Fault.Nobody,
                "proxy_address_taken",
                $"{CompiledContracts.Proxy} holds something else than the deployment proxy on chain {chain.ChainId}; "
                + "deterministic addresses cannot be had there.");
        }

        if (isThere)
        {
            return true;
        }

        var head = (await chain.NewestAsync(cancellation)).Head;
        var balance = await chain.BalanceAsync(Creator, head, cancellation);
        if (balance < Cost)
        {
            var funded = await sender.SendAsync(Creator, default, Cost - balance, cancellation);
            if (funded.Refusal is { } refusal)
            {
                return refusal;
            }
        }

        var reply = await chain.AskAsync(
            RpcCall.OfBytes("eth_sendRawTransaction", RpcValues.Hex(Presigned)), cancellation);
        if (reply.Error is { } error && !error.Says("already known"))
        {
            return Missing(chain, error.Short);
        }

        var started = chain.Time.GetTimestamp();
        while (chain.Time.GetElapsedTime(started) < patience)
        {
            if (await IsThereAsync(chain, cancellation) == true)
            {
                return true;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), chain.Time, cancellation);
        }

        return Missing(chain, "the transaction was accepted and not mined");
    }

    // Null if something else is there.
    private static async Task<bool?> IsThereAsync(RpcChain chain, CancellationToken cancellation)
    {
        var head = (await chain.NewestAsync(cancellation)).Head;
        var code = (await chain.CodeAsync([CompiledContracts.Proxy], head, cancellation))[0];
        return code.IsEmpty ? false : code.Span.SequenceEqual(Code) ? true : null;
    }

    private static Refusal Missing(RpcChain chain, string why) => new(
        Fault.Nobody,
        "proxy_missing",
        string.Create(
            CultureInfo.InvariantCulture,
            $"Chain {chain.ChainId} has no deployment proxy at {CompiledContracts.Proxy} and does not take the ")
        + $"transaction that makes it ({why}). {Creator} is funded with {Cost} wei. Either run a node that accepts "
        + "transactions without replay protection and send it there, or ask the chain's operators for the proxy.");
}
