using System.Runtime.Intrinsics;
using CsCheck;

namespace Souk.Protocol.Tests.Sampling;

public class SamplerTests
{
    private static readonly SamplingKey Key = SamplingKey.FromSeed(7);

    private static readonly Gen<SamplingParameters> AnyParameters = Gen.Select(
        Gen.OneOf(Gen.Const(0.0), Gen.Const(1.0), Gen.Double[0.05, 5]),
        Gen.OneOf(Gen.Const(1.0), Gen.Double[0, 1]),
        Gen.OneOf(Gen.Const(0), Gen.Int[1, 60]),
        Gen.OneOf(Gen.Const(0.0), Gen.Double[0, 1]),
        (temperature, topP, topK, minP) => new SamplingParameters(temperature, topP, topK, minP, 0, 0, null));

    // Coarse logits make ties common, which is where shortcuts go wrong.
    private static readonly Gen<float[]> AnyLogits = Gen.OneOf(
        Gen.Float[-8, 8].Array[1, 400],
        Gen.Int[-3, 3].Select(x => (float)x).Array[1, 400],
        Gen.OneOf(Gen.Const(float.NegativeInfinity), Gen.Float[-3, 3]).Array[1, 100].Where(x => x.Any(float.IsFinite)),
        Gen.Const(0f).Array[1, 300]);

    [Fact]
    public void Shortcuts_never_change_the_token() => Gen.Select(AnyParameters, AnyLogits, Gen.Int[0, 255]).Sample(
        (parameters, logits, choice) =>
        {
            var sampler = new Sampler(parameters, Key, logits.Length);
            for (var t = 0; t < 3; t++)
            {
                Assert.Equal(Plain(parameters, logits, choice, t), sampler.Next(logits, choice, t));
            }
        }, iter: 1000);

