using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Conformance.Evaluation;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Bench;

/// <summary>
/// Unstreamed answers of a fixed length, one at a time and several at once, in turn from the engine itself and through
/// gateway, TLS link and provider with all that is signed, checked and written down. Everything shares one process and
/// machine. One at a time also shows how long a request waits for the disk; several at once, what the path costs.
/// Nothing is counted before the runtime has compiled the path for good, as it has in a process that runs for a while.
/// </summary>
internal static class Throughput
{
    private const int Tokens = 384;
    private const int Rounds = 35;
    private const int WarmUpRequests = 200;
    private const int MostWarmUps = 30;
    private const int FewMethods = 20;
    private static readonly int[] AtOnce = [1, 4, 16];

    public static async Task RunAsync()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan
        {
            SliceTokens = 512, EngineConcurrency = AtOnce[^1],
        });
        using var http = new HttpClient { BaseAddress = network.BaseUrl };
        http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await network.KeyAsync("bench"));
        var engine = network.Providers[0].Engine;
        await WarmUpAsync(engine, http);
        Table.Head($"{Tokens} tokens per answer, {Rounds} rounds each, median", "tokens/s", "ratio");
        foreach (var atOnce in AtOnce)
        {
            await CompareAsync(engine, http, atOnce);
        }
    }

    private static async Task WarmUpAsync(IEngine engine, HttpClient http)
    {
        for (var i = 0; i < MostWarmUps; i++)
        {
            var before = JitInfo.GetCompiledMethodCount();
            for (var request = 0; request < WarmUpRequests; request += AtOnce[1])
            {
                byte[][] bodies = [.. Enumerable.Range(request, AtOnce[1]).Select(number => Body(number, 8))];
                await Task.WhenAll(bodies.Select(body => BareAsync(engine, body)));
                await Task.WhenAll(bodies.Select(body => PaidAsync(http, body)));
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
            if (JitInfo.GetCompiledMethodCount() - before < FewMethods)
            {
                return;
            }
        }
    }

    private static async Task CompareAsync(IEngine engine, HttpClient http, int atOnce)
    {
        List<double> bare = [];
        List<double> paid = [];
        for (var round = 0; round <= Rounds; round++)
        {
            byte[][] bodies = [.. Enumerable.Range(round * atOnce, atOnce).Select(number => Body(number, Tokens))];
            // Which goes first changes, so that neither profits from what the other warmed.
            var isBareFirst = round % 2 == 0;
            var first = isBareFirst ? await BareAsync() : await PaidAsync();
            var second = isBareFirst ? await PaidAsync() : await BareAsync();
            if (round > 0)
            {
                bare.Add(isBareFirst ? first : second);
                paid.Add(isBareFirst ? second : first);
            }

            Task<double> BareAsync() => RateAsync(bodies, body => Throughput.BareAsync(engine, body));
            Task<double> PaidAsync() => RateAsync(bodies, body => Throughput.PaidAsync(http, body));
        }

        Table.Row($"bare engine, {atOnce} at once", Table.Median(bare), 1);
        Table.Row($"whole paid path, unstreamed, {atOnce} at once", Table.Median(paid),
            Table.Median(paid.Zip(bare, (one, other) => one / other)));
    }

    private static byte[] Body(int number, int tokens) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        model = MarketNetwork.Model,
        messages = new[] { new { role = "user", content = $"Count on from {number}." } },
        seed = number,
        max_tokens = tokens,
        logit_bias = Trial.NeverEnd,
    });

    private static async Task<double> RateAsync(byte[][] bodies, Func<byte[], Task<int>> ask)
    {
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(bodies.Select(ask));
        return Array.TrueForAll(counts, count => count == Tokens)
            ? counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException($"An answer had {counts.Min()} tokens in place of {Tokens}.");
    }

    private static async Task<int> BareAsync(IEngine engine, byte[] body)
    {
        var chat = ChatRequest.Parse(body).Value;
        var request = new EngineRequest(
            chat, body, SamplingKey.FromSeed(chat.Seed!.Value), RequestSampling.Of(chat), chat.MaxTokens!.Value, [], 1,
            "bench");
        var count = 0;
        await foreach (var happened in engine.GenerateAsync(request, default))
        {
            count += happened is TokenOut token ? token.Ids.Length : 0;
        }

        return count;
    }

    private static async Task<int> PaidAsync(HttpClient http, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        using var reply = await http.PostAsync("/v1/chat/completions", content);
        var json = await reply.Content.ReadFromJsonAsync<JsonElement>();
        return json.GetProperty("usage").GetProperty("completion_tokens").GetInt32();
    }
}
