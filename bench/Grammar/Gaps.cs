using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Engines.Tests.Grammar;
using Souk.Engines.Tests.TinyModels;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Bench.Grammar;

/// <summary>
/// How long running streams wait between two tokens while others ask for answers to schemas that nobody asked for
/// before: a tiny model of random weights with a large vocabulary, one loop, three free streams beside one answer that
/// follows a schema at a time.
/// </summary>
internal static class Gaps
{
    private const int Streams = 3;
    private const int Tokens = 40;

    public static async Task RunAsync(string directory, int size, int schemas)
    {
        byte[] grown = LargeVocabulary.Grown(directory, size);
        byte[] settings = File.ReadAllBytes(Path.Combine(directory, "tokenizer_config.json"));
        var tokenizer = Tokenizer.Load(grown, settings).Value;
        int end = tokenizer.EosIds.Single();
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape { Vocabulary = size, Context = 512 }));
        folder.Write("tokenizer.json", grown);
        folder.Write("tokenizer_config.json", settings);
        folder.Write("generation_config.json", new { eos_token_id = end });
        var options = new OnnxEngineOptions { Directory = folder.Path, Threads = 1, Loops = 1 };
        await using var engine = await OnnxEngine.LoadAsync(options, default);
        Console.WriteLine($"{size} tokens, {Streams} streams beside {schemas} answers of at most {Tokens} tokens");
        var ends = LargeVocabulary.Ends(tokenizer).ToDictionary(
            id => id.ToString(CultureInfo.InvariantCulture), _ => 12.0);
        await PhaseAsync("the same answers without a schema", _ => null);
        await PhaseAsync("random schemas", seed => new SchemaMaker(seed).Make());
        await PhaseAsync("sixty patterns at once", Patterns);

        async Task PhaseAsync(string name, Func<int, object?> schemaOf)
        {
            using var ending = new CancellationTokenSource();
            var streams = Enumerable.Range(0, Streams).Select(i => StreamAsync(engine, end, i, ending.Token)).ToList();
            for (int seed = 0; seed < schemas; seed++)
            {
                await foreach (var _ in engine.GenerateAsync(Ask(seed, schemaOf(seed), ends, Tokens), default))
                {
                }
            }

            await ending.CancelAsync();
            Tell(name, [.. (await Task.WhenAll(streams)).SelectMany(gaps => gaps).Order()]);
        }
    }

    private static void Tell(string name, double[] gaps)
    {
        double Of(double share) => gaps[(int)((gaps.Length - 1) * share)];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {name,-36} {gaps.Length,7} gaps, milliseconds: median {Of(0.5),6:F2} p99 {Of(0.99),6:F2} "
            + $"p99.9 {Of(0.999),6:F2} longest {gaps[^1],6:F2}"));
    }

    private static async Task<List<double>> StreamAsync(OnnxEngine engine, int end, int index, CancellationToken ending)
    {
        List<double> gaps = [];
        var never = new Dictionary<string, double> { [end.ToString(CultureInfo.InvariantCulture)] = -100 };
        for (int seed = 0; !ending.IsCancellationRequested; seed++)
        {
            long last = 0;
            var request = Ask((seed * Streams) + index, null, never, 200) with { Payer = $"stream {index}" };
            await foreach (var happened in engine.GenerateAsync(request, default))
            {
                if (happened is not TokenOut || ending.IsCancellationRequested)
                {
                    continue;
                }

                long now = Stopwatch.GetTimestamp();
                if (last != 0)
                {
                    gaps.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
                }

                last = now;
            }
        }

        return gaps;
    }

    private static EngineRequest Ask(int seed, object? schema, Dictionary<string, double> bias, int tokens)
    {
        object format = schema is null
            ? new { type = "text" } : new { type = "json_schema", json_schema = new { name = "x", schema } };
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["model"] = "m",
            ["messages"] = new[] { new { role = "user", content = "Tell me." } },
            ["logit_bias"] = bias,
            ["response_format"] = format,
        });
        var sampling = SamplingParameters.Default with { Temperature = 1, Seed = seed };
        return new EngineRequest(
            ChatRequest.Parse(body).Value, body, SamplingKey.FromSeed(seed), sampling, tokens, [], 1, "schemas");
    }

    /// <summary>Lists of words, each a pattern of its own, which are all possible at the same time for a while.
    /// </summary>
    private static object Patterns(int seed) => new
    {
        anyOf = Enumerable.Range(0, 60).Select(i => new
        {
            type = "array",
            minItems = 1,
            items = new { type = "string", pattern = $"^[a-z ]*{(char)('a' + (i % 26))}{i + seed}$" },
        }),
    };
}