    [Theory]
    [InlineData(0.9, 1.0, 0, 0.0)]
    [InlineData(0.999999, 1.0, 0, 0.0)]
    [InlineData(0.95, 4.0, 0, 0.0)]
    [InlineData(1.0, 1.0, 0, 0.0)]
    [InlineData(1.0, 1.0, 40, 0.0)]
    [InlineData(0.9, 1.0, 5000, 0.0)]
    [InlineData(1.0, 2.0, 0, 0.001)]
    [InlineData(0.9, 1.5, 0, 0.0001)]
    public void A_large_vocabulary_gives_the_token_of_the_full_sort(
        double topP, double temperature, int topK, double minP)
    {
        var random = new Random(3);
        var logits = new float[30_000];
        var parameters = new SamplingParameters(temperature, topP, topK, minP, 0, 0, null);
        var sampler = new Sampler(parameters, Key, logits.Length);
        for (var t = 0; t < 3; t++)
        {
            for (var v = 0; v < logits.Length; v++)
            {
                logits[v] = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 12);
            }

            Assert.Equal(Plain(parameters, logits, 0, t), sampler.Next(logits, 0, t));
        }
    }

    [Fact]
    public void Top_p_on_a_flat_vocabulary_falls_back_to_the_exact_sum()
    {
        // The threshold lies exactly on a step, so the quick sum cannot decide.
        var parameters = SamplingParameters.Default with { TopP = 0.5 };
        var logits = new float[4096];
        var sampler = new Sampler(parameters, Key, logits.Length);
        for (var t = 0; t < 200; t++)
        {
            var token = sampler.Next(logits, 0, t);
            Assert.InRange(token, 0, 2047);
            Assert.Equal(Plain(parameters, logits, 0, t), token);
        }
    }

    [Fact]
    public void Tokens_are_as_frequent_as_softmax_says()
    {
        float[] logits = [2, 1.5f, 1, 0.5f, 0, -0.5f, -1, -2];
        const int Draws = 40_000;
        foreach (var temperature in new[] { 0.7, 1.0, 2.0 })
        {
            var parameters = SamplingParameters.Default with { Temperature = temperature };
            var sampler = new Sampler(parameters, Key, logits.Length);
            var counts = new int[logits.Length];
            for (var t = 0; t < Draws; t++)
            {
                counts[sampler.Next(logits, 3, t)]++;
            }

            var total = logits.Sum(x => Math.Exp(x / temperature));
            var chiSquare = logits.Select((x, v) =>
            {
                var expected = Draws * Math.Exp(x / temperature) / total;
                return (counts[v] - expected) * (counts[v] - expected) / expected;
            }).Sum();

            // The 99.9 % point of chi-square with 7 degrees of freedom; the key is fixed, so this never flickers.
            Assert.True(chiSquare < 24.32, $"chi-square {chiSquare} at temperature {temperature}");
        }
    }

    [Fact]
    public void Choices_and_positions_draw_apart()
    {
        var logits = new float[64];
        var sampler = new Sampler(SamplingParameters.Default, Key, logits.Length);
        var tokens = new int[4][];
        for (var choice = 0; choice < 4; choice++)
        {
            tokens[choice] = [.. Enumerable.Range(0, 50).Select(t => sampler.Next(logits, choice, t))];
        }

        Assert.Equal(4, tokens.Select(row => string.Join(',', row)).Distinct().Count());
        Assert.All(tokens, row => Assert.True(row.Distinct().Count() > 15));
    }

    [Fact]
    public void Penalties_and_bias_move_the_choice()
    {
        float[] logits = [1, 2, 3];
        var greedy = new SamplingParameters(0, 1, 0, 0, FrequencyPenalty: 0.6, PresencePenalty: 0.5, null);
        var sampler = new Sampler(greedy, Key, 3);
        Assert.Equal(2, sampler.Next(logits, 0, 0));
        Assert.Equal(1, sampler.Next(logits, 0, 1, new Dictionary<int, int> { [2] = 1 }));
        Assert.Equal(2, sampler.Next(logits, 0, 1, new Dictionary<int, int> { [2] = 0 }));
        Assert.Equal(0, sampler.Next(logits, 0, 1, null, new Dictionary<int, double> { [0] = 100 }));
        Assert.Equal(0, sampler.Next(logits, 0, 1, null, new SortedList<int, double> { [0] = 100 }));
        Assert.Equal(1, sampler.Next(logits, 0, 1, new SortedList<int, int> { [2] = 1 }));
        Assert.Equal(2, sampler.Next(logits, 0, 1, null, new Dictionary<int, double> { [3] = 100, [-1] = 100 }));
    }

    [Fact]
    public void Logits_that_are_no_numbers_are_an_error()
    {
        foreach (var parameters in new[]
        {
            SamplingParameters.Default, SamplingParameters.Default with { Temperature = 0 },
            SamplingParameters.Default with { TopP = 0.9 }, SamplingParameters.Default with { TopK = 2 },
        })
        {
            var sampler = new Sampler(parameters, Key, 3);
            Assert.Throws<SamplingException>(() => sampler.Next([1, float.NaN, 2], 0, 0));
            Assert.Throws<SamplingException>(() => sampler.Next([float.NaN, 1, 2], 0, 0));
            Assert.Throws<SamplingException>(() => sampler.Next([1, float.PositiveInfinity, 2], 0, 0));
            var barred = new[] { float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity };
            Assert.Throws<SamplingException>(() => sampler.Next(barred, 0, 0));
            Assert.Equal(1, sampler.Next([float.NegativeInfinity, 1, float.NegativeInfinity], 0, 0));
        }
    }

    [Fact]
    public void Arguments_out_of_range_are_refused()
    {
        var sampler = new Sampler(SamplingParameters.Default, Key, 3);
        Assert.Throws<ArgumentException>(() => sampler.Next([1, 2], 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Next([1, 2, 3], 256, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Next([1, 2, 3], 0, 1 << 24));
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Next([1, 2, 3], -1, 0));
        Assert.Throws<ArgumentException>(() => new Sampler(SamplingParameters.Default with { TopP = 2 }, Key, 3));
        var undefined = SamplingParameters.Default with { Temperature = double.NaN };
        Assert.Throws<ArgumentException>(() => new Sampler(undefined, Key, 3));
    }

    [Fact]
    public void A_token_allocates_nothing()
    {
        var logits = Enumerable.Range(0, 5000).Select(i => (i * 7919 % 5000) / 400f).ToArray();
        var counts = new Dictionary<int, int> { [3] = 2, [9] = 1 };
        var bias = new Dictionary<int, double> { [4] = 1.5 };
        foreach (var parameters in new[]
        {
            SamplingParameters.Default, SamplingParameters.Default with { Temperature = 0 },
            SamplingParameters.Default with { TopP = 0.9 }, SamplingParameters.Default with { TopK = 40, TopP = 0.9 },
            SamplingParameters.Default with { MinP = 0.05, PresencePenalty = 1 },
        })
        {
            var sampler = new Sampler(parameters, Key, logits.Length);
            sampler.Next(logits, 0, 0, counts, bias);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var t = 1; t < 20; t++)
            {
                sampler.Next(logits, 0, t, counts, bias);
            }

            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void The_quick_bound_is_above_the_noise()
    {
        var noise = new Gumbel(Key, 0, 0);
        const ulong Half = 1UL << 51;
        var rare = new ulong[] { 0, 1, 2, Half - 1, Half, (2 * Half) - 3, (2 * Half) - 2, (2 * Half) - 1 };
        foreach (var eight in rare.Concat(Enumerable.Range(0, 20_000).Select(noise.Bits)).Chunk(8))
        {
            var bounds = Gumbel.Bound(Vector512.Create<ulong>(eight));
            for (var lane = 0; lane < 8; lane++)
            {
                var exact = Gumbel.Noise(eight[lane]);
                Assert.True(exact <= bounds[lane] && exact <= Gumbel.Greatest);
                Assert.True(exact < 1 || bounds[lane] < exact + 0.1, "A loose bound saves no work.");
            }
        }
    }

    // The definition, sorted in full and without shortcuts.
    private static int Plain(SamplingParameters p, float[] logits, int choice, int t)
    {
        if (p.Temperature < 1e-5)
        {
            return Array.IndexOf(logits, logits.Max());
        }

        var list = logits.Select((x, v) => (Score: x / p.Temperature, Id: v))
            .Where(c => !double.IsNegativeInfinity(c.Score))
            .OrderByDescending(c => c.Score).ThenBy(c => c.Id).ToList();
        list = p.TopK > 0 ? [.. list.Take(p.TopK)] : list;
        var weights = list.ToDictionary(c => c.Id, c => PortableMath.Exp(c.Score - list[0].Score));
        list = p.MinP > 0 ? [.. list.Where(c => weights[c.Id] >= p.MinP)] : list;
        if (p.TopP < 1)
        {
            var threshold = p.TopP * list.Aggregate(0.0, (sum, c) => sum + weights[c.Id]);
            var (reached, length) = (0.0, 0);
            do
            {
                reached += weights[list[length++].Id];
            }
            while (reached < threshold && length < list.Count);
            list = [.. list.Take(length)];
        }

        var noise = new Gumbel(SamplingKey.FromSeed(7), choice, t);
        return list.OrderByDescending(c => c.Score + noise[c.Id]).ThenBy(c => c.Id).First().Id;
    }
}
