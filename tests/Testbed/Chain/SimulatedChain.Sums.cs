using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

public sealed partial class SimulatedChain
{
    /// <summary>Every channel that was ever funded, as the newest block has it.</summary>
    public IEnumerable<(ChannelConfig Config, ChannelState State)> Channels =>
        Books.Channels.Values.Select(channel => (channel.Config, channel.State));

    /// <summary>What the escrow owes and has paid every receiver.</summary>
    public IEnumerable<ReceiverState> Receivers => Books.Receivers.Values;

    /// <summary>All currency that anybody holds.</summary>
    public Amount Supply => Books.Currency.Values.Aggregate(Amount.Zero, (sum, amount) => sum + amount);

    /// <summary>The newest block.</summary>
    public Head Head => Newest;

    /// <summary>Transactions that wait for a block.</summary>
    public int Waiting => _pending.Count;
}
