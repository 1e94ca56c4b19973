using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Chain.Evm;
using Souk.Gateway.Offers;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Offers;
using Souk.Market.Vouchers;
using Souk.Protocol;
using Souk.Wire.Paid;

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
    NodeClient nodes,
    Catalogue catalogue,
    TimeProvider time,
    Randomness randomness,
    ILogger<ChannelPlanner> log)
{
    /// <summary>The code of an obstacle that only the vault's owner can remove.</summary>
    public const string VaultEmpty = "vault_empty";

    private const ulong DrawSeconds = 600;
    // Time up, cancelled or told: the loop looks for itself.
    private const ConfigureAwaitOptions EitherWay =
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostBackOff = TimeSpan.FromMinutes(5);
    private readonly EscrowDomain _escrow = chain.Network.EscrowDomain;
    private readonly ContractDomain _vault = new(chain.Network.ChainId, options.Vault);
    private readonly Dictionary<Address, (DateTimeOffset NotBefore, int Failures, Refusal Why)> _backOff = [];
    private readonly Dictionary<Address, HashSet<RequestId>> _demand = [];
    private readonly Dictionary<Address, Task> _serving = [];
    private readonly Lock _guard = new();
    private TaskCompletionSource _ready = new();

    /// <summary>Completes when a channel has become usable next.</summary>
    public Task Ready
    {
        get
        {
            lock (_guard)
            {
                return _ready.Task;
            }
        }
    }

    /// <summary>A request waits for a channel of this provider: one more than usual is opened, however often it asks.</summary>
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
    public void Signal()
    {
        TaskCompletionSource ready;
        lock (_guard)
        {
            ready = _ready;
            _ready = new TaskCompletionSource();
        }

        ready.TrySetResult();
    }

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
            if (_backOff.TryGetValue(provider, out var waiting) && waiting.NotBefore > time.GetUtcNow())
            {
                return;
            }
        }

        await RenewAsync(offer, ChannelsWith(provider), cancellation);
        await ResumeAsync(offer, cancellation);
        var channels = ChannelsWith(provider);
        int wanted;
        lock (_guard)
        {
            _demand.Remove(provider, out var demand);
            wanted = options.WarmChannels + (demand?.Count ?? 0);
        }

        var usable = channels.Count(channel => channel.State == CustomerChannelState.Idle && IsFresh(channel));
        var open = channels.Count(channel => channel.State != CustomerChannelState.Closed);
        var missing = Math.Min(wanted - usable, options.MostChannelsPerProvider - open);
        var openings = Enumerable.Range(0, Math.Max(missing, 0)).Select(_ => OpenAsync(offer, cancellation)).ToList();
        foreach (var opening in openings)
        {
            Settle(provider, await opening);
        }
    }

    // A channel with less than a quarter of its deposit left is too small to be called warm; it is used up all the same.
    private static bool IsFresh(CustomerChannel channel) => channel.Free.Units >= channel.Deposit.Units / 4;

    private void Settle(Address provider, Refusal? refusal)
    {
        var pause = TimeSpan.Zero;
        lock (_guard)
        {
            if (refusal is null)
            {
                _backOff.Remove(provider);
            }
            else
            {
                var failures = _backOff.GetValueOrDefault(provider).Failures + 1;
                pause = TimeSpan.FromSeconds(Math.Min(1L << Math.Min(failures, 20), (long)MostBackOff.TotalSeconds));
                _backOff[provider] = (time.GetUtcNow() + pause, failures, refusal);
            }
        }

        if (refusal is not null)
        {
            LogNotOpened(provider, refusal.Message, pause.TotalSeconds);
        }

        Signal();
    }

    private async Task<Refusal?> OpenAsync(VerifiedOffer verified, CancellationToken cancellation)
    {
        var offer = verified.Offer;
        var amount = Amount.Max(options.ChannelDeposit, offer.MinimumDeposit);
        if (await CheckVaultAsync(amount, cancellation) is { } poor)
        {
            return poor;
        }

        var config = new ChannelConfig(
            options.Vault, options.HotKey.Address, offer.Payout, offer.Authorizer, offer.Currency, offer.WithdrawDelay,
            randomness.NextBytes32());
        var id = config.Id(_escrow);
        var now = time.GetUtcNow();
        var draw = new DrawAuthorisation(
            id, amount, randomness.NextBytes32(), (ulong)now.ToUnixTimeSeconds() + DrawSeconds);
        await journal.RecordAsync(new DrawSigned(
            id, config, amount, draw.Nonce, draw.Deadline, (ulong)now.ToUnixTimeMilliseconds()));
        var data = DrawData.Encode(config, draw, draw.Sign(options.HotKey, _vault));
        return await TakeAsync(verified, config, new ChannelDeposit(amount, options.Vault, data), cancellation);
    }

    // A draw that the vault cannot honour would only cost the provider a call, and the app a riddle.
    private async Task<Refusal?> CheckVaultAsync(Amount amount, CancellationToken cancellation)
    {
        var read = await chain.VaultAsync(options.Vault, ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var vault, out var refusal))
        {
            return refusal;
        }

        var held = vault.Value?.Balance ?? Amount.Zero;
        var left = Amount.Min(held, vault.Value?.Remaining ?? Amount.Zero);
        return left >= amount
            ? null
            : new Refusal(
                Fault.Ours, VaultEmpty,
                $"The gateway's vault {options.Vault} holds {held} units, of which {left} may be drawn now; a channel "
                + $"takes {amount}. Its owner has to add to it.");
    }

    // Asks the provider for its acceptance, reads the chain itself, and only then believes in the channel.
    private async Task<Refusal?> TakeAsync(
        VerifiedOffer verified, ChannelConfig config, ChannelDeposit? deposit, CancellationToken cancellation)
    {
        if (!Peers.Target(verified.Offer).TryGet(out var target, out var refusal)
            || !(await nodes.OpenChannelAsync(target, new ChannelOpening(config, deposit), cancellation))
                .TryGet(out var acceptance, out refusal))
        {
            return refusal;
        }

        var id = config.Id(_escrow);
        if (acceptance.Message.ChannelId != id || !acceptance.IsSignedBy(verified.NodeKey, chain.Network.SoukDomain))
        {
            return new Refusal(Fault.Theirs, "acceptance_wrong", "The acceptance is for another channel or by another key.");
        }

        var read = await chain.ChannelsAsync([id], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out refusal))
        {
            return refusal;
        }

        if (ChannelRules.CheckDeposit(states.Value[0].Balance, verified.Offer) is { } tooSmall)
        {
            return tooSmall;
        }

        return await AdoptAsync(verified.Offer.Provider, config, states.Value[0].Balance, acceptance);
    }

    private Task<Refusal?> AdoptAsync(
        Address provider, ChannelConfig config, Amount balance, Signed<Acceptance> acceptance)
    {
        var id = acceptance.Message.ChannelId;
        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        return journal.RecordAsync(book =>
        {
            var known = book.Channels.GetValueOrDefault(id);
            if (known is { State: not (CustomerChannelState.Unaccepted or CustomerChannelState.Idle) })
            {
                return Refuse("channel_in_use", "The channel is in use; its acceptance is renewed later.");
            }

            if (acceptance.Message.Charged != (known?.Base ?? Amount.Zero)
                || acceptance.Message.Index > (known?.Index ?? 0))
            {
                return Refuse(
                    "base_disputed", "The provider states another charged total or index than the receipts held explain.");
            }

            LedgerEvent adopted = new AcceptanceAdopted(acceptance, now);
            return known is null
                ? new[] { new ChannelOpened(id, provider, config, balance, now), adopted }
                : new[] { adopted };
        });
    }

    // A nonce chain that is nearly spent gets a new acceptance while the channel is idle.
    private async Task RenewAsync(VerifiedOffer offer, List<CustomerChannel> channels, CancellationToken cancellation)
    {
        foreach (var channel in channels.Where(IsSpent))
        {
            if (await TakeAsync(offer, channel.Config, null, cancellation) is { } refusal)
            {
                LogNotOpened(offer.Offer.Provider, refusal.Message, 0);
            }
        }
    }

    private static bool IsSpent(CustomerChannel channel) =>
        channel.State == CustomerChannelState.Idle
        && NoncePosition.Of(channel.Acceptance!.Index, channel.Index + 1) is null;

    // A draw may have been mined although nobody told us, because the gateway stopped or the provider's reply was lost. Such
    // a channel is taken, not lost.
    private async Task ResumeAsync(VerifiedOffer offer, CancellationToken cancellation)
    {
        var draws = journal.Book.Draws.Values
            .Where(draw => draw.Config.Receiver == offer.Offer.Payout && draw.Config.ReceiverAuthorizer == offer.Offer.Authorizer
                && !journal.Book.Channels.ContainsKey(draw.ChannelId)).ToList();
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

        for (var i = 0; i < draws.Count; i++)
        {
            if (!states.Value[i].Available.IsZero && states.Value[i].Withdrawal is null)
            {
                Settle(offer.Offer.Provider, await TakeAsync(offer, draws[i].Config, null, cancellation));
            }
        }
    }

    private List<CustomerChannel> ChannelsWith(Address provider) =>
        [.. journal.Book.Channels.Values.Where(channel => channel.Provider == provider)];

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No channel was opened with {Provider}; next try in {Seconds} s: {Reason}")]
    private partial void LogNotOpened(Address provider, string reason, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Channels that may have been funded could not be looked up: {Reason}")]
    private partial void LogNotResumed(string reason);
}
