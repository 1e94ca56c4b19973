using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Engines.Grammar;
using Souk.Engines.Onnx.Batching;
using Souk.Engines.Tests.Grammar;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Bench.Grammar;

/// <summary>
/// What a schema costs where the vocabulary is large: the demo model's tokenizer grown by random merges to the size
/// asked for, logits at random, and no model, so that only masks and the sampler are timed. An answer is drawn three
/// times: without the grammar, with it, and with it again when the masks of all its places are known.
/// </summary>
internal sealed class LargeVocabulary
{
    private const int LongestLetters = 16;
    private readonly TokenTrie trie;
    private readonly SamplingBuffers buffers;
    private readonly float[][] pool;
    private readonly float[] logits;
    private readonly Dictionary<int, double> bias;

    private LargeVocabulary(Tokenizer tokenizer, int size)
    {
        trie = new TokenTrie(tokenizer, tokenizer.EosIds);
        buffers = new SamplingBuffers(size);
        logits = new float[size];
        var random = new Random(1);
        pool = [.. Enumerable.Range(0, 16).Select(_ => logits.Select(_ => (random.NextSingle() * 20) - 10).ToArray())];
        bias = Ends(tokenizer).ToDictionary(id => id, _ => 12.0);
    }

    /// <summary>Tokens that end strings, lists and objects.</summary>
    public static IEnumerable<int> Ends(Tokenizer tokenizer)
    {
        string[] ends = ["\"", "]", "}", "\",", "\"}"];
        return Enumerable.Range(0, tokenizer.VocabularySize)
            .Where(id => ends.Contains(Encoding.UTF8.GetString(tokenizer.Bytes(id).Span)));
    }

    public static Task RunAsync(string directory, int size, int schemas, int tokens)
    {
        var before = Environment.CpuUsage.TotalTime;
        var tokenizer = Tokenizer.Load(
            Grown(directory, size), File.ReadAllBytes(Path.Combine(directory, "tokenizer_config.json"))).Value;
        var bench = new LargeVocabulary(tokenizer, size);
        Tell($"{size} tokens, {schemas} schemas: start, once", Environment.CpuUsage.TotalTime - before, 1, "ms");
        var shelf = new GrammarShelf(bench.trie);
        var (compiling, free, first, again, masking) = (0L, 0L, 0L, 0L, 0L);
        List<long> whole = [];
        List<long> parts = [];

        // Once before, since the runtime compiles what runs for the first time.
        bench.Draw(shelf.OfFormat(Chat(new SchemaMaker(schemas).Make())).Value!, schemas, tokens);
        long drawn = 0;
        for (int seed = 0; seed < schemas; seed++)
        {
            var start = Environment.CpuUsage.TotalTime;
            var grammar = shelf.OfFormat(Chat(new SchemaMaker(seed).Make())).Value!;
            compiling += (Environment.CpuUsage.TotalTime - start).Ticks;
            var made = bench.Draw(grammar, seed, tokens);
            var known = bench.Draw(grammar, seed, tokens);
            first += made.Spent;
            whole.AddRange(made.Whole);
            parts.AddRange(made.Parts);
            again += known.Spent;
            masking += known.Following;
            free += bench.Draw(null, seed, made.Tokens).Spent;
            drawn += made.Tokens;
        }

        Tell("compiling a schema", new TimeSpan(compiling), schemas, "ms");
        Tell("a token without a grammar", new TimeSpan(free), drawn, "us");
        Tell("a token, first answer to a schema", new TimeSpan(first), drawn, "us");
        Tell("a token, later answers", new TimeSpan(again), drawn, "us");
        Tell("of that, following the grammar", new TimeSpan(masking), drawn, "us");
        Longest("masks", whole);
        Longest("parts of them that a loop computes", parts);
        Console.WriteLine($"  {drawn} tokens drawn");
        return Task.CompletedTask;
    }

    private static void Tell(string what, TimeSpan spent, long count, string unit) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"  {what,-44} {(unit == "ms" ? spent.TotalMilliseconds : spent.TotalMicroseconds) / count,9:F1} {unit}"));

    private static void Longest(string what, List<long> spent)
    {
        long[] all = [.. spent.OrderDescending()];
        Tell($"{what}: longest", new TimeSpan(all[0]), 1, "ms");
        Tell($"{what}: p99.9", new TimeSpan(all[all.Length / 1000]), 1, "ms");
    }

    private Drawn Draw(TokenGrammar? grammar, int seed, int tokens)
    {
        var sampler = new Sampler(SamplingParameters.Default, SamplingKey.FromSeed(seed), buffers);
        var walk = grammar?.Begin();
        long following = 0;
        List<long> whole = [];
        List<long> parts = [];
        int count = 0;
        long start = Now();
        for (bool isOver = false; count < tokens && !isOver; count++)
        {
            pool[(seed + count) % pool.Length].CopyTo(logits, 0);
            long before = Now();
            walk?.Prepare(ChoiceRun.MaskSteps);
            long prepared = Now();
            walk?.Mask(logits);
            long masked = Now();
            int id = sampler.Next(logits, 0, count, null, bias);
            long picked = Now();
            walk?.Take(id);
            following += masked - before + Now() - picked;
            whole.Add(masked - before);
            parts.Add(prepared - before);
            isOver = walk is not null && trie.IsEnd(id);
        }

        return new Drawn(count, Now() - start, following, whole, parts);
    }

    /// <summary>Processor time of this process, in ticks of 100 nanoseconds.</summary>
    private static long Now() => Environment.CpuUsage.TotalTime.Ticks;

    private static ChatRequest Chat(JsonNode schema)
    {
        var body = new
        {
            model = "m",
            messages = new[] { new { role = "user", content = "Tell me." } },
            response_format = new { type = "json_schema", json_schema = new { name = "x", schema } },
        };
        return ChatRequest.Parse(JsonSerializer.SerializeToUtf8Bytes(body)).Value;
    }

    /// <summary>tokenizer.json with more tokens, each two others that are likelier to be old ones; special tokens keep
    /// the last ids.</summary>
    public static byte[] Grown(string directory, int size)
    {
        var file = JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, "tokenizer.json")))!;
        var added = file["added_tokens"]!.AsArray();
        var vocabulary = file["model"]!["vocab"]!.AsObject();
        var merges = file["model"]!["merges"]!.AsArray();
        foreach (var special in added)
        {
            vocabulary.Remove(special!["content"]!.GetValue<string>());
        }

        List<string> texts = [.. vocabulary.OrderBy(pair => pair.Value!.GetValue<int>()).Select(pair => pair.Key)];
        var known = texts.ToHashSet();
        var random = new Random(2);
        string Old() => texts[(int)(texts.Count * Math.Pow(random.NextDouble(), 2))];
        while (texts.Count < size - added.Count)
        {
            var (left, right) = (Old(), Old());
            if (left.Length + right.Length <= LongestLetters && known.Add(left + right))
            {
                vocabulary[left + right] = texts.Count;
                texts.Add(left + right);
                merges.Add($"{left} {right}");
            }
        }

        for (int i = 0; i < added.Count; i++)
        {
            added[i]!["id"] = texts.Count + i;
        }

        return JsonSerializer.SerializeToUtf8Bytes(file);
    }

    private sealed record Drawn(int Tokens, long Spent, long Following, List<long> Whole, List<long> Parts);
}
