using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Souk.Conformance.Composition;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Conformance.Evaluation;

/// <summary>How an evaluation came out on the bare engine and through the whole network.</summary>
internal sealed record EvaluationResult(
    int Questions, int RightOnEngine, int RightThroughNetwork, int DifferentAnswers);

/// <summary>How many tokens differed between two providers that were given the same seeds.</summary>
internal sealed record SeedResult(int Requests, int Tokens, int DifferentTokens, int DifferentAnswers);

/// <summary>Asks the same of different parts of a network and compares what comes back.</summary>
internal static partial class Trial
{
    /// <summary>
    /// Asks evaluation questions greedily, of the engine itself and through gateway and node links, and grades both as
    /// the model's own script does.
    /// </summary>
    public static async Task<EvaluationResult> EvaluateAsync(
        MarketNetwork network, string apiKey, int questions, int concurrency)
    {
        var items = File.ReadLines(Places.Evaluation).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        // A smaller set takes every so-manyth, so that all kinds are in it.
        var asked = items.Where((_, index) =>
            (long)index * questions / items.Count != (long)(index + 1) * questions / items.Count).ToList();
        using var http = Client(network, apiKey);
        var through = await EachAsync(asked, concurrency, async item => (await AskAsync(
            http, MarketNetwork.Model, Question(item), temperature: 0, seed: null, mostTokens: null)).Text);
        List<string> bare = [];
        foreach (var item in asked)
        {
            bare.Add(await AskEngineAsync(network.Providers[0].Engine, Question(item)));
        }

        var wanted = asked.ConvertAll(item => item.GetProperty("answer").GetString()!);
        return new EvaluationResult(
            asked.Count, Right(wanted, bare), Right(wanted, through),
                through.Zip(bare).Count(pair => pair.First != pair.Second));
    }

    /// <summary>Has two providers answer with the same seeds until so many tokens were compared, place by
    /// place.</summary>
    public static async Task<SeedResult> CompareSeedsAsync(
        MarketNetwork network, string apiKey, int tokens, int concurrency)
    {
        var questions = File.ReadLines(Places.Evaluation)
            .Select(line => Question(JsonDocument.Parse(line).RootElement)).ToList();
        using var http = Client(network, apiKey);
        var (requests, compared, different, parted) = (0, 0, 0, 0);
        while (compared < tokens)
        {
            var seeds = Enumerable.Range(requests, 4 * concurrency).ToList();
            var pairs = await EachAsync(seeds, concurrency, async seed =>
            {
                var question = questions[seed % questions.Count];
                var answers = await Task.WhenAll(network.Providers.Take(2).Select(provider => AskAsync(
                    http, $"{provider.Keys.Owner.Address}/{provider.Engine.Model.Manifest.Digest}", question, 1.0, seed,
                    200,
                    NeverEnd)));
                return (First: answers[0].Ids, Second: answers[1].Ids);
            });
            foreach (var (first, second) in pairs)
            {
                requests++;
                compared += Math.Max(first.Length, second.Length);
                // After the first token that differs the rest of an answer is another text.
                parted += first.SequenceEqual(second) ? 0 : 1;
                different += Math.Max(first.Length, second.Length) - first.Zip(second)
                    .Count(pair => pair.First == pair.Second);
            }
        }

        return new SeedResult(requests, compared, different, parted);
    }

    /// <summary>The model's own normalisation: lower case, words, no ends of sentences.</summary>
    public static string Normal(string answer) =>
        string.Join(' ', Words().Matches(answer.ToLowerInvariant()).Select(match => match.Value));

    /// <summary>A bias against the model's end token: answers go on to their limit, over text that it was never
    /// taught, where tokens are nearly as likely as each other and the smallest difference would show.</summary>
    public static Dictionary<string, int> NeverEnd { get; } = new()
    {
        [JsonDocument.Parse(File.ReadAllText(Path.Combine(Places.Model, "generation_config.json")))
            .RootElement.GetProperty("eos_token_id").GetRawText()] = -100,
    };

    private static HttpClient Client(MarketNetwork network, string apiKey)
    {
        var http = new HttpClient { BaseAddress = network.BaseUrl, Timeout = TimeSpan.FromMinutes(5) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        return http;
    }

    private static async Task<(string Text, int[] Ids)> AskAsync(
        HttpClient http, string model, string question, double temperature, int? seed, int? mostTokens,
        Dictionary<string, int>? bias = null)
    {
        using var reply = await http.PostAsJsonAsync("/v1/chat/completions", new
        {
            model,
            messages = new[] { new { role = "user", content = question } },
            temperature,
            seed,
            max_tokens = mostTokens,
            return_token_ids = true,
            logit_bias = bias ?? [],
        });
        var json = await reply.Content.ReadFromJsonAsync<JsonElement>();
        if (!reply.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(json.GetRawText());
        }

        var choice = json.GetProperty("choices")[0];
        return (
            choice.GetProperty("message").GetProperty("content").GetString() ?? "",
            [.. choice.GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32())]);
    }

    private static async Task<string> AskEngineAsync(IEngine engine, string question)
    {
        var chat = new ChatRequest { Model = "m", Messages = [ChatMessage.OfText("user", question)], Temperature = 0 };
        var request = new EngineRequest(
            chat, default, SamplingKey.FromSeed(0), RequestSampling.Of(chat), engine.Model.MaxOutput, [], 1, "trial");
        var text = "";
        await foreach (var happened in engine.GenerateAsync(request, default))
        {
            text += happened is TokenOut token ? token.Text : "";
        }

        return text;
    }

    private static async Task<List<TOut>> EachAsync<TIn, TOut>(
        List<TIn> items, int concurrency, Func<TIn, Task<TOut>> work)
    {
        var results = new TOut[items.Count];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var at && at < items.Count)
            {
                results[at] = await work(items[at]);
            }
        }));
        return [.. results];
    }

    private static int Right(List<string> wanted, List<string> given) =>
        wanted.Zip(given).Count(pair => Normal(pair.First) == Normal(pair.Second));

    private static string Question(JsonElement item) => item.GetProperty("question").GetString()!;

    [GeneratedRegex(@"[^\s.!?]+")]
    private static partial Regex Words();
}
