using Microsoft.Extensions.Logging;
using Souk.Ledger.Books;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Watch;

/// <summary>The watchtowers of a provider.</summary>
internal sealed class TowerLinks
{
    private readonly Journal<ProviderBook> _journal;
    private readonly List<TowerLink> _links;

    public TowerLinks(
        ProviderOptions options, EscrowDomain escrow, Journal<ProviderBook> journal, NodeClient nodes,
        TimeProvider time, ILogger<TowerLinks> log)
    {
        _journal = journal;
        _links = [.. options.Watchtowers.Select(tower => new TowerLink(
            options, PeerTarget.ParsePinned(tower).Value, escrow, journal, nodes, time, log))];
    }

    /// <summary>A loop for each, so that one that hangs holds up no other.</summary>
    public IEnumerable<Func<CancellationToken, Task>> Loops =>
        _links.Select(link => (Func<CancellationToken, Task>)link.RunAsync);

    /// <summary>What could be claimed and no watchtower holds; null where there is no watchtower.</summary>
    public Amount? Unprotected() => _links.Count == 0 ? null : _journal.Durable.Channels.Values.Aggregate(
        Amount.Zero,
        (sum, channel) => sum + TowerLink.Gap(
            channel, _links.Aggregate(Amount.Zero, (most, link) => Amount.Max(most, link.Held(channel.Id)))));
}

/// <summary>
/// Keeps one watchtower supplied: signs a claim of each channel by itself and sends it when much of the channel is not
/// protected or some of it has not been for long. What the tower holds is known from its answers only, and everything
/// is sent again now and then, so a tower that lost its disk is supplied anew.
/// </summary>
internal sealed partial class TowerLink(
    ProviderOptions options, PeerTarget tower, EscrowDomain escrow, Journal<ProviderBook> journal, NodeClient nodes,
    TimeProvider time, ILogger<TowerLinks> log)
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SpeakEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SendAllEvery = TimeSpan.FromMinutes(10);
    private readonly Lock _guard = new();
    private readonly SortedDictionary<Bytes32, Amount> _held = [];
    private readonly SortedDictionary<Bytes32, long> _openSince = [];

    /// <summary>What could be claimed of a channel beyond a total that is held.</summary>
    public static Amount Gap(ProviderChannel channel, Amount held) => channel.Claimable.IsZero
        ? Amount.Zero
        : Amount.SubtractToZero(channel.Collectible, Amount.Max(channel.Claimed, held));

    /// <summary>The total that the tower holds of a channel.</summary>
    public Amount Held(Bytes32 channel)
    {
        lock (_guard)
        {
            return _held.GetValueOrDefault(channel);
        }
    }

    /// <summary>Sends what is due until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        long? allAt = null;
        long? spokeAt = null;
        while (true)
        {
            var isAll = allAt is null || time.GetElapsedTime(allAt.Value) >= SendAllEvery;
            var isQuiet = spokeAt is null || time.GetElapsedTime(spokeAt.Value) >= SpeakEvery;
            var due = Due(isAll, isQuiet);
            if (due.Count > 0 && await SendAsync(due, cancellation))
            {
                spokeAt = time.GetTimestamp();
                allAt = isAll ? spokeAt : allAt;
            }

            await Task.Delay(Turn, time, cancellation);
        }
    }

    // The least protected first. Where nothing is due one claim goes all the same, so that the tower hears that this
    // provider is alive.
    private List<ProviderChannel> Due(bool isAll, bool isQuiet)
    {
        List<(ProviderChannel Channel, Amount Gap, bool IsDue)> open = [];
        foreach (var channel in journal.Durable.Channels.Values)
        {
            var gap = Gap(channel, Held(channel.Id));
            if (gap.IsZero)
            {
                _openSince.Remove(channel.Id);
            }
            else
            {
                _openSince.TryAdd(channel.Id, time.GetTimestamp());
            }

            if (channel.Claimable.IsZero)
            {
                Forget(channel.Id);
                continue;
            }

            var isDue = isAll || (!gap.IsZero && (channel.IsWithdrawing || gap >= options.GuardStep
                || time.GetElapsedTime(_openSince[channel.Id]) >= options.GuardEvery));
            open.Add((channel, gap, isDue));
        }

        var ordered = open.OrderByDescending(one => one.Gap).ThenBy(one => one.Channel.Id).ToList();
        var due = ordered.Where(one => one.IsDue).Select(one => one.Channel).ToList();
        return due.Count == 0 && isQuiet ? [.. ordered.Take(1).Select(one => one.Channel)] : due;
    }

    private async Task<bool> SendAsync(List<ProviderChannel> due, CancellationToken cancellation)
    {
        var unclaimed = journal.Durable.Channels.Values.Aggregate(
            Amount.Zero, (sum, channel) => sum + channel.Claimable);
        foreach (var batch in due.Chunk(GuardRequest.MostClaims))
        {
            var request = new GuardRequest(unclaimed, [.. batch.Select(Sign)]);
            if (!(await nodes.GuardAsync(tower, request, cancellation)).TryGet(out var reply, out var refusal))
            {
                LogUnprotected(tower.Endpoint, refusal.Message);
                return false;
            }

            Take(request, batch, reply);
        }

        return true;
    }

    private GuardedClaim Sign(ProviderChannel channel)
    {
        var entry = new ClaimEntry(channel.Id, channel.Ceiling, channel.Collectible);
        return new GuardedClaim(
            channel.Config, channel.Highest!, channel.Collectible,
            ClaimBatch.Sign(options.AuthorizerKey, escrow, [entry]));
    }

    // A tower cannot hold more than it was ever given, whatever it says.
    private void Take(GuardRequest request, ProviderChannel[] sent, GuardReply reply)
    {
        lock (_guard)
        {
            for (var i = 0; i < sent.Length; i++)
            {
                var told = reply.Held.FirstOrDefault(held => held.ChannelId == sent[i].Id);
                var total = Amount.Min(told?.Total ?? Amount.Zero, request.Claims[i].Total);
                if (total.IsZero)
                {
                    _held.Remove(sent[i].Id);
                }
                else
                {
                    _held[sent[i].Id] = total;
                }
            }
        }
    }

    private void Forget(Bytes32 channel)
    {
        lock (_guard)
        {
            _held.Remove(channel);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The watchtower {Tower} holds nothing newer and will be sent it again: {Reason}")]
    private partial void LogUnprotected(Uri tower, string reason);
}
