using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Conformance.Evaluation;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Bench;

/// <summary>
/// Unstreamed answers of a fixed length, one at a time, in turn from the engine itself and through gateway, TLS link
/// and provider with all that is signed, checked and written down. Everything shares one process and machine.
/// </summary>
internal static class Throughput
{
    private const int Tokens = 384;
    private const int Rounds = 15;

    public static async Task RunAsync()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan { SliceTokens = 512 });
        using var http = new HttpClient { BaseAddress = network.BaseUrl };
        http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await network.KeyAsync("bench"));
        var engine = network.Providers[0].Engine;
        List<double> bare = [];
        List<double> paid = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(new
            {
                model = MarketNetwork.Model,
                messages = new[] { new { role = "user", content = $"Count on from {round}." } },
                seed = round,
                max_tokens = Tokens,
                logit_bias = Trial.NeverEnd,
            });
            // Which goes first changes, so that neither profits from what the other warmed.
            var isBareFirst = round % 2 == 0;
            var first = isBareFirst ? await BareAsync(engine, body) : await PaidAsync(http, body);
            var second = isBareFirst ? await PaidAsync(http, body) : await BareAsync(engine, body);
            if (round > 0)
            {
                bare.Add(isBareFirst ? first : second);
                paid.Add(isBareFirst ? second : first);
            }
        }

        Table.Head($"{Tokens} tokens per answer, {Rounds} answers each, median", "tokens/s", "ratio");
        Table.Row("bare engine", Table.Median(bare), 1);
        Table.Row("whole paid path, unstreamed", Table.Median(paid),
            Table.Median(paid.Zip(bare, (one, other) => one / other)));
    }

    private static async Task<double> BareAsync(IEngine engine, byte[] body)
    {
        var start = Stopwatch.GetTimestamp();
        var chat = ChatRequest.Parse(body).Value;
        var request = new EngineRequest(
            chat, body, SamplingKey.FromSeed(chat.Seed!.Value), RequestSampling.Of(chat), Tokens, [], 1, "bench");
        var count = 0;
        await foreach (var happened in engine.GenerateAsync(request, default))
        {
            count += happened is TokenOut token ? token.Ids.Length : 0;
        }

        return Rate(count, start);
    }

    private static async Task<double> PaidAsync(HttpClient http, byte[] body)
    {
        var start = Stopwatch.GetTimestamp();
        using var content = new ByteArrayContent(body);
        using var reply = await http.PostAsync("/v1/chat/completions", content);
        var json = await reply.Content.ReadFromJsonAsync<JsonElement>();
        return Rate(json.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), start);
    }

    private static double Rate(int count, long start) => count == Tokens
        ? count / Stopwatch.GetElapsedTime(start).TotalSeconds
        : throw new InvalidOperationException($"An answer had {count} tokens in place of {Tokens}.");
}
