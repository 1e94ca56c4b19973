using System.Diagnostics;
using System.Globalization;
using Souk.Bench.Engine;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.OpenAi.Chat;
using Souk.Protocol;

// Tokens per second of a bare ONNX Runtime loop and of our engine, at one request, on the same model and threads.
// usage: dotnet run -c Release --project bench/Engine -- MODEL_DIRECTORY [TOKENS] [ROUNDS] [THREADS]
if (args.Length == 0)
{
    Console.Error.WriteLine("usage: bench/Engine MODEL_DIRECTORY [TOKENS] [ROUNDS] [THREADS]");
    return 2;
}

int Argument(int index, int otherwise) =>
    args.Length > index ? int.Parse(args[index], CultureInfo.InvariantCulture) : otherwise;
int tokens = Argument(1, 200);
int rounds = Argument(2, 5);
int threads = Argument(3, 1);

var options = new OnnxEngineOptions { Directory = args[0], Threads = threads, Concurrency = 1 };
await using var engine = await OnnxEngine.LoadAsync(options, default);
var chat = new ChatRequest { Model = "m", Messages = [ChatMessage.OfText("user", "Tell me about the sea.")] };
int[] prompt = engine.EncodePrompt(chat)!;
using var bare = new BareLoop(args[0], threads, engine.Model.Vocabulary);

var greedy = SamplingParameters.Default with { Temperature = 0 };
var request = new EngineRequest(chat, default, SamplingKey.FromSeed(1), greedy, tokens, [], 1, "bench");
var sampled = request with { Sampling = SamplingParameters.Default with { Temperature = 0.8, TopP = 0.95 } };
List<double> bareRates = [];
List<double> greedyRates = [];
List<double> sampledRates = [];
for (int round = 0; round <= rounds; round++)
{
    double bareRate = bare.TokensPerSecond(prompt, tokens);
    double greedyRate = await RateAsync(request);
    double sampledRate = await RateAsync(sampled);
    if (round > 0)
    {
        bareRates.Add(bareRate);
        greedyRates.Add(greedyRate);
        sampledRates.Add(sampledRate);
    }
}

double reference = Median(bareRates);
Console.WriteLine($"{engine.Model.Name}: prompt {prompt.Length}, answer up to {tokens} tokens, {threads} thread(s)");
Console.WriteLine($"{"",-34} {"tokens/s",10} {"ratio",7}");
Row("bare ONNX Runtime loop, greedy", bareRates);
Row("engine, greedy", greedyRates);
Row("engine, temperature 0.8, top-p", sampledRates);
return 0;

void Row(string name, List<double> rates) => Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture, $"{name,-34} {Median(rates),10:F1} {Median(rates) / reference,7:F3}"));

// From the first token on, since both prefill the same way; an answer may end before the limit.
async Task<double> RateAsync(EngineRequest asked)
{
    int count = 0;
    long start = 0;
    await foreach (var happened in engine.GenerateAsync(asked, default))
    {
        if (happened is TokenOut && count++ == 0)
        {
            start = Stopwatch.GetTimestamp();
        }
    }

    return (count - 1) / Stopwatch.GetElapsedTime(start).TotalSeconds;
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
