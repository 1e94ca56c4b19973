using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Simulation.Audit;
using Souk.Testbed.Market;

namespace Souk.Simulation.World;

/// <summary>How a seed's market fared.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Events">Events that entered its trace: messages, rows, blocks, transactions, troubles.</param>
/// <param name="Trace">The hash over all of them.</param>
/// <param name="Withdrew">Whether a channel's money was taken back, from the asking to the last unit.</param>
/// <param name="Violation">What may not be; null where all is well.</param>
/// <param name="Story">The last events and logs of a market that failed.</param>
internal sealed record Fate(ulong Seed, long Events, Bytes32 Trace, bool Withdrew, string? Violation, string Story);

/// <summary>One market from start to last unit: trouble, then quiet, then the reckoning.</summary>
internal sealed class MarketLife
{
    private const double MostQuietSeconds = 3_600;

    // The longest that a gateway leaves a provider alone with whom it could open no channel.
    private static readonly TimeSpan MostBackOff = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private readonly Script _script;
    private readonly MarketHarness _market;
    private readonly Lives _lives;
    private readonly Apps _apps;
    private readonly Owner _owner;

    private MarketLife(Script script, MarketHarness market, Lives lives)
    {
        (_script, _market, _lives) = (script, market, lives);
        _apps = new Apps(script, market);
        _owner = new Owner(script, market);
    }

    /// <summary>Lives a script's market.</summary>
    public static Fate Live(Script script) => Live(script, null);

    /// <summary>As the other, with all that happens written down.</summary>
    public static Fate Live(Script script, TextWriter? copy)
    {
        var lives = new Lives(script) { Copy = copy };
        var (withdrew, events, trace) = (false, 0L, Bytes32.Zero);
        try
        {
            MarketHarness.Run(lives.Options(), async market =>
            {
                var life = new MarketLife(script, market, lives);
                try
                {
                    await life.RunAsync();
                }
                finally
                {
                    (withdrew, events, trace) = (life.HasWithdrawn, market.Scheduler.Trace.Count,
                        market.Scheduler.Trace.Hash);
                }
            });
            return new Fate(script.Seed, events, trace, withdrew, null, "");
        }
        catch (MarketFailedException failed)
        {
            var why = lives.Auditor?.Violation ?? failed.InnerException?.Message ?? failed.Message;
            return new Fate(script.Seed, events, trace, withdrew, why.Split('\n')[0], failed.ToString());
        }
    }

    private Auditor Auditor => _lives.Auditor;

    private bool HasWithdrawn => _owner.Channel is { } id && _market.Chain.Channel(id) is { Withdrawal: null } state
        && state.Available.IsZero;

    private async Task RunAsync()
    {
        await UnlessViolatedAsync(TroubleAsync());
        await UnlessViolatedAsync(QuietAsync());
        new FinalAudit(_script, _market, Auditor).Check(_apps.Seen);
        Judge();
    }

    private async Task UnlessViolatedAsync(Task life)
    {
        await await Task.WhenAny(life, Auditor.Violated);
        Judge();
    }

    private void Judge()
    {
        if (Auditor.Violation is { } violation)
        {
            throw new MarketFailedException(violation);
        }
    }

    private async Task TroubleAsync()
    {
        await _market.UntilAsync(() => _market.Gateway.Offers > 0 && _market.Gateway.IdleChannels > 0, "a start", 120);
        await _apps.MakeKeysAsync();
        var troubles = new Troubles(_script, _market, _lives);
        using var end = new CancellationTokenSource(_script.Trouble * 2, _market.Time);
        troubles.Begin();
        var withdrawal = _owner.WithdrawAsync(end.Token);
        await Task.WhenAll(_apps.RunAsync(), troubles.RunAsync(), Task.Delay(_script.Trouble, _market.Time));
        troubles.End();
        await withdrawal;
    }

    private async Task QuietAsync()
    {
        var finished = _owner.FinishAsync();
        await UntilQuietAsync();
        await finished;
        var probe = await _market.Gateway.CreateKeyAsync("probe", new(1_000_000), null);
        var app = _market.AppWith(probe.Value.Secret);
        var end = _market.Time.GetUtcNow() + MostBackOff;
        AppReply reply;
        while ((reply = await app.ChatAsync(body => body["max_tokens"] = 2)).Status == 503
            && _market.Time.GetUtcNow() < end)
        {
            await Task.Delay(Turn, _market.Time);
        }

        Auditor.Require(reply.Status == 200, $"after all troubles an app gets {reply.Status}: {reply.Text}");
        await UntilQuietAsync();
        var claimed = await _market.Provider.ClaimNowAsync(CancellationToken.None);
        Auditor.Require(claimed.IsOk, $"after all troubles a claim is refused: {claimed.Refusal?.Message}");
    }

    private async Task UntilQuietAsync()
    {
        var end = _market.Time.GetUtcNow() + TimeSpan.FromSeconds(MostQuietSeconds);
        while (Restless() is { } why)
        {
            if (_market.Ended is { } ended)
            {
                Auditor.Require(false, $"a role's loops ended: {ended}");
                return;
            }

            if (_market.Time.GetUtcNow() > end)
            {
                Auditor.Require(false, $"{MostQuietSeconds} s after the last trouble there is still {why}");
                return;
            }

            await Task.Delay(Turn, _market.Time);
        }
    }

    private string? Restless()
    {
        var book = _market.Gateway.Book;
        return book.Outstanding.Values.Any(IsMissed) ? "a request without its receipt"
            : book.Reservations.Count > 0 ? "a reservation"
            : _market.Provider.Status.Running > 0 ? "an answer under way"
            : Auditor.Provider.OpenClaims.Count > 0 ? "a claim under way"
            : _market.Chain.Channels.Any(one => !one.State.Available.IsZero && !book.Channels.ContainsKey(one.State.Id))
                ? "a funded channel that its gateway does not know"
            : _market.Chain.Channels.Any(one => !one.State.Available.IsZero
                && book.Channels[one.State.Id].State == CustomerChannelState.Closed)
                ? "money in a channel that its gateway calls closed"
            : _market.Chain.Waiting > 0 ? "a transaction that is not mined"
            : _owner.Channel is not null && !HasWithdrawn ? "a withdrawal"
            : book.Channels.Values.FirstOrDefault(IsUnsettled) is { } open ? $"a {open.State} channel"
            : null;
    }

    // What a channel is frozen for is explained later or never, and nothing waits for it.
    private bool IsMissed(CustomerRequest request) => _market.Gateway.Book.Channels[request.Sent.ChannelId].State
        is not (CustomerChannelState.Frozen or CustomerChannelState.Closed);

    private static bool IsUnsettled(CustomerChannel channel) => channel.State is CustomerChannelState.Busy
        or CustomerChannelState.Withdrawing
        || (channel.State == CustomerChannelState.Frozen && !channel.Deposit.IsZero
            && channel.Deposit > channel.Claimed);
}
