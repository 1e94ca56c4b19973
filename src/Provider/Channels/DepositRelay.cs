using Souk.Chain;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Provider.Channels;

/// <summary>
/// Sends customers' deposits at this provider's expense. The collector is code that the customer chose, so its gas is
/// capped, and few deposits at a time share the gas key's queue with claims.
/// </summary>
internal sealed class DepositRelay(ProviderOptions options, IMarketChain chain, TimeProvider time) : IDisposable
{
    private const int MostAtOnce = 2;
    private const int MostWaiting = 16;
    private readonly OpeningRate<Address> _payers = new(options.OpeningsPerPayerAndHour, time);
    private readonly OpeningRate<string> _peers = new(options.OpeningsPerPeerAndHour, time);
    private readonly SemaphoreSlim _places = new(MostAtOnce, MostAtOnce);
    private int _taken;

    /// <summary>Relays a deposit to its end, which is its transaction's hash where it was mined.</summary>
    /// <param name="peer">Who asks, as the wire names it.</param>
    public async Task<Result<Bytes32>> SendAsync(
        ChannelConfig config, ChannelDeposit deposit, string peer, CancellationToken cancellation)
    {
        if (deposit.Amount < options.MinimumDeposit)
        {
            return Theirs(
                "deposit_too_small",
                    $"Deposits below {options.MinimumDeposit} units are not relayed; they cost this provider gas.");
        }

        // The peer first: the payer is whatever the peer says.
        if (!_peers.TryTake(peer) || !_payers.TryTake(config.Payer))
        {
            return Theirs("too_many_openings",
                "Too many channels were opened from there within an hour; try again later.");
        }

        if (Interlocked.Increment(ref _taken) > MostAtOnce + MostWaiting)
        {
            Interlocked.Decrement(ref _taken);
            return new Refusal(Fault.Ours, "busy", "Too many deposits are being relayed; try again shortly.");
        }

        // Without a token, so that the wait ends on the caller's context.
        await _places.WaitAsync(CancellationToken.None);
        try
        {
            return await SubmitAsync(config, deposit, cancellation);
        }
        finally
        {
            _places.Release();
            Interlocked.Decrement(ref _taken);
        }
    }

    public void Dispose() => _places.Dispose();

    /// <summary>Whether a deposit could be made now, without sending it. Null where it could.</summary>
    public async Task<Refusal?> TryAsync(
        ChannelConfig config, ChannelDeposit deposit, CancellationToken cancellation) =>
        (await chain.Account(options.GasKey).QuoteAsync(Action(config, deposit), cancellation))
            .Refusal is { } refusal ? Explain(refusal) : null;

    private DepositThrough Action(ChannelConfig config, ChannelDeposit deposit) =>
        new(config, deposit.Amount, deposit.Collector, deposit.Data) { MostGas = options.MostDepositGas };

    private async Task<Result<Bytes32>> SubmitAsync(
        ChannelConfig config, ChannelDeposit deposit, CancellationToken cancellation)
    {
        // Asked before it enters the queue, and capped again when its turn comes: a collector can change its mind.
        if (await TryAsync(config, deposit, cancellation) is { } refusal)
        {
            return refusal;
        }

        var outcome = await chain.Account(options.GasKey).SubmitAsync(Action(config, deposit), cancellation);
        return outcome.TryGet(out var mined, out var failed) ? mined.Hash : Explain(failed);
    }

    private static Refusal Explain(Refusal refusal)
    {
        if (refusal.Code == ChainRefusals.TooMuchGas)
        {
            return Theirs("deposit_gas", $"This deposit is not relayed: {refusal.Message}");
        }

        return ChainRefusals.RevertName(refusal) is null
            ? refusal
            : Theirs("deposit_reverted", $"The deposit cannot be made: {refusal.Message}");
    }

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);
}
