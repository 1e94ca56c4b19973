using System.Text;
using Souk.Gateway.Keys;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Keys;

/// <summary>What tests of API keys do with a market.</summary>
internal static class KeyMarket
{
    /// <summary>Makes a key with limits, and its app.</summary>
    public static async Task<(NewApiKey Key, AppClient App)> KeyAsync(
        this MarketHarness market, KeyLimits limits, ulong budget = 500_000, ulong? expiresAtMs = null)
    {
        var made = (await market.Gateway.CreateKeyAsync("limited", new Amount(budget), expiresAtMs, limits)).Value;
        return (made, market.AppWith(made.Secret));
    }

    /// <summary>The owner calls the admin API.</summary>
    public static Task<AppReply> OwnerAsync(
        this MarketHarness market, string method, string path, string body = "", string query = "",
        string host = "localhost:7010", string? origin = null, string? token = MarketHarness.AdminToken)
    {
        var headers = new WireHeaders { { "host", host } };
        headers["origin"] = origin;
        return market.Owner(token).SendAsync(
            new WireRequest(method, "/admin/v1/" + path, query, headers, Encoding.UTF8.GetBytes(body), ""));
    }

    /// <summary>The headers that tell one of the rates: limit, remaining, reset.</summary>
    public static (string? Limit, string? Remaining, string? Reset) Rate(this AppReply reply, string what) => (
        reply.Headers[$"x-ratelimit-limit-{what}"], reply.Headers[$"x-ratelimit-remaining-{what}"],
        reply.Headers[$"x-ratelimit-reset-{what}"]);
}
