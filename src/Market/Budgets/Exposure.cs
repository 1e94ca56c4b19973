using Souk.Protocol;

namespace Souk.Market.Budgets;

/// <summary>The most that may be at risk; set by a node's owner.</summary>
/// <param name="PerPeer">Over all channels with one peer.</param>
/// <param name="Total">Over all channels.</param>
public sealed record ExposureCaps(Amount PerPeer, Amount Total);

/// <summary>What one channel has at risk: the part of its ceiling that no receipt explains.</summary>
/// <param name="Peer">Whose channel.</param>
/// <param name="Amount">Smallest units.</param>
public sealed record AtRisk(Address Peer, Amount Amount);

/// <summary>Exposure is the sum over channels, and is capped.</summary>
public static class Exposure
{
    /// <summary>The sum over all channels.</summary>
    public static Amount Total(IEnumerable<AtRisk> channels)
    {
        ArgumentNullException.ThrowIfNull(channels);
        return channels.Aggregate(Amount.Zero, (sum, channel) => sum + channel.Amount);
    }

    /// <summary>Whether so much more may be put at risk with a peer. Null where it may.</summary>
    /// <param name="channels">What is at risk now.</param>
    /// <param name="peer">With whom.</param>
    /// <param name="more">By how much a ceiling would rise.</param>
    /// <param name="caps">The owner's caps.</param>
    public static Refusal? Check(IReadOnlyCollection<AtRisk> channels, Address peer, Amount more, ExposureCaps caps)
    {
        ArgumentNullException.ThrowIfNull(channels);
        ArgumentNullException.ThrowIfNull(caps);
        var withPeer = Total(channels.Where(channel => channel.Peer == peer));
        if (IsOver(withPeer, more, caps.PerPeer))
        {
            return new Refusal(
                Fault.Ours, "peer_exposure",
                $"With {more} more than {withPeer}, more than {caps.PerPeer} would be at risk with {peer}. "
                + "Wait for receipts, or raise the cap for one peer.");
        }

        var total = Total(channels);
        return IsOver(total, more, caps.Total)
            ? new Refusal(
                Fault.Ours, "total_exposure",
                $"With {more} more than {total}, more than {caps.Total} would be at risk. "
                + "Wait for receipts, or raise the total cap.")
            : null;
    }

    // By difference, so that no sum can wrap.
    private static bool IsOver(Amount now, Amount more, Amount cap) => now > cap || more > cap - now;
}
