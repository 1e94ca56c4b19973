using Microsoft.Extensions.Logging;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Offers;

/// <summary>
/// Renews the offers at half of their life and tells the indexers, again and again: an indexer keeps nothing, so one
/// that was restarted knows of no offer until it is told. One that cannot be reached is told again at the next turn.
/// </summary>
internal sealed partial class Announcer(
    ProviderOptions options, OfferDesk offers, NodeClient nodes, TimeProvider time, ILogger<Announcer> log)
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ClockSet = TimeSpan.FromSeconds(10);

    public async Task RunAsync(CancellationToken cancellation)
    {
        var (issued, issuedAt) = (time.GetTimestamp(), time.GetUtcNow());
        Dictionary<string, long> told = [];
        while (true)
        {
            // Offers that were issued by a clock that has been set since say wrong times, and are issued anew at once.
            var elapsed = time.GetElapsedTime(issued);
            var isSet = (time.GetUtcNow() - issuedAt - elapsed).Duration() > ClockSet;
            if (isSet || elapsed >= TimeSpan.FromSeconds(options.OfferSeconds / 2.0))
            {
                await offers.IssueAsync();
                (issued, issuedAt) = (time.GetTimestamp(), time.GetUtcNow());
                told.Clear();
            }

            foreach (var indexer in options.Indexers)
            {
                var isDue = !told.TryGetValue(indexer, out var at) || time.GetElapsedTime(at) >= Again;
                if (isDue && await AnnounceAsync(indexer, cancellation))
                {
                    told[indexer] = time.GetTimestamp();
                }
            }

            await Task.Delay(Turn, time, cancellation);
        }
    }

    /// <summary>Tells every indexer that nothing more is sold; for an orderly stop.</summary>
    public async Task WithdrawAsync(CancellationToken cancellation)
    {
        await offers.IssueAsync(isWithdrawal: true);
        foreach (var indexer in options.Indexers)
        {
            await AnnounceAsync(indexer, cancellation);
        }
    }

    private async Task<bool> AnnounceAsync(string indexer, CancellationToken cancellation)
    {
        if (!PeerTarget.ParsePinned(indexer).TryGet(out var target, out var refusal)
            || !(await nodes.AnnounceAsync(target, [.. offers.Newest.Select(offer => offer.Signed)], cancellation))
                .TryGet(out var reply, out refusal))
        {
            LogUnreached(indexer, refusal.Message);
            return false;
        }

        if (reply.Refused is [{ } refused, ..])
        {
            // Such as a registration that the indexer's node has not seen yet.
            LogRefused(indexer, refused.Message);
            return false;
        }

        LogAnnounced(reply.Accepted, indexer);
        return true;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Count} offers announced to {Indexer}")]
    private partial void LogAnnounced(int count, string indexer);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Indexer {Indexer} refused an offer and will be told again: {Reason}")]
    private partial void LogRefused(string indexer, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Indexer {Indexer} was not reached and will be told again: {Reason}")]
    private partial void LogUnreached(string indexer, string reason);
}
