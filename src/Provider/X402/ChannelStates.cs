using System.Collections.Concurrent;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Selling;
using Souk.Protocol;
using WireState = Souk.Wire.X402.ChannelState;

namespace Souk.Provider.X402;

/// <summary>
/// Where channels are, as x402 tells it. All that counts is in the book; refund nonce and the time of a withdrawal,
/// which the book does not need, are read from the chain when a channel is first seen. Only this provider's own refunds
/// change the nonce.
/// </summary>
internal sealed class ChannelStates(IMarketChain chain, Journal<ProviderBook> journal)
{
    private const int MostKept = 4096;
    private readonly ConcurrentDictionary<Bytes32, (UInt128 RefundNonce, ulong WithdrawalAt)> _read = [];

    /// <summary>Reads a channel from the chain, and remembers what the book does not hold of it.</summary>
    public async Task<Result<ChannelState>> ReadAsync(Bytes32 id, CancellationToken cancellation)
    {
        var read = await chain.ChannelsAsync([id], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out var refusal))
        {
            return refusal;
        }

        if (_read.Count >= MostKept)
        {
            _read.Clear();
        }

        var state = states.Value[0];
        _read[id] = (state.RefundNonce, state.Withdrawal?.InitiatedAt ?? 0);
        return state;
    }

    /// <summary>Makes sure that <see cref="Tell(Bytes32)"/> has all it needs. Null where it does.</summary>
    public async Task<Refusal?> PrepareAsync(Bytes32 id, CancellationToken cancellation)
    {
        var isWithdrawing = journal.Book.Channels.GetValueOrDefault(id) is { IsWithdrawing: true };
        var isKnown = _read.TryGetValue(id, out var known) && (!isWithdrawing || known.WithdrawalAt > 0);
        return isKnown ? null : (await ReadAsync(id, cancellation)).Refusal;
    }

    /// <summary>A channel of the book as it is now, with what was charged on it.</summary>
    public WireState? Tell(Bytes32 id)
    {
        if (journal.Durable.Channels.GetValueOrDefault(id) is not { } channel)
        {
            return null;
        }

        var (nonce, withdrawalAt) = _read.GetValueOrDefault(id);
        return new WireState(
            id, channel.Deposit, channel.Claimed, channel.IsWithdrawing ? withdrawalAt : 0, nonce, channel.Base);
    }

    /// <summary>The same as the chain alone has it.</summary>
    public static WireState Tell(ChannelState state) => new(
        state.Id, state.Balance, state.Claimed, state.Withdrawal?.InitiatedAt ?? 0, state.RefundNonce);
}
