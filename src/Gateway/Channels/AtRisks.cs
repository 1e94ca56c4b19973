using Souk.Ledger.Customer;
using Souk.Market.Budgets;
using Souk.Protocol;

namespace Souk.Gateway.Channels;

/// <summary>What the gateway's channels have at risk, against its owner's caps.</summary>
internal static class AtRisks
{
    /// <summary>Whether a channel's ceiling may rise so far, by the book that it is decided on. Null where it
    /// may.</summary>
    public static Refusal? Check(CustomerBook book, CustomerChannel channel, Amount ceiling, ExposureCaps caps) =>
        Exposure.Check(
            [.. book.Channels.Values.Select(open => new AtRisk(open.Provider, open.AtRisk))], channel.Provider,
            Amount.SubtractToZero(ceiling, channel.LeastCeiling), caps);
}
