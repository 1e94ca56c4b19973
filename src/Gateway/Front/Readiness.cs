using System.Globalization;
using System.Text.Json;
using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Gateway.Offers;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Market.Offers;

namespace Souk.Gateway.Front;

/// <summary>
/// Whether a request that came now could be served: for whoever starts, restarts or balances gateways. The process
/// itself answers <c>/health</c>.
/// </summary>
internal sealed class Readiness(
    MarketView market, Catalogue catalogue, ChannelWatch watch, Journal<CustomerBook> journal, IMarketChain chain,
    TimeProvider time)
{
    /// <summary>Status and body of <c>GET /ready</c>: 200, or 503 with what is missing.</summary>
    public (int Status, byte[] Json) Look()
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeSeconds();
        List<ListedOffer> live =
        [
            .. market.Book.All.Where(listed => listed.IsLive(now) && listed.Offer.Concurrency > 0
                && catalogue.Sells(listed.Offer)),
        ];
        (string Name, string? Missing)[] checks =
            [("market", Market(live)), ("channel", Channel(live)), ("chain", Head(now))];
        var isReady = Array.TrueForAll(checks, check => check.Missing is null);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("status", isReady ? "ready" : "not_ready");
            json.WriteStartObject("checks");
            foreach (var (name, missing) in checks)
            {
                json.WriteStartObject(name);
                json.WriteBoolean("ok", missing is null);
                json.WriteString("reason", missing);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return (isReady ? 200 : 503, buffer.ToArray());
    }

    private string? Market(List<ListedOffer> live) => live.Count > 0
        ? null
        : market.IndexersReached == 0
            ? "No indexer has answered."
            : "No model with a public name is offered at the moment.";

    private string? Channel(List<ListedOffer> live) => journal.Book.Channels.Values.Any(
        channel => channel is { State: CustomerChannelState.Idle, IsWithdrawing: false, Free.IsZero: false }
            && live.Exists(listed => listed.Offer.Provider == channel.Provider))
        ? null
        : "No idle channel to a provider that offers something has money left.";

    private string? Head(ulong now)
    {
        var newest = watch.Newest;
        if (newest.Timestamp == 0)
        {
            return "No block was seen yet.";
        }

        var age = now > newest.Timestamp ? now - newest.Timestamp : 0;
        return age <= chain.Network.MaxHeadAge + Math.Ceiling(chain.Network.BlockTime)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"The newest block is {age} s old.");
    }
}
