using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.Oracle;

/// <summary>What the gateway says was used, against the rows of its ledger read by SQL and added up here.</summary>
public sealed class UsageTests
{
    private const int Requests = 10_000;

    // Joins by SQL alone: a receipt to its request, that to the key which reserved, and the bill of the app's request.
    private const string Sums = """
        WITH line AS (SELECT kind, key AS id, CAST(body AS TEXT) AS body FROM row)
        SELECT json_extract(reserved.body, '$.key_hash'),
               date(json_extract(receipt.body, '$.at_ms') / 1000, 'unixepoch'),
               json_extract(sent.body, '$.model'),
               count(*),
               sum(json_extract(receipt.body, '$.receipt.message.input_tokens')),
               sum(json_extract(receipt.body, '$.receipt.message.cached_tokens')),
               sum(json_extract(receipt.body, '$.receipt.message.output_tokens')),
               sum(CAST(json_extract(receipt.body, '$.receipt.message.charge') AS INTEGER)),
               sum(CAST(json_extract(charged.body, '$.charged') AS INTEGER))
        FROM line receipt
        JOIN line sent ON sent.kind = 'request_sent' AND sent.id = receipt.id
        JOIN line reserved ON reserved.kind = 'budget_reserved'
             AND reserved.id = json_extract(sent.body, '$.app_request')
        JOIN line charged ON charged.kind = 'budget_charged' AND charged.id = reserved.id
        WHERE receipt.kind = 'receipt_received'
        GROUP BY 1, 2, 3
        """;

    [Fact]
    public async Task Use_agrees_to_the_unit_with_the_ledgers_receipts_and_bills()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan());
        var (one, two) = (await network.KeyAsync("one"), await network.KeyAsync("two"));
        var work = Workload.Of(40, "u");
        await Task.WhenAll(
            DotNetSdk.RunAsync(network.BaseUrl, one, work.Take(25).Select(errand => errand.Job).ToList(), 3),
            DotNetSdk.RunAsync(network.BaseUrl, two, work.Skip(25).Select(errand => errand.Job).ToList(), 3));
        await network.Admin.SettleDownAsync();

        var usage = await network.Admin.GetAsync("/admin/v1/usage");

        var told = usage.GetProperty("rows").EnumerateArray().Select(row => string.Join(' ',
            Text(row, "key"), Text(row, "day"), Text(row, "model"), Text(row, "requests"), Text(row, "input_tokens"),
            Text(row, "cached_tokens"), Text(row, "output_tokens"), AdminReader.Units(Text(row, "charged")),
            AdminReader.Units(Text(row, "billed")))).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(LedgerReader.Query(network.GatewayLedger, Sums).Select(row => string.Join(' ', row))
            .Order(StringComparer.Ordinal), told);
        Assert.True(told.Count >= 2);
        var keys = (await network.Admin.GetAsync("/admin/v1/keys")).GetProperty("keys").EnumerateArray().ToList();
        var spent = keys.Aggregate(BigInteger.Zero, (sum, key) => sum + AdminReader.Units(Text(key, "spent")));
        Assert.Equal(spent, AdminReader.Units(Text(usage.GetProperty("total"), "billed")));
        Assert.True(spent > 0);
    }

    [Fact]
    public async Task Ten_thousand_requests_over_http_never_overspend_one_budget()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan());
        // A prompt of about 30 tokens and 24 of output are at most 200 units; so about a dozen fit at once.
        var key = await network.KeyAsync("tight", 2_400);
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = 256 };
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromMinutes(5) };
        http.DefaultRequestHeaders.Add("authorization", "Bearer " + key);
        const string Ask =
            """{"model":"souk-demo","max_tokens":24,"messages":[{"role":"user","content":"What is 12 plus 30?"}]}""";

        var replies = await Task.WhenAll(Enumerable.Range(0, Requests).Select(_ => Task.Run(async () =>
        {
            using var body = new StringContent(Ask, null, "application/json");
            using var reply = await http.PostAsync(new Uri(network.BaseUrl + "/chat/completions"), body);
            var cost = (int)reply.StatusCode == 200
                ? AdminReader.Units(JsonDocument.Parse(await reply.Content.ReadAsStringAsync()).RootElement
                    .GetProperty("usage").GetProperty("cost").GetRawText())
                : 0;
            return ((int)reply.StatusCode, Cost: cost);
        })));
        await network.Admin.SettleDownAsync();

        // On a busy machine some wait in vain for a channel: that is 503, and costs nothing either.
        Assert.All(replies, reply => Assert.Contains(reply.Item1, new[] { 200, 402, 503 }));
        Assert.Contains(replies, reply => reply.Item1 == 200);
        Assert.True(replies.Count(reply => reply.Item1 == 402) > Requests / 2);
        var spent = replies.Aggregate(BigInteger.Zero, (sum, reply) => sum + reply.Cost);
        var shown = (await network.Admin.GetAsync("/admin/v1/keys")).GetProperty("keys")[0];
        Assert.Equal((spent, BigInteger.Zero),
            (AdminReader.Units(Text(shown, "spent")), AdminReader.Units(Text(shown, "reserved"))));
        Assert.InRange(spent, 1_200, 2_400);
        CheckEveryRow(network.GatewayLedger, 2_400);
    }

    private static void CheckEveryRow(string ledger, BigInteger budget)
    {
        Dictionary<string, BigInteger> held = new(StringComparer.Ordinal);
        var spent = BigInteger.Zero;
        foreach (var row in LedgerReader.Read(ledger))
        {
            switch (row.Kind)
            {
                case "budget_reserved":
                    held.Add(row.Key, BigInteger.Parse(Text(row.Body, "reserved"), CultureInfo.InvariantCulture));
                    break;
                case "budget_charged":
                    spent += BigInteger.Parse(Text(row.Body, "charged"), CultureInfo.InvariantCulture);
                    held.Remove(row.Key);
                    break;
                case "budget_released":
                    held.Remove(row.Key);
                    break;
            }

            Assert.True(held.Values.Aggregate(spent, (sum, one) => sum + one) <= budget);
        }
    }

    private static string Text(JsonElement from, string name) => from.GetProperty(name).ToString();
}
