using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Gateway.Offers;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Offers;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Channels;

/// <summary>
/// Compares what this ledger says of channels of an earlier life with chain and provider, before a voucher is signed on
/// them: a ledger whose rows are all sound may still be an older copy, on either side. Where the provider forgot, it is
/// given the last receipt; where this ledger did, the channel freezes and its money is taken back.
/// </summary>
internal sealed partial class ChannelProof(
    IMarketChain chain,
    Journal<CustomerBook> journal,
    MarketView market,
    ChannelPlanner planner,
    NodeClient nodes,
    TimeProvider time,
    ILogger<ChannelProof> log)
{
    /// <summary>By this code a provider says that its ledger lost rows of the channel.</summary>
    public const string BooksBehind = "books_behind";

    private const ConfigureAwaitOptions EitherWay =
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private static readonly TimeSpan _turn = TimeSpan.FromSeconds(1);
    private readonly Lock _guard = new();
    private readonly SortedSet<Bytes32> _doubted = [.. journal.Book.Channels.Keys];

    /// <summary>Whether a voucher may be signed on the channel, as far as this goes. Channels opened in this life were
    /// compared when they were opened; sellers of other protocols tell their state with every answer.</summary>
    public bool IsProved(CustomerChannel channel)
    {
        lock (_guard)
        {
            return channel.Seller is not null || !_doubted.Contains(channel.Id);
        }
    }

    /// <summary>The provider has lost rows of it: compare it again.</summary>
    public void Doubt(Bytes32 channel)
    {
        lock (_guard)
        {
            _doubted.Add(channel);
        }
    }

    /// <summary>Compares until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var changed = market.Changed;
            await Task.WhenAll(Due().Select(due => CompareAsync(due.Channel, due.Offer, cancellation)));
            await changed.WaitAsync(_turn, time, cancellation).ConfigureAwait(EitherWay);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private List<(CustomerChannel Channel, VerifiedOffer Offer)> Due()
    {
        var book = journal.Book;
        List<(CustomerChannel, VerifiedOffer)> due = [];
        lock (_guard)
        {
            _doubted.RemoveWhere(id => !book.Channels.TryGetValue(id, out var channel)
                || channel.State is not (CustomerChannelState.Idle or CustomerChannelState.Busy));
            foreach (var channel in _doubted.Select(id => book.Channels[id])
                .Where(channel => channel is { State: CustomerChannelState.Idle, Seller: null }))
            {
                if (market.Book.All.FirstOrDefault(listed => listed.Offer.Provider == channel.Provider) is { } listed)
                {
                    due.Add((channel, listed.Verified));
                }
            }
        }

        return due;
    }

    private async Task CompareAsync(CustomerChannel channel, VerifiedOffer offer, CancellationToken cancellation)
    {
        var read = await chain.ChannelsAsync([channel.Id], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out _) || !Peers.Target(offer.Offer).TryGet(out var target, out _))
        {
            return;
        }

        var answer = await nodes.OpenChannelAsync(
            target, new ChannelOpening(channel.Config, null) { Receipt = channel.LastReceipt }, cancellation);
        if (!answer.TryGet(out var acceptance, out var refusal))
        {
            LogNotCompared(channel.Id, refusal.Message);
            return;
        }

        if (acceptance.Message.ChannelId == channel.Id
            && acceptance.IsSignedBy(offer.NodeKey, chain.Network.SoukDomain))
        {
            await JudgeAsync(channel, acceptance, states.Value[0].Claimed);
        }
    }

    private async Task JudgeAsync(CustomerChannel compared, Signed<Acceptance> acceptance, Amount claimed)
    {
        var isProved = false;
        await journal.RecordAsync(book =>
        {
            var channel = book.Channels[compared.Id];
            if (channel.State != CustomerChannelState.Idle || channel.Base != compared.Base)
            {
                return Array.Empty<LedgerEvent>();
            }

            if (Difference(channel, acceptance.Message, claimed) is { } why)
            {
                LogBehind(channel.Id, why.Message);
                return new LedgerEvent[] { new ChannelFrozen(channel.Id, why.Code, why.Message, null, Now()) };
            }

            isProved = true;
            return acceptance.Message.NonceAnchor == channel.Acceptance?.NonceAnchor
                ? []
                : new LedgerEvent[] { new AcceptanceAdopted(acceptance, Now()) };
        });
        if (isProved)
        {
            lock (_guard)
            {
                _doubted.Remove(compared.Id);
            }
        }

        planner.Signal();
    }

    private static Refusal? Difference(CustomerChannel channel, Acceptance acceptance, Amount claimed)
    {
        var explained = channel.Base + channel.Loss;
        if (claimed > explained)
        {
            return new Refusal(
                Fault.Nobody, "claimed_unexplained",
                $"The chain shows {claimed} claimed, and the receipts held explain {explained}.");
        }

        if (acceptance.Charged > channel.Base || acceptance.Index > channel.Index)
        {
            return new Refusal(
                Fault.Ours, "ledger_behind",
                $"The provider has charged {acceptance.Charged} by request {acceptance.Index} at least, and the "
                    + $"receipts held explain {channel.Base} by request {channel.Index}: rows of this gateway's ledger "
                    + "are missing, or the provider is wrong.");
        }

        return acceptance.Charged < channel.Base
            ? new Refusal(
                Fault.Theirs, "provider_behind",
                $"The provider remembers {acceptance.Charged} of the {channel.Base} that it signed receipts for, and "
                    + "did not take the last one.")
            : null;
    }

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(Level = LogLevel.Debug, Message = "Channel {Channel} is not compared yet: {Reason}")]
    private partial void LogNotCompared(Bytes32 channel, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Channel {Channel} is used no more: {Reason}")]
    private partial void LogBehind(Bytes32 channel, string reason);
}
