using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Souk.Bench.Engine.Exports;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Protocol;

namespace Souk.Bench.Engine;

/// <summary>
/// How many tokens differ when the same request runs alone, beside neighbours, or is read back as a prompt. Answers of
/// <see cref="Tokens"/> tokens to the evaluation questions, half of them greedy and half at temperature 1 with a key of
/// their own, are generated alone and then in groups; a pair counts up to its first difference, since what follows is
/// another text. Reading back judges every token on its own. Results are appended to a file block by block, so that an
/// interrupted run goes on where it was.
/// </summary>
internal static class Numerics
{
    private const int Tokens = 200;

    /// <summary>Neighbours and itself; questions of one block.</summary>
    private static readonly int[] Groups = [2, 4, 8, 16];

    /// <param name="directory">The model's.</param>
    /// <param name="wanted">Tokens to be compared.</param>
    /// <param name="file">Where results are added.</param>
    /// <param name="first">Number of the file's first block, so that several runs can share the work.</param>
    public static async Task RunAsync(string directory, long wanted, string file, int first)
    {
        var done = File.Exists(file)
            ? File.ReadLines(file).Select(line => JsonSerializer.Deserialize<Block>(line)!).ToList() : [];
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = directory, Threads = 1, Loops = 1 }, default);
        using var reader = new Reader(directory, engine.Model.Context);
        string[] questions = [.. Questions(directory)];
        for (int index = first + done.Count; done.Sum(block => block.Together.Compared) < wanted; index++)
        {
            long start = Stopwatch.GetTimestamp();
            var block = await BlockAsync(engine, reader, questions, index);
            block = block with { Commit = Build.Commit, Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds };
            done.Add(block);
            await File.AppendAllTextAsync(file, JsonSerializer.Serialize(block) + "\n");
        }

        Report(engine.Model.Name, done);
        await CalibrateAsync(engine, reader, questions);
    }

    /// <summary>How large rounding is, and that errors of other sizes would have been seen.</summary>
    private static async Task CalibrateAsync(OnnxEngine engine, Reader reader, string[] questions)
    {
        float[] noises = [1e-5f, 1e-4f, 1e-3f, 1e-2f];
        var sums = new Pair[noises.Length];
        float rounding = 0;
        Array.Fill(sums, new Pair(0, 0));
        for (int at = 0; at < 64; at++)
        {
            var request = Ask(questions[at], at);
            int[] prompt = engine.EncodePrompt(request.Chat)!;
            int[] ids = await AnswerAsync(engine, request);
            rounding = at < 8 ? Math.Max(rounding, reader.Rounding([.. prompt, .. ids])) : rounding;
            for (int i = 0; i < noises.Length; i++)
            {
                sums[i] += reader.Judge(request, prompt, ids, noises[i]);
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"greatest difference of a logit, one by one against many: {rounding:G2}"));
        for (int i = 0; i < noises.Length; i++)
        {
            Row(string.Create(CultureInfo.InvariantCulture, $"with noise of {noises[i]:G1}"), [sums[i]]);
        }
    }

    private static async Task<Block> BlockAsync(OnnxEngine engine, Reader reader, string[] questions, int index)
    {
        // Every block has sequences of its own, and takes each group size in turn.
        int size = Groups[index % Groups.Length];
        int count = Groups[^1];
        var asked = Enumerable.Range(index * count, count)
            .Select(at => Ask(questions[at % questions.Length], at)).ToArray();
        var alone = new List<int[]>();
        foreach (var request in asked)
        {
            alone.Add(await AnswerAsync(engine, request));
        }

        var together = new Pair(0, 0);
        foreach (var group in asked.Zip(alone).Chunk(size))
        {
            var answers = await Task.WhenAll(group.Select(pair => AnswerAsync(engine, pair.First)));
            foreach (var (mine, (_, other)) in answers.Zip(group))
            {
                int same = mine.AsSpan().CommonPrefixLength(other);
                together += same == other.Length ? new Pair(same, 0) : new Pair(same + 1, 1);
            }
        }

        var prefill = new Pair(0, 0);
        foreach (var (request, ids) in asked.Zip(alone))
        {
            prefill += reader.Judge(request, engine.EncodePrompt(request.Chat)!, ids);
        }

        return new Block(size, together, prefill);
    }

    public static EngineRequest Ask(string question, int seed)
    {
        // Payers differ, so that no prefix is reused.
        var sampling = SamplingParameters.Default with { Temperature = seed % 2 };
        return new EngineRequest(
            Speed.Chat(question), default, SamplingKey.FromSeed(seed), sampling, Tokens, [], 1, Guid.NewGuid()
                .ToString());
    }

    public static async Task<int[]> AnswerAsync(OnnxEngine engine, EngineRequest request)
    {
        List<int> ids = [];
        await foreach (var happened in engine.GenerateAsync(request with { Payer = $"{Guid.NewGuid()}" }, default))
        {
            if (happened is TokenOut token)
            {
                ids.AddRange(token.Ids);
            }
        }

        return [.. ids];
    }

    public static IEnumerable<string> Questions(string directory) =>
        File.ReadLines(HalfDirectory.Evaluation(directory))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("question").GetString()!);

    private static void Report(string name, List<Block> blocks)
    {
        Console.WriteLine($"{name}: tokens that differ from the same request alone, {Tokens} tokens an answer");
        Console.WriteLine($"{"",-26} {"tokens",10} {"differ",7} {"share",9} {"99% bound",10}");
        foreach (int size in Groups)
        {
            Row($"with {size - 1} neighbours", blocks.Where(block => block.Group == size)
                .Select(block => block.Together));
        }

        Row("with neighbours, all", blocks.Select(block => block.Together));
        Row("read back as a prompt", blocks.Select(block => block.Prefill));
    }

    private static void Row(string label, IEnumerable<Pair> pairs)
    {
        var sum = pairs.Aggregate(new Pair(0, 0), (one, other) => one + other);
        double bound = sum.Compared == 0 ? 1 : Statistics.PoissonUpper(sum.Different, 0.99) / sum.Compared;
        double share = (double)sum.Different / sum.Compared;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{label,-26} {sum.Compared,10} {sum.Different,7} {share,9:E1} {bound,10:E1}"));
    }

    internal sealed record Pair(long Compared, long Different)
    {
        public static Pair operator +(Pair one, Pair other) =>
            new(one.Compared + other.Compared, one.Different + other.Different);
    }

    /// <summary>Sixteen questions; which ones follows from the number of the block, and so do their seeds.</summary>
    internal sealed record Block(int Group, Pair Together, Pair Prefill, string Commit = "", double Seconds = 0);
}
