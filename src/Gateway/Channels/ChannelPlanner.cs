using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Gateway.Offers;
using Souk.Gateway.X402;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Market.Offers;
using Souk.Market.Vouchers;
using Souk.Protocol;

namespace Souk.Gateway.Channels;

/// <summary>
/// Keeps warm channels ready with every provider whose models the gateway sells on, so that requests never wait for the
/// chain. A channel is funded from the vault by a draw that the hot key signs and the provider relays.
/// </summary>
internal sealed partial class ChannelPlanner(
    GatewayOptions options,
    IMarketChain chain,
    Journal<CustomerBook> journal,
    MarketView market,
    ChannelOpener opener,
    Catalogue catalogue,
    TimeProvider time,
    ILogger<ChannelPlanner> log)
{
    // Time up, cancelled or told: the loop looks for itself.
    private const ConfigureAwaitOptions EitherWay =
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostBackOff = TimeSpan.FromMinutes(5);
    private readonly Dictionary<Address, (TimeSpan NotBefore, int Failures, Refusal Why)> _backOff = [];
    private readonly Dictionary<Address, HashSet<RequestId>> _demand = [];
    private readonly Dictionary<Address, Task> _serving = [];
    private readonly Lock _guard = new();
    private readonly ReadySignal _ready = new();

    /// <summary>Completes when a channel has become usable next.</summary>
    public Task Ready => _ready.Next;

    /// <summary>A request waits for a channel of this provider: one more than usual is opened, however often it
    /// asks.</summary>
    public void Want(Address provider, RequestId waiting)
    {
        lock (_guard)
        {
            if (!_demand.TryGetValue(provider, out var waiters))
            {
                _demand[provider] = waiters = [];
            }

            waiters.Add(waiting);
        }
    }

    /// <summary>Why the last channel with this provider could not be opened; null where it could.</summary>
    public Refusal? Obstacle(Address provider)
    {
        lock (_guard)
        {
            return _backOff.TryGetValue(provider, out var failed) ? failed.Why : null;
        }
    }

    /// <summary>Tells waiters that a channel may be usable.</summary>
    public void Signal() => _ready.Signal();

    /// <summary>Plans at every turn until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            foreach (var offer in Wanted())
            {
                // Each provider by itself: one that takes its time must not keep the gateway from the others.
                var provider = offer.Offer.Provider;
                if (_serving.TryGetValue(provider, out var serving))
                {
                    if (!serving.IsCompleted)
                    {
                        continue;
                    }

                    await serving;
                }

                _serving[provider] = ServeAsync(offer, cancellation);
            }

            await market.Changed.WaitAsync(Turn, time, cancellation).ConfigureAwait(EitherWay);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    // One offer per provider decides the channel's terms; all its models are paid through the same channels.
    private List<VerifiedOffer> Wanted()
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        return [.. market.Book.All
            .Where(listed => listed.IsLive(now) && listed.Offer.Concurrency > 0 && catalogue.Sells(listed.Offer))
            .Where(listed => listed.Verified.Tier >= options.LeastTier)
            .GroupBy(listed => listed.Offer.Provider)
            .Select(group => group.MaxBy(listed => listed.Offer.MinimumDeposit)!.Verified)];
    }

    private async Task ServeAsync(VerifiedOffer offer, CancellationToken cancellation)
    {
        var provider = offer.Offer.Provider;
        lock (_guard)
        {
            if (_backOff.TryGetValue(provider, out var waiting) && waiting.NotBefore > time.GetElapsedTime(0))
            {
                return;
            }
        }

        await RenewAsync(offer, ChannelsWith(provider), cancellation);
        await ResumeAsync(offer, cancellation);
        var channels = ChannelsWith(provider);
        List<CustomerChannel> drained =
        [
            .. channels.Where(channel => channel.State == CustomerChannelState.Idle
                && (!IsFresh(channel) || !Fits(channel, offer.Offer))),
        ];
        int wanted;
        lock (_guard)
        {
            _demand.Remove(provider, out var demand);
            wanted = options.WarmChannels + (demand?.Count ?? 0);
        }

        var usable = channels.Count(channel => channel.State == CustomerChannelState.Idle) - drained.Count;
        // What is drained or on its way back makes room for a new channel; what was drawn and may yet appear takes it.
        var open = channels.Count(channel => channel.State != CustomerChannelState.Closed && !channel.IsWithdrawing)
            - drained.Count + PendingDraws(offer);
        var missing = Math.Min(wanted - usable, options.MostChannelsPerProvider - open);
        var openings = Enumerable.Range(0, Math.Max(missing, 0)).Select(_ => opener.OpenAsync(offer, cancellation))
            .ToList();
        List<Refusal?> outcomes = [];
        foreach (var opening in openings)
        {
            outcomes.Add(await opening);
            Signal();
        }

        Settle(provider, outcomes);

        if (usable >= options.WarmChannels)
        {
            foreach (var channel in drained)
            {
                await TakeBackAsync(channel, cancellation);
            }
        }
    }

    /// <summary>Takes a channel's money back to the vault; set by the node, because whoever watches channels also
    /// plans.
    /// </summary>
    public Func<CustomerChannel, CancellationToken, Task<Refusal?>>? Withdraw { get; set; }

    private async Task TakeBackAsync(CustomerChannel channel, CancellationToken cancellation)
    {
        if (Withdraw is { } withdraw && await withdraw(channel, cancellation) is { } refusal)
        {
            LogNotTakenBack(channel.Id, refusal.Message);
        }
    }

    private int PendingDraws(VerifiedOffer offer)
    {
        var (book, now) = (journal.Book, (ulong)time.GetUtcNow().ToUnixTimeSeconds());
        return book.Draws.Values.Count(draw => draw.Deadline >= now && draw.Config.Receiver == offer.Offer.Payout
            && !SellerSalt.IsSellers(draw.Config.Salt) && !book.Channels.ContainsKey(draw.ChannelId));
    }

    // A channel with less than a quarter of its deposit left is too small to be called warm; it is used up all the
    // same. One whose deposit a reorganisation undid has nothing to be used up.
    private static bool IsFresh(CustomerChannel channel) =>
        !channel.Free.IsZero && channel.Free.Units >= channel.Deposit.Units / 4;

    // A provider may change its payout, authorizer or delay; channels made for the old terms pay for nothing any more.
    private bool Fits(CustomerChannel channel, Offer offer) =>
        ChannelRules.Check(channel.Config, channel.Id, offer, chain.Network.EscrowDomain) is null;

    // What was tried at once fails of one cause: it counts as one failure, and as none before it where a part of it
    // succeeded.
    private void Settle(Address provider, List<Refusal?> outcomes)
    {
        if (outcomes.Count == 0)
        {
            return;
        }

        var pause = TimeSpan.Zero;
        var refusal = outcomes.FindLast(outcome => outcome is not null);
        lock (_guard)
        {
            if (refusal is null)
            {
                _backOff.Remove(provider);
            }
            else
            {
                var failures = (outcomes.Contains(null) ? 0 : _backOff.GetValueOrDefault(provider).Failures) + 1;
                pause = TimeSpan.FromSeconds(Math.Min(1L << Math.Min(failures, 20), (long)MostBackOff.TotalSeconds));
                _backOff[provider] = (time.GetElapsedTime(0) + pause, failures, refusal);
            }
        }

        if (refusal is not null)
        {
            LogNotOpened(provider, refusal.Message, pause.TotalSeconds);
        }

        Signal();
    }

    // A nonce chain that is nearly spent gets a new acceptance while the channel is idle.
    private async Task RenewAsync(VerifiedOffer offer, List<CustomerChannel> channels, CancellationToken cancellation)
    {
        foreach (var channel in channels.Where(IsSpent))
        {
            if (await opener.TakeAsync(offer, channel.Config, null, cancellation) is { } refusal)
            {
                LogNotOpened(offer.Offer.Provider, refusal.Message, 0);
            }

            // Where the provider gives no chain with room, the channel has no use any more.
            if (journal.Book.Channels[channel.Id] is var renewed && IsSpent(renewed))
            {
                await TakeBackAsync(renewed, cancellation);
            }
        }
    }

    private static bool IsSpent(CustomerChannel channel) =>
        channel.State == CustomerChannelState.Idle
        && NoncePosition.Of(channel.Acceptance!.Index, channel.Index + 1) is null;

    // A draw may have been mined although nobody told us, because the gateway stopped or the provider's reply was lost.
    // Such a channel is taken, not lost.
    private async Task ResumeAsync(VerifiedOffer offer, CancellationToken cancellation)
    {
        var book = journal.Book;
        var draws = book.Draws.Values
            .Where(draw => draw.Config.Receiver == offer.Offer.Payout && !SellerSalt.IsSellers(draw.Config.Salt)
                && draw.Config.ReceiverAuthorizer == offer.Offer.Authorizer
                && (!book.Channels.TryGetValue(draw.ChannelId, out var known)
                    || known is { State: CustomerChannelState.Unaccepted, IsWithdrawing: false })).ToList();
        if (draws.Count == 0)
        {
            return;
        }

        var read = await chain.ChannelsAsync([.. draws.Select(draw => draw.ChannelId)], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out var refusal))
        {
            LogNotResumed(refusal.Message);
            return;
        }

        List<Refusal?> outcomes = [];
        for (var i = 0; i < draws.Count; i++)
        {
            if (!states.Value[i].Available.IsZero && states.Value[i].Withdrawal is null)
            {
                await opener.NoteFundedAsync(offer.Offer.Provider, draws[i], states.Value[i].Balance);
                outcomes.Add(await opener.TakeAsync(offer, draws[i].Config, null, cancellation));
            }
        }

        Settle(offer.Offer.Provider, outcomes);
    }

    // An x402 server may be paid at a provider's address; its channels are not the planner's.
    private List<CustomerChannel> ChannelsWith(Address provider) =>
        [.. journal.Book.Channels.Values.Where(channel => channel.Provider == provider && channel.Seller is null)];

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "No channel was opened with {Provider}; next try in {Seconds} s: {Reason}")]
    private partial void LogNotOpened(Address provider, string reason, double seconds);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The rest of channel {Channel} was not taken back yet: {Reason}")]
    private partial void LogNotTakenBack(Bytes32 channel, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Channels that may have been funded could not be looked up: {Reason}")]
    private partial void LogNotResumed(string reason);
}
