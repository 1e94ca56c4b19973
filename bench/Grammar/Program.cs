using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Bench.Grammar;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Engines.Tests.Grammar;
using Souk.OpenAi.Chat;
using Souk.Protocol;

// Answers of a model to random schemas, each judged by Ajv, and what a token costs with and without a grammar, in
// processor time, so that a busy machine does not disturb it.
// usage: dotnet run -c Release --project bench/Grammar -- MODEL_DIRECTORY [SCHEMAS] [FIRST_SEED] [TOKENS]
//        dotnet run -c Release --project bench/Grammar -- vocabulary MODEL_DIRECTORY SIZE SCHEMAS TOKENS
//        dotnet run -c Release --project bench/Grammar -- gaps MODEL_DIRECTORY SIZE SCHEMAS
if (args.Length == 0)
{
    Console.Error.WriteLine("usage: bench/Grammar MODEL_DIRECTORY [SCHEMAS] [FIRST_SEED] [TOKENS]\n"
        + "       bench/Grammar vocabulary MODEL_DIRECTORY SIZE SCHEMAS TOKENS\n"
        + "       bench/Grammar gaps MODEL_DIRECTORY SIZE SCHEMAS");
    return 2;
}

if (args is ["vocabulary" or "gaps", var grown, ..])
{
    var (size, count) = (Argument(2, 32_000), Argument(3, 50));
    await (args[0] == "gaps" ? Gaps.RunAsync(grown, size, count)
        : LargeVocabulary.RunAsync(grown, size, count, Argument(4, 200)));
    return 0;
}

int Argument(int index, int otherwise) =>
    args.Length > index ? int.Parse(args[index], CultureInfo.InvariantCulture) : otherwise;
int schemas = Argument(1, 1000);
int first = Argument(2, 0);
int tokens = Argument(3, 400);
var options = new OnnxEngineOptions { Directory = args[0], Threads = 1, Concurrency = 1 };
await using var engine = await OnnxEngine.LoadAsync(options, default);

// A model that never saw a schema does not end its strings; quotes and brackets that are a little likelier do.
var bias = Ends("\"", "]", "}", "\",", "\"}").ToDictionary(id => id.ToString(CultureInfo.InvariantCulture), _ => 8.0);
List<(JsonNode Schema, string Answer)> whole = [];
int cut = 0;
long generated = 0;
var constrained = TimeSpan.Zero;
for (int seed = first; seed < first + schemas; seed++)
{
    var schema = new SchemaMaker(seed).Make();
    var before = Process.GetCurrentProcess().TotalProcessorTime;
    var (text, reason, count) = await AskAsync(schema, seed);
    constrained += Process.GetCurrentProcess().TotalProcessorTime - before;
    generated += count;
    if (reason == "stop")
    {
        whole.Add((schema, text));
    }
    else
    {
        cut++;
    }
}

var verdicts = await SchemaJudge.JudgeAsync(whole, default);
int valid = verdicts.Count(verdict => verdict == "ok");
Console.WriteLine(
    $"{schemas} schemas: {whole.Count} answers ended, {valid} of them valid; {cut} cut at {tokens} tokens");
for (int i = 0; i < verdicts.Count; i++)
{
    if (verdicts[i] != "ok")
    {
        Console.WriteLine($"{verdicts[i]}\n  {whole[i].Schema.ToJsonString()}\n  {whole[i].Answer}");
    }
}

Console.WriteLine($"first use of each schema     {Per(constrained, generated)} ms of processor time per token");
var once = new SchemaMaker(first).Make();
foreach (var (name, format) in new (string, JsonNode?)[] { ("no grammar", null), ("one schema, again", once) })
{
    await RunAsync(format);
    var (spent, count) = await RunAsync(format);
    Console.WriteLine($"{name,-28} {Per(spent, count)} ms of processor time per token");
}

return valid == whole.Count ? 0 : 1;

async Task<(TimeSpan Spent, long Tokens)> RunAsync(JsonNode? schema)
{
    var before = Process.GetCurrentProcess().TotalProcessorTime;
    long count = 0;
    for (int seed = 0; seed < 20; seed++)
    {
        count += (await AskAsync(schema, seed)).Tokens;
    }

    return (Process.GetCurrentProcess().TotalProcessorTime - before, count);
}

async Task<(string Text, string Reason, int Tokens)> AskAsync(JsonNode? schema, int seed)
{
    var body = new Dictionary<string, object?>
    {
        ["model"] = "m",
        ["messages"] = new[] { new { role = "user", content = "Tell me." } },
        ["logit_bias"] = bias,
        ["response_format"] = schema is null
            ? new { type = "text" } : new { type = "json_schema", json_schema = new { name = "x", schema } },
    };
    byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body);
    var chat = ChatRequest.Parse(bytes).Value;
    var sampling = SamplingParameters.Default with { Temperature = 1, Seed = seed };
    var text = new StringBuilder();
    var end = new Finished(0, "length", 0);
    await foreach (var happened in engine.GenerateAsync(
        new EngineRequest(chat, bytes, SamplingKey.FromSeed(seed), sampling, tokens, [], 1, "bench"), default))
    {
        if (happened is TokenOut token)
        {
            text.Append(token.Text);
        }

        end = happened as Finished ?? end;
    }

    return (text.ToString(), end.Reason, end.OutputTokens);
}

IEnumerable<int> Ends(params string[] texts)
{
    var tokenizer = PromptFiles.Build(engine.Model.PublicFiles).Value.Tokenizer;
    return Enumerable.Range(0, tokenizer.VocabularySize)
        .Where(id => texts.Contains(Encoding.UTF8.GetString(tokenizer.Bytes(id).Span)));
}

static string Per(TimeSpan spent, long count) =>
    (spent.TotalMilliseconds / Math.Max(1, count)).ToString("F3", CultureInfo.InvariantCulture);
