using Souk.Chain;
using Souk.Chain.Evm;
using Souk.Protocol;

namespace Souk.Gateway.Channels;

/// <summary>What the hot key does at the vault: it sends by itself, or signs what the key that has gas sends.</summary>
internal sealed class VaultActs(GatewayOptions options, IMarketChain chain, TimeProvider time, Randomness randomness)
{
    private const ulong OrderSeconds = 600;

    /// <summary>Acts, and waits until it is mined.</summary>
    /// <param name="action">An action of the gateway's own vault.</param>
    /// <param name="chainTime">Unix seconds of the newest block, which the contract compares the deadline with.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task<Result<TxOutcome>> SubmitAsync(VaultAction action, ulong chainTime, CancellationToken cancellation)
    {
        if (options.GasKey is not { } gas)
        {
            return chain.Account(options.HotKey).SubmitAsync(action, cancellation);
        }

        var deadline = Math.Max(chainTime, (ulong)time.GetUtcNow().ToUnixTimeSeconds()) + OrderSeconds;
        var order = RelayOrders.Sign(
            options.HotKey, chain.Network.ChainId, options.Vault, [action], randomness.NextBytes32(), deadline);
        return chain.Account(gas).SubmitAsync(order, cancellation);
    }
}
