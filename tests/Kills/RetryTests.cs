using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Souk.Kills;

/// <summary>
/// Apps that send the same named request again and again, up to a hundred times at once, while the gateway is killed
/// and started: each name is charged exactly once, and everybody who gets its answer gets the same bytes.
/// <c>SOUK_RETRIES</c> sets how many requests, <c>SOUK_SEED</c> the seed, <c>SOUK_RESULTS</c> a file that a line of
/// JSON is added to.
/// </summary>
public sealed class RetryTests
{
    private const int Few = 600;
    private const int MostAtOnce = 100;
    private const int LeastKills = 3;
    private const int MostFailures = 300;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    private const string ChargedByName = """
        WITH line AS (SELECT kind, key AS id, CAST(body AS TEXT) AS body FROM row)
        SELECT json_extract(named.body, '$.name'), count(charged.id)
        FROM line named
        LEFT JOIN line charged ON charged.kind = 'budget_charged'
             AND charged.id = json_extract(named.body, '$.app_request')
        WHERE named.kind = 'request_named'
        GROUP BY 1
        """;

    private int _kills;
    private int _named;
    private int _sent;
    private int _replayed;
    private int _timeouts;
    private int _failed;

    [Fact]
    public async Task Repeated_at_once_and_across_kills_a_named_request_is_charged_once()
    {
        var retries = Campaign.Number("SOUK_RETRIES") ?? Few;
        var seed = Campaign.Number("SOUK_SEED") ?? Random.Shared.Next();
        var watch = Stopwatch.StartNew();
        await using var network = await KilledNetwork.StartAsync();
        using var admin = network.Admin();
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = MostAtOnce })
        {
            BaseAddress = network.Url, Timeout = TimeSpan.FromSeconds(60),
        };
        http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await admin.CreateKeyAsync("retries", "900"));
        var random = new Random(seed);
        using var stop = new CancellationTokenSource();
        var killing = KillOnAsync(network, new Random(seed + 1), stop.Token);
        var (unkept, slowest) = (0, TimeSpan.Zero);
        while (Volatile.Read(ref _sent) < retries || Volatile.Read(ref _kills) < LeastKills)
        {
            var (number, begun) = (_named, watch.Elapsed);
            var times = random.Next(1, MostAtOnce + 1);
            var outcomes = await Task.WhenAll(Enumerable.Range(0, times).Select(_ => AskAsync(http, network, number)));
            // One outcome for all, or, where the reply died with the process, no second one.
            var told = outcomes.Where(outcome => outcome is not null).Distinct(StringComparer.Ordinal).ToList();
            Assert.True(told.Count <= 1, string.Join('\n', told));
            unkept += outcomes.Contains(null) ? 1 : 0;
            slowest = watch.Elapsed - begun > slowest ? watch.Elapsed - begun : slowest;
            Volatile.Write(ref _named, number + 1);
        }

        await stop.CancelAsync();
        await killing;
        await admin.SettleDownAsync();
        var charges = LedgerReader.Query(network.GatewayLedger, ChargedByName);
        Assert.Equal(_named, charges.Count);
        Assert.All(charges, row => Assert.Equal("1", row[1]));
        var accounts = new Accounts(network);
        accounts.Check([]);
        Campaign.Report(new
        {
            test = "retries", commit = Campaign.Commit, seed, names = _named, sent = _sent, replayed = _replayed,
            unkept, failed = _failed, timeouts = _timeouts, kills = _kills, charged = accounts.Charged,
            slowest_seconds = (int)slowest.TotalSeconds, seconds = (int)watch.Elapsed.TotalSeconds,
        });
    }

    // The body of the answer; null where the gateway says that it was charged and its reply not kept, or that it
    // failed.
    private async Task<string?> AskAsync(HttpClient http, KilledNetwork network, int number)
    {
        var (patience, failures) = (Stopwatch.StartNew(), 0);
        while (true)
        {
            Assert.True(
                patience.Elapsed < _patience, $"No answer.\n{network.Log("gateway")}\n{network.Log("provider")}");
            try
            {
                using var request = Request(network.Model, number);
                Interlocked.Increment(ref _sent);
                using var reply = await http.SendAsync(request);
                var body = await reply.Content.ReadAsStringAsync();
                if (reply.IsSuccessStatusCode && IsWhole(body))
                {
                    Interlocked.Add(ref _replayed, reply.Headers.Contains("idempotent-replayed") ? 1 : 0);
                    return body;
                }

                // A failure that was charged is final: at once where nothing can be shown, and of a stream once it has
                // been told long enough. One that cost nothing frees its name, which is done again.
                failures += reply.Headers.Contains("idempotent-replayed") ? 1 : 0;
                var isFailed = (int)reply.StatusCode == 422 || failures == MostFailures;
                if (isFailed || body.Contains("idempotency_reply_not_kept", StringComparison.Ordinal))
                {
                    Interlocked.Add(ref _failed, isFailed ? 1 : 0);
                    return null;
                }

                Assert.True((int)reply.StatusCode is 200 or 409 or 429 or >= 500, body);
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException)
            {
                // Killed; what an SDK would do comes next.
            }
            catch (TaskCanceledException)
            {
                // The one attempt took too long, which an SDK tries again as well.
                Interlocked.Increment(ref _timeouts);
            }

            await Task.Delay(100);
        }
    }

    // Every other name is streamed, and such an answer may break off.
    private static bool IsWhole(string body) => body.StartsWith('{')
        || body.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal);

    private static HttpRequestMessage Request(string model, int number)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(JsonSerializer.Serialize(new
            {
                model, max_tokens = 8, stream = number % 2 == 1,
                messages = new[] { new { role = "user", content = $"What is {number % 90} plus 9?" } },
            })),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"name-{number}"));
        return request;
    }

    // Every other kill waits for a name to get its outcome first, so that the run goes forward: a request that its
    // provider never saw is given up only by a gateway that has lived for 10 seconds. The others come at any moment.
    private async Task KillOnAsync(KilledNetwork network, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var named = Volatile.Read(ref _named);
            var isPatient = random.Next(2) == 0;
            while (isPatient && Volatile.Read(ref _named) == named && !stop.IsCancellationRequested)
            {
                await Task.Delay(50, CancellationToken.None);
            }

            await Task.Delay(random.Next(200, 4_000), CancellationToken.None);
            var victim = random.Next(4) == 0 ? "provider" : "gateway";
            await network.KillAsync(victim);
            await network.StartAsync(victim);
            Interlocked.Increment(ref _kills);
        }
    }
}
