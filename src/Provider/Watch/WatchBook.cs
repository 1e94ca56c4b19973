using System.Collections.Immutable;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Provider.Watch;

/// <summary>The claims that a watchtower holds: the highest of each channel.</summary>
internal sealed record WatchBook : IBook<WatchBook>
{
    public static WatchBook Empty { get; } = new();

    /// <summary>By channel.</summary>
    public ImmutableSortedDictionary<Bytes32, ClaimGuarded> Held { get; private init; } =
        ImmutableSortedDictionary<Bytes32, ClaimGuarded>.Empty;

    public WatchBook Apply(LedgerEvent happened) => happened switch
    {
        ClaimGuarded row when row.Total > Total(row.ChannelId) => this with { Held = Held.SetItem(row.ChannelId, row) },
        ClaimGuarded => throw new InvalidOperationException("A claim is replaced by a higher one only."),
        GuardEnded row when row.Claimed >= Total(row.ChannelId) => this with { Held = Held.Remove(row.ChannelId) },
        GuardEnded => throw new InvalidOperationException("A claim is held until as much has been claimed."),
        _ => throw new InvalidOperationException($"{happened.GetType().Name} is no event of a watchtower."),
    };

    public WatchBook Forget(ulong nowMs) => this;

    /// <summary>The total of a channel's claim; zero where none is held.</summary>
    public Amount Total(Bytes32 channel) => Held.TryGetValue(channel, out var held) ? held.Total : Amount.Zero;
}
