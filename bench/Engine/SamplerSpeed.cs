using System.Diagnostics;
using System.Globalization;
using Souk.Protocol;

namespace Souk.Bench.Engine;

/// <summary>What picking a token costs by itself, for the kinds of parameters that apps send. The logits have the shape
/// that language models give: most of the weight on a few tokens, the rest far below and spread widely.</summary>
internal static class SamplerSpeed
{
    private const int Steps = 64;

    public static void Run(int vocabulary, int rounds)
    {
        float[][] steps = [.. Enumerable.Range(0, Steps).Select(seed => Logits(vocabulary, seed))];
        var bias = new Dictionary<int, double> { [vocabulary - 5] = -100 };
        var all = SamplingParameters.Default with { Temperature = 1 };
        (string Name, SamplingParameters Parameters, Dictionary<int, double>? Bias)[] kinds =
        [
            ("greedy", all with { Temperature = 0 }, null),
            ("greedy, biased", all with { Temperature = 0 }, bias),
            ("T 0.8, top-p 0.95", all with { Temperature = 0.8, TopP = 0.95 }, bias),
            ("T 1.5, top-p 0.99", all with { Temperature = 1.5, TopP = 0.99 }, null),
            ("T 1", all, null),
            ("T 0.7, top-k 40", all with { Temperature = 0.7, TopK = 40 }, null),
            ("T 0.7, min-p 0.05", all with { Temperature = 0.7, MinP = 0.05 }, null),
        ];
        Console.WriteLine($"vocabulary {vocabulary}, microseconds of processor time per token, median of {rounds}");
        foreach (var (name, parameters, shift) in kinds)
        {
            var sampler = new Sampler(parameters, SamplingKey.FromSeed(1), vocabulary);
            var times = Enumerable.Range(0, rounds + 1).Select(_ => Round(sampler, steps, shift)).Skip(1);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {name,-20} {Statistics.Median(times),9:F2}"));
        }
    }

    private static double Round(Sampler sampler, float[][] steps, Dictionary<int, double>? bias)
    {
        int repeats = Math.Max(1, 400_000 / steps[0].Length);
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            for (int t = 0; t < steps.Length; t++)
            {
                sampler.Next(steps[t], 0, (repeat * Steps) + t, null, bias);
            }
        }

        var spent = Process.GetCurrentProcess().TotalProcessorTime - before;
        return spent.TotalMicroseconds / ((double)repeats * steps.Length);
    }

    private static float[] Logits(int vocabulary, int seed)
    {
        var random = new Random(seed);
        float[] logits = [.. Enumerable.Range(0, vocabulary).Select(_ => (float)Normal(random) * 2.5f)];
        for (int i = 0; i < 20; i++)
        {
            logits[random.Next(vocabulary)] += 16 - (0.5f * i);
        }

        return logits;
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
        * Math.Cos(2 * Math.PI * random.NextDouble());
}
